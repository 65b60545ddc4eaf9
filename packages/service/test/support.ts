import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeHost, fakeHost } from 'holdfast/contracts'
import { onTestFinished } from 'vitest'
import { abroad, atHome } from '../../holdfast/test/support/people.ts'
import type { AdminActs } from '../src/api/admin-acts.ts'
import { digestOf } from '../src/config/api-keys.ts'
import { type Config, loadConfig, type Service, startService } from '../src/index.ts'
import { type DescribedAnswers, describedAnswers } from './document.ts'

export { abroad, atHome }

/** One secret for each role, and one for all that an application does. */
export const KEYS = {
  app: 'secret-of-the-application',
  gate: 'secret-of-the-gateway',
  admin: 'secret-of-the-administrator',
  audit: 'secret-of-the-auditor',
  all: 'secret-of-everybody-at-once',
} as const

const API_KEYS = [
  `shop:app:${KEYS.app}`,
  `edge:gate:${KEYS.gate}`,
  `ops:admin:${KEYS.admin}`,
  `audit:audit:${KEYS.audit}`,
  `all:app+gate+admin+audit:${KEYS.all}`,
].join(',')

/** Acts of operators that nobody notes. */
export const NO_ACTS: AdminActs = { did: async () => {}, looked: async () => {} }

export interface Running {
  readonly service: Service
  readonly host: FakeHost
  /** Everything the service has logged so far. */
  readonly log: () => string
  /** Asks. Every answer is held against the API document. */
  call(method: string, path: string, ask?: Ask): Promise<Response>
}

export interface Ask {
  readonly key?: string | null
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export function configOf(env: Record<string, string> = {}): Config {
  return loadConfig({
    env: {
      HOLDFAST_API_KEYS: API_KEYS,
      HOLDFAST_LISTEN: '127.0.0.1:0',
      HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
      HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
      HOLDFAST_STORE: 'memory:',
      HOLDFAST_DRAIN: '0s',
      ...env,
    },
  })
}

/**
 * The environment of a service with the audiences orders and billing, whose keys `app` and `gate`
 * are for billing alone, and `all` for both.
 */
export function narrowKeys(): Record<string, string> {
  const path = join(folder(), 'holdfast.yaml')
  const key = (name: keyof typeof KEYS, more: string): string =>
    `  - { name: ${name}, digest: ${digestOf(KEYS[name])}, ${more} }\n`
  const keys = [
    key('all', 'roles: [app, gate, admin, audit]'),
    key('app', 'roles: [app], audiences: [billing]'),
    key('gate', 'roles: [gate], audiences: [billing]'),
  ]
  writeFileSync(path, `audiences: { orders: {}, billing: {} }\napiKeys:\n${keys.join('')}`)
  return { HOLDFAST_CONFIG: path, HOLDFAST_API_KEYS: '' }
}

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-service-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The service as it is, on ports of its own; only clock and randomness are fake. */
export async function running(
  env: Record<string, string> = {},
  host: FakeHost = fakeHost(),
): Promise<Running> {
  const lines: string[] = []
  const service = await startService(configOf(env), {
    host,
    log: { write: (line) => lines.push(line) },
    heartbeatMs: 20,
    keysEveryMs: 10,
  })
  onTestFinished(() => service.close())

  return {
    service,
    host,
    log: () => lines.join(''),
    async call(method, path, { key = KEYS.all, body, headers = {} } = {}) {
      const answer = await fetch(`${service.url}${path}`, {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      await (await described()).check(method, path, answer)
      return answer
    },
  }
}

let answers: Promise<DescribedAnswers> | undefined

/** What the document says of answers. Asked of a service of its own: it leaves no line in a log. */
function described(): Promise<DescribedAnswers> {
  answers ??= (async () => {
    const service = await startService(configOf(), { log: { write: () => {} } })
    const document = await (await fetch(`${service.url}/openapi.json`)).json()
    await service.close()
    return describedAnswers(document)
  })()
  return answers
}

export const LOGIN = {
  subject: 'ada',
  amr: ['pwd', 'otp'],
  acr: 'urn:mfa',
  factors: ['otp'],
  attributes: { cart: 3 },
}
