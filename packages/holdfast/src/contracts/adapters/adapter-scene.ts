import { afterAll, beforeAll, expect } from 'vitest'
import type { GuardOptions } from '../../adapters/guard/options.ts'
import type { ContextApi, RequestApi, SessionGuard } from '../../adapters/request-api.ts'
import type { Sessions } from '../../core/sessions.ts'
import type { AdapterHarness } from './adapter-harness.ts'
import type { RawAnswer } from './raw-http.ts'
import { type Visitor, visitor } from './visitor.ts'

/** A server that listens on the loopback address, and the adapter that it uses. */
export interface StartedAdapter {
  /** For example `http://127.0.0.1:40123`. */
  readonly origin: string
  /** What the adapter's `holdfast()` gave. Every adapter has the same names. */
  readonly api: Readonly<Record<AdapterHelper, (...args: never) => unknown>>
  close(): Promise<void>
}

/** One of the names that every adapter has. */
export type AdapterHelper =
  | keyof RequestApi<unknown, unknown>
  | keyof ContextApi<unknown>
  | keyof SessionGuard<unknown>

const HELPERS: Readonly<Record<AdapterHelper, true>> = {
  requireSession: true,
  optionalSession: true,
  sessionOf: true,
  optionalSessionOf: true,
  decisionOf: true,
  formToken: true,
  login: true,
  loginFailed: true,
  logout: true,
  beginStepUp: true,
  completeStepUp: true,
  stepUpFailed: true,
  refresh: true,
  refuse: true,
  requestFacts: true,
  forwardedFacts: true,
}

/** The names that every adapter has. */
export const ADAPTER_HELPERS: readonly string[] = Object.keys(HELPERS)

/**
 * Starts a real server with these routes, all of them through the adapter alone:
 *
 * | route | guard | answers |
 * | --- | --- | --- |
 * | `GET /public` | none | 200 |
 * | `GET /maybe` | `optionalSession()` | 200 `{subject}`, null without a session |
 * | `GET`, `POST /me` (JSON or form) | `requireSession()` | 200 `{subject, formToken, outcome}` |
 * | `POST /transfer` | `requireSession()`, sensitive | 200 `{subject}` |
 * | `GET /slow` | `requireSession()`, sensitive | awaits `slow()`, then 200 `{subject}` |
 * | `GET /theme` | `requireSession()`, sensitive | 200 with `Set-Cookie:` {@link THEME}, its own |
 * | `GET /logo` | `requireSession()`, sensitive | 200 with `Cache-Control:` {@link CACHEABLE} |
 * | `GET /strong` | `requireSession({ acr: 'aal2', maxAgeMs: 300_000 })` | 200 `{subject}` |
 * | `POST /login` (JSON) | none | `login()` with the body; 200 `{subject, refreshToken?}` |
 * | `POST /slow/login` (JSON) | none | `login()`, awaits `slow()`; 200 `{subject}` |
 * | `POST /slow/step-up` (JSON) | none | `completeStepUp()`, awaits `slow()`; 200 `{subject}` |
 * | `/refresh` (JSON) | none | `refresh()` for `?audience=` with the body's `refreshToken` |
 * | `POST /logout` | none | `logout()`; 204 |
 * | `POST /step-up/begin` | none | `beginStepUp()`; 200 with the challenge |
 * | `POST /step-up/complete` (JSON) | none | `completeStepUp()` with the body; 200 `{subject}` |
 * | `POST /step-up/in-place` (JSON) | `requireSession()`, sensitive | both; 200 `{subject}` |
 *
 * Sensitive: with `{ sensitivity: 'sensitive' }`.
 * Refusals are answered as the adapter words them.
 */
export type StartAdapter = (
  sessions: Sessions,
  options: GuardOptions,
  /** What the handlers of `/slow`, `/slow/login` and `/slow/step-up` wait for. */
  slow: () => Promise<void>,
) => Promise<StartedAdapter>

/** A cookie that a handler sets itself. */
export const THEME = 'theme=dark'

/** The `Cache-Control` of a handler that takes its answer for public. */
export const CACHEABLE = 'public, max-age=3600'

/** What the parts of the adapter contract have in common: a server, an engine, people. */
export interface AdapterScene {
  engine(): AdapterHarness
  /** The server with default options. */
  origin(): string
  /** The adapter that this server uses. */
  api(): StartedAdapter['api']
  /** Starts another server over the same sessions. It stops with the scene. */
  another(options: GuardOptions): Promise<string>
  /** Runs while a handler below `/slow` works. */
  whileSlow(happens: () => Promise<void>): void
  /** Logs in a new person by password, who also has a second factor. */
  loggedIn(at?: string, options?: LoggedInOptions): Promise<LoggedIn>
}

export interface LoggedInOptions {
  readonly login?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface LoggedIn {
  readonly client: Visitor
  readonly subject: string
  readonly answer: RawAnswer
}

const PAUSE_MS = 60_000

/** Starts engine and server before the tests of the surrounding block, and stops them after. */
export function adapterScene(
  start: StartAdapter,
  harness: () => Promise<AdapterHarness>,
): AdapterScene {
  let running: AdapterHarness | undefined
  let server: StartedAdapter | undefined
  const others: StartedAdapter[] = []
  let people = 0
  let slowness: () => Promise<void> = async () => {}

  beforeAll(async () => {
    running = await harness()
    server = await start(running.sessions, { now: running.now }, () => slowness())
  })
  afterAll(async () => {
    for (const other of others) await other.close()
    await server?.close()
    await running?.close()
  })

  function engine(): AdapterHarness {
    if (running === undefined) throw new Error('The harness has not started.')
    return running
  }
  function started(): StartedAdapter {
    if (server === undefined) throw new Error('The server has not started.')
    return server
  }
  const origin = (): string => started().origin
  async function another(options: GuardOptions): Promise<string> {
    const { sessions, now } = engine()
    const started = await start(sessions, { now, ...options }, () => slowness())
    others.push(started)
    return started.origin
  }
  async function loggedIn(
    at = origin(),
    { login = {}, headers = {} }: LoggedInOptions = {},
  ): Promise<LoggedIn> {
    const subject = `person-${++people}`
    const client = visitor(at, { headers })
    const answer = await client.post('/login', {
      subject,
      amr: ['pwd'],
      factors: ['otp'],
      ...login,
    })
    expect(answer.status).toBe(200)
    // Adapters say by the machine's own clock how long a request has waited. Without a pause it
    // would have been received before the login.
    engine().advance(PAUSE_MS)
    return { client, subject, answer }
  }

  function whileSlow(happens: () => Promise<void>): void {
    slowness = happens
  }

  return { engine, origin, api: () => started().api, another, loggedIn, whileSlow }
}
