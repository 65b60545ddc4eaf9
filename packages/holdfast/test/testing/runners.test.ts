import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

const STORY = `
const assert = require('node:assert/strict')
const { test } = require('node:test')
const express = require('express')
const { createSessions, newKeyring } = require('holdfast')
const { holdfast } = require('holdfast/express')
const { memoryStore } = require('holdfast/memory')
const { loggedIn, testClock } = require('holdfast/testing')

test('a guarded route', async () => {
  const clock = testClock()
  const store = memoryStore({ now: clock.now })
  const sessions = createSessions({ store, keyring: newKeyring(), host: clock })
  const { requireSession } = holdfast(sessions, { now: clock.now })
  const app = express()
  app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (_, response) => {
    response.status(201).end()
  })
  const ada = await loggedIn(app, { sessions, subject: 'ada', factors: ['otp'] })

  assert.equal((await ada.thief().post('/orders', {})).status, 401)
  assert.equal((await ada.post('/orders', {})).status, 201)
  clock.advance('3h')
  assert.equal((await ada.post('/orders', {})).status, 401)
})
`

test('node:test runs the kit from a CommonJS file, as built, and ends by itself', () => {
  if (!existsSync(join(ROOT, 'packages/holdfast/dist/testing/index.js'))) {
    throw new Error('This test runs what "npm run build" makes: build first.')
  }
  // Below the workspace, whose packages it requires.
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.cache', 'node-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'orders.test.cjs')
  writeFileSync(file, STORY)

  // A runner that starts another one tells it so, and that one would report in its own way.
  const env = { PATH: process.env.PATH }
  const { status, stdout } = spawnSync(process.execPath, ['--test', file], {
    env,
    encoding: 'utf8',
  })

  expect(stdout).toContain('# pass 1')
  expect(status).toBe(0)
})
