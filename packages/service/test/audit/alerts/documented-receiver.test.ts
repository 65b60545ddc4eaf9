import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { jsonPost } from '../../../src/audit/alerts/http-post.ts'
import type { Delivery } from '../../../src/audit/alerts/target.ts'
import { webhook } from '../../../src/audit/alerts/targets/webhook.ts'
import { alertNumber } from './support.ts'

const ROOT = new URL('../../../../../', import.meta.url)
const SECRETS = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`)

/** The program of the documentation, with what it prints, a line at a time. */
function documented(): AsyncIterator<string> {
  const page = readFileSync(new URL('docs/alerts.md', ROOT), 'utf8')
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  const cache = fileURLToPath(new URL('node_modules/.cache/', ROOT))
  mkdirSync(cache, { recursive: true })
  const at = mkdtempSync(join(cache, 'holdfast-receiver-'))
  const script = join(at, 'receiver.mjs')
  writeFileSync(script, code)
  const child = spawn(process.execPath, [script], {
    env: { WEBHOOK_SECRET: SECRETS[1], PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
    rmSync(at, { recursive: true, force: true })
  })
  return createInterface(child.stdout)[Symbol.asyncIterator]()
}

test('the receiver of the documentation believes what is signed, and drops doubles', async () => {
  const lines = documented()
  const { port } = JSON.parse((await lines.next()).value)
  const send = (secrets: readonly string[], number: number, late = 0): Promise<Delivery> => {
    const now = (): number => Date.now() - late
    const post = jsonPost(`http://127.0.0.1:${port}/`, { reach: { allowPrivate: true }, now })
    const signal = AbortSignal.timeout(60_000)
    return webhook(post, { secrets, now }).deliver(alertNumber(number), { signal })
  }

  const refused = { problem: 'It answered 401.', mostTries: 3 }
  expect(await send(SECRETS, 1)).toBe('delivered')
  expect(await send(SECRETS, 1)).toBe('delivered')
  expect(await send(SECRETS.slice(0, 1), 2)).toEqual(refused)
  expect(await send(SECRETS, 3, 3_600_000)).toEqual(refused)
  expect(await send(SECRETS.slice(1), 4)).toBe('delivered')

  const printed = [await lines.next(), await lines.next()].map(({ value }) => JSON.parse(value))
  expect(printed.map(({ data }) => data.id)).toEqual([alertNumber(1).id, alertNumber(4).id])
})
