import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newKeyring } from 'holdfast'
import { connect } from 'holdfast/client'
import { formatKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { faultProxy } from '../../../holdfast/test/support/fault-proxy.ts'
import { freePort, startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, KEYS, LOGIN } from '../support.ts'

const BIN = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url))

/** Replies that nobody has asked for, and bytes that are none. */
const HOSTILE: Readonly<Record<string, string>> = {
  'an empty string': '$-1\r\n',
  'an empty list': '*-1\r\n',
  'a null of RESP3': '_\r\n',
  'a word': '+OK\r\n',
  'a number': ':12\r\n',
  'an error': '-ERR no\r\n',
  'a list': '*2\r\n$1\r\na\r\n$-1\r\n',
  'a message without content': '>3\r\n+message\r\n+hf:wake\r\n$-1\r\n',
  'a message without a channel': '>3\r\n+message\r\n$-1\r\n$-1\r\n',
  'half a string': '$900\r\nabc',
  garbage: '\u0000?garbage\r\n',
}

/** The service in a process of its own, as it is installed. */
async function served(store: string): Promise<{ readonly url: string; child: ChildProcess }> {
  const path = folder()
  const ring = join(path, 'ring.json')
  writeFileSync(ring, formatKeyring(newKeyring()), { mode: 0o600 })
  const [port, management] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [BIN, 'serve'], {
    cwd: path,
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      HOLDFAST_STORE: store,
      HOLDFAST_STORE_TIMEOUT: '300ms',
      HOLDFAST_KEYRING: ring,
      HOLDFAST_API_KEYS: `shop:app:${KEYS.app}`,
      HOLDFAST_LISTEN: `127.0.0.1:${port}`,
      HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
      HOLDFAST_GATE_LISTEN: 'off',
    },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await until('it is ready', () =>
    fetch(`http://127.0.0.1:${management}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return { url: `http://127.0.0.1:${port}`, child }
}

test('what a Redis sends unasked costs its connection, not the process, no session', async () => {
  const redis = await startRedis()
  const line = await faultProxy()
  onTestFinished(async () => {
    await line.close()
    await redis.close()
  })
  line.lead(redis.port)
  const { url, child } = await served(`redis://127.0.0.1:${line.port}`)
  const sessions = connect({ url, key: KEYS.app })
  const created = await sessions.create({ ...LOGIN, request: atHome() })
  if (!created.ok) throw new Error(created.code)
  const { token } = created
  const verify = () => sessions.verify({ token, request: atHome() })

  for (const [name, bytes] of Object.entries(HOSTILE)) {
    // While nobody asks, and in the middle of answers.
    for (const busy of [false, true]) {
      const asked = busy ? Array.from({ length: 20 }, verify) : []
      line.inject(bytes)
      const answers = await Promise.allSettled(asked)
      const again = await until(`it is answered after ${name}`, () =>
        verify().catch(() => undefined),
      )

      expect(again, name).toMatchObject({ ok: true })
      for (const answer of answers) {
        if (answer.status === 'fulfilled') expect(answer.value, name).toMatchObject({ ok: true })
        else expect(answer.reason, name).toMatchObject({ code: expect.stringMatching(OUTAGE) })
      }
    }
  }
  expect(child.exitCode).toBe(null)
})

const OUTAGE = /^(?:store_unavailable|store_rolled_back|record_invalid)$/
