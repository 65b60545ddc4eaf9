import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { expect, onTestFinished, test } from 'vitest'
import vitestConfig from '../../../../../vitest.config.ts'
import { until } from '../../../../holdfast/test/support/until.ts'
import { openDatabase } from '../../../src/audit/database.ts'
import { folder } from '../../support.ts'
import { alertNumber, outboxed, receiver } from './support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const SOURCE = fileURLToPath(new URL('sender-process.ts', import.meta.url))
const ALERTS = 120
const KILLS = 12
const LEASE_MS = 200

/** The program as one file that Node runs. It lies where its packages are found. */
async function program(): Promise<string> {
  const cache = fileURLToPath(new URL('../../../../../node_modules/.cache/', import.meta.url))
  mkdirSync(cache, { recursive: true })
  const at = mkdtempSync(join(cache, 'holdfast-sender-'))
  onTestFinished(() => rmSync(at, { recursive: true, force: true }))
  const alias = vitestConfig.resolve?.alias
  if (!Array.isArray(alias)) throw new Error('the entries of the library are not known')
  const bundle = await rolldown({
    input: SOURCE,
    platform: 'node',
    plugins: [
      {
        name: 'entries-of-the-library',
        resolveId(id) {
          const entry = alias.find(({ find }) => find instanceof RegExp && find.test(id))
          if (entry !== undefined) return entry.replacement
          return id.startsWith('.') || id.startsWith('/') ? null : { id, external: true }
        },
      },
    ],
  })
  const file = join(at, 'sender.mjs')
  await bundle.write({ file, format: 'esm' })
  await bundle.close()
  return file
}

test('a sender killed before or after an answer loses nothing, and doubles no more', async () => {
  const script = await program()
  const path = join(folder(), 'alerts.sqlite')
  const box = outboxed({ database: openDatabase(path) })
  const ids = Array.from({ length: ALERTS }, (_, at) => alertNumber(at).id)
  let child: ChildProcess | undefined
  let kills = 0
  const { received, url } = await receiver((response) => {
    const due = received.length % 8 === 7 && kills < KILLS
    if (due && kills++ % 2 === 0) {
      child?.kill('SIGKILL')
      return
    }
    response.writeHead(204).end(() => {
      if (due) child?.kill('SIGKILL')
    })
  })
  onTestFinished(() => {
    child?.kill('SIGKILL')
  })
  for (let at = 0; at < ALERTS; at++) box.enqueue(alertNumber(at), ['soc'])

  const pending = (): number => box.view.counts()[0]?.pending ?? 0
  while (pending() > 0) {
    child = spawn(process.execPath, [script, path, url, SECRET, String(LEASE_MS)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = once(child, 'exit').then(() => true)
    const done = until('all is sent, or the sender is killed', () => pending() === 0)
    await Promise.race([ended, done])
  }

  const seen = received.map(({ headers }) => String(headers['webhook-id']))
  expect(kills).toBe(KILLS)
  expect(new Set(seen)).toEqual(new Set(ids))
  expect(seen.length - ids.length).toBeLessThanOrEqual(KILLS)
  expect(new Set(box.states())).toEqual(new Set(['delivered']))
})
