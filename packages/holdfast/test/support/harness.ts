import { expect, onTestFinished } from 'vitest'
import type { Keyring } from '../../src/codecs/keyring.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { type FakeHost, fakeHost } from '../../src/contracts/fake-host.ts'
import type { SessionEvent } from '../../src/core/events.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import type {
  Login,
  Presented,
  Refreshed,
  Sessions,
  Verification,
} from '../../src/core/sessions.ts'
import type { Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import type { SessionsOptions } from '../../src/engine/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { eventSchemas } from './event-schemas.ts'
import { atHome, lookup } from './people.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

export interface Harness {
  readonly sessions: Sessions
  readonly store: Store
  readonly host: FakeHost
  readonly keyring: Keyring
  readonly events: SessionEvent[]
  /** Logs ada in at home and returns her token. */
  login(changes?: Partial<Login>): Promise<string>
  /** As `login`, with a refresh token. */
  loginForRefresh(
    changes?: Partial<Login>,
  ): Promise<{ readonly token: string; readonly refreshToken: string }>
  /** Exchanges a refresh token. */
  renew(token: string, request?: RequestFacts, changes?: Partial<Presented>): Promise<Refreshed>
  /** Shows a token; by cookie, unless `deliverable` is false. */
  show(token: string, request?: RequestFacts, changes?: Partial<Presented>): Promise<Verification>
  /** Passes a step-up from where the request comes from; by `otp` unless said otherwise. */
  stepUp(token: string, request: RequestFacts, amr?: readonly string[]): Promise<Verification>
}

/** Whatever a test does, its events are as the schemas of their types say. */
const { problems } = eventSchemas()

/** Opens an empty store whose clock is `now`. */
export type OpenStore = (now: () => number) => Promise<Store>

export const inMemory: OpenStore = async (now) => memoryStore({ now })

/**
 * A real engine over a real store, closed when the test ends; only clock and randomness are fake.
 */
export async function harness(
  open: OpenStore,
  options: Partial<SessionsOptions> & { readonly host?: FakeHost } = {},
): Promise<Harness> {
  const host = options.host ?? fakeHost()
  const store = options.store ?? (await open(host.now))
  onTestFinished(() => store.close())
  const events: SessionEvent[] = []
  const wrong: string[] = []
  onTestFinished(() => expect(wrong).toEqual([]))
  const keyring = options.keyring ?? newKeyring(host)
  const sessions = createSessions({
    lookup,
    ...options,
    onEvent(event, personal) {
      wrong.push(...problems(event))
      if (options.onEvent === undefined) events.push(event)
      else options.onEvent(event, personal)
    },
    store,
    host,
    keyring,
  })

  async function loggedIn(
    changes: Partial<Login>,
  ): Promise<{ readonly token: string; readonly refreshToken: string }> {
    const login = { subject: 'ada', factors: ['otp'], amr: ['pwd', 'otp'], request: atHome() }
    const created = await sessions.create({ ...login, ...changes })
    if (!created.ok) throw new Error(`login refused: ${created.code}`)
    return { token: created.token, refreshToken: created.refreshToken ?? '' }
  }

  return {
    sessions,
    store,
    host,
    keyring,
    events,
    login: async (changes = {}) => (await loggedIn(changes)).token,
    loginForRefresh: (changes = {}) => loggedIn({ refresh: true, ...changes }),
    renew: (token, request = atHome(), changes = {}) =>
      sessions.refresh({ token, request: { ...request, method: 'POST' }, ...changes }),
    show: (token, request = atHome(), changes = {}) =>
      sessions.verify({ token, request, deliverable: true, ...changes }),
    async stepUp(token, request, amr = ['otp']) {
      const begun = await sessions.beginStepUp({ token, request })
      if (!begun.ok) return begun
      return sessions.completeStepUp({
        challenge: begun.challenge,
        token,
        request,
        subject: begun.subject,
        amr,
      })
    },
  }
}

/** The token that the client holds after an answer: the new one if there is one. */
export function held(token: string, answer: Verification): string {
  expect(answer).toMatchObject({ ok: true })
  return answer.ok ? (answer.token ?? token) : token
}

/** The refresh token that the client holds after an answer: the new one if there is one. */
export function heldRefresh(token: string, answer: Verification | Refreshed): string {
  expect(answer).toMatchObject({ ok: true })
  return answer.ok ? (answer.refreshToken ?? token) : token
}

export function codeOf(answer: Verification | Refreshed): string {
  return answer.ok ? 'ok' : answer.code
}
