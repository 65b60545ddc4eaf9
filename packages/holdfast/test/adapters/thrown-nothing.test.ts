import { createServer } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast as onExpress } from '../../src/adapters/express.ts'
import { holdfast as onFastify } from '../../src/adapters/fastify.ts'
import type { GuardOptions } from '../../src/adapters/guard/options.ts'
import { listening } from '../contracts/apps/listening.ts'
import { harness, inMemory } from '../support/harness.ts'

/** Frameworks take an error that is nothing, or `'route'`, for the word to go on. */
const THROWN = [undefined, null, 'route', 'router', false]

/** An application's own wording of refusals that fails without an error. */
function failing(thrown: unknown): GuardOptions {
  return {
    onRefusal: () => {
      throw thrown
    },
  }
}

test.each(THROWN)('a wording that throws %j lets nobody pass on Express', async (thrown) => {
  const { sessions } = await harness(inMemory)
  const app = express()
  let passed = 0
  app.get('/me', onExpress(sessions, failing(thrown)).requireSession(), (_, response) => {
    passed++
    response.end()
  })
  const { origin, close } = await listening(createServer(app))
  onTestFinished(close)

  const { status } = await fetch(`${origin}/me`)

  expect(status).toBe(500)
  expect(passed).toBe(0)
})

test.each(THROWN)('a wording that throws %j lets nobody pass on Fastify', async (thrown) => {
  const { sessions } = await harness(inMemory)
  const app = fastify()
  onTestFinished(() => app.close())
  let passed = 0
  const preHandler = onFastify(sessions, failing(thrown)).requireSession()
  app.get('/me', { preHandler }, async () => {
    passed++
    return ''
  })

  const { statusCode } = await app.inject('/me')

  expect(statusCode).toBe(500)
  expect(passed).toBe(0)
})
