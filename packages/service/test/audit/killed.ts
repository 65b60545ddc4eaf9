import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Keyring, Store } from 'holdfast'
import { systemHost } from 'holdfast'
import { namedRecord } from 'holdfast/maintenance'
import { onTestFinished } from 'vitest'
import { WRITER_RECORD } from '../../src/audit/writer/lease.ts'
import { atHome, folder, KEYS } from '../support.ts'

/** The program as it is installed: the built files, in a process of their own. */
const BIN = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A service that can be killed. */
export interface Killable {
  readonly url: string
  /** Resolves once a line of its log has such a text. */
  logs(text: string): Promise<void>
  kill(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
}

export async function killable(env: Record<string, string>): Promise<Killable> {
  if (!existsSync(BUILT))
    throw new Error('These tests run what "npm run build" makes: build first.')
  const child = spawn(process.execPath, [BIN, 'serve'], {
    cwd: folder(),
    env: {
      PATH: process.env.PATH,
      HOLDFAST_API_KEYS: `shop:app+admin+audit:${KEYS.all}`,
      HOLDFAST_LISTEN: '127.0.0.1:0',
      HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
      HOLDFAST_GATE_LISTEN: 'off',
      HOLDFAST_DRAIN: '0s',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'close')
  const logs = logOf(child)

  async function end(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal)
    await ended
  }

  const line = await logs('"msg":"listening"')
  return {
    url: JSON.parse(line).url,
    logs: async (text) => void (await logs(text)),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

function logOf(child: ChildProcess): (text: string) => Promise<string> {
  let log = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      log += chunk
      for (const look of waiting) look()
    })
  }
  return (text) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const lines = log.split('\n').slice(0, -1)
        const line = lines.find((one) => one.includes(text))
        if (line === undefined) return
        waiting.delete(look)
        resolve(line)
      }
      child.once('close', () => reject(new Error(`it ended before it logged ${text}: ${log}`)))
      waiting.add(look)
      look()
    })
}

/** Lets another process write at once, as if the time of one that was killed were over. */
export async function endLease(store: Store, keyring: Keyring): Promise<void> {
  const record = namedRecord({ store, keyring, host: systemHost(), name: WRITER_RECORD })
  const { version, value } = await record.read()
  if (value !== undefined) await record.write(version, { ...value, until: 0 })
}

/** Asks for one thing after the other until it is stopped or the service is gone. */
export function load(url: () => string): {
  readonly caused: Record<string, string>
  go(until: AbortSignal): Promise<void>
} {
  const caused: Record<string, string> = {}
  let asked = 0

  /** Undefined: there was no answer, and nobody knows. */
  async function ask(path: string, type: string, body: object): Promise<Answer | undefined> {
    const id = `request-${String(++asked).padStart(8, '0')}`
    try {
      const answer = await fetch(`${url()}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${KEYS.all}`,
          'content-type': 'application/json',
          'x-request-id': id,
        },
        body: JSON.stringify(body),
      })
      const text = await answer.text()
      if (answer.ok) caused[id] = type
      return text === '' ? {} : JSON.parse(text)
    } catch {
      return undefined
    }
  }

  return {
    caused,
    async go(until) {
      for (let n = 0; !until.aborted; n++) {
        const subject = `user ${asked % 37}`
        const request = atHome()
        const login = await ask('/v1/sessions', 'session-established', { subject, request })
        // Of one subject only some an hour are kept.
        const guessed = { kind: 'login_failed', subject: `guessed ${asked}`, request }
        await ask('/v1/reports', 'login-failed', guessed)
        const { session } = login ?? {}
        if (session === undefined || n % 2 === 0) continue
        await ask(`/v1/sessions/${session.id}/revoke`, 'session-revoked', { reason: 'test' })
      }
    },
  }
}

interface Answer {
  readonly session?: { readonly id: string }
}
