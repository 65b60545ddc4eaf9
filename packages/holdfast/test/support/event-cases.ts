import { expect } from 'vitest'
import type { EventType, PersonalFacts, SessionEvent } from '../../src/core/events.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import type { SessionsOptions } from '../../src/engine/options.ts'
import { eventRecorder, type OperatorEvent } from '../../src/maintenance/event-recorder.ts'
import { lenient, strict } from '../../src/policies/presets.ts'
import { type Harness, HOUR, held, MINUTE } from './harness.ts'
import { abroad, atHome, docked, onTheTrain } from './people.ts'

export const correlation = 'request-1'
export const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
export const traced = { correlation, trace }

const AT_HOME = {
  subject: 'ada',
  tenant: 'default',
  address: '192.0.2.10',
  userAgent: String(atHome().headers['user-agent']),
}
const ABROAD = {
  ...AT_HOME,
  address: '203.0.113.66',
  userAgent: String(abroad().headers['user-agent']),
}
/** Of calls that have no request of a client. */
const NAMED = { subject: 'ada', tenant: 'default', address: null, userAgent: null }
const NAMELESS = { subject: null, tenant: null }

export type Detail = Pick<SessionsOptions, 'personalFacts'>

/** How an event comes about: what goes before, and the traced call that causes it. */
export interface Case {
  readonly options?: Omit<Partial<SessionsOptions>, 'host'>
  prepare?(h: Harness): Promise<string>
  cause(h: Harness, token: string, detail: Detail): Promise<unknown>
  readonly event: Partial<SessionEvent>
  readonly personal: PersonalFacts | null
  /** It is told, and not kept. */
  readonly told?: true
}

function idOf(token: string): string {
  return token.split('.')[1] ?? ''
}

const loggedIn = (h: Harness): Promise<string> => h.login()

async function rotated(h: Harness): Promise<string> {
  const token = await h.login()
  h.host.advance(6 * MINUTE)
  return held(token, await h.show(token))
}

async function challenged(h: Harness, token: string): Promise<string> {
  const begun = await h.sessions.beginStepUp({ token, request: atHome() })
  if (!begun.ok) throw new Error(begun.code)
  return begun.challenge
}

/** The owner's network, browser family and system, and nothing else of the owner. */
function next(): RequestFacts {
  const headers = { ...atHome().headers, 'accept-language': 'ru', 'sec-ch-ua-platform': '"Linux"' }
  const client = { screen: '800x600x1', timezone: 'Asia/Tokyo' }
  const hints = { 'sec-ch-ua': '"Chromium";v="100"' }
  return atHome({ ip: '192.0.2.99', headers: { ...headers, ...hints }, client })
}

function recorded(type: OperatorEvent, reason: string): Case {
  return {
    cause: ({ store, keyring, host }, _, detail) =>
      eventRecorder({ store, keyring, host, ...detail }).record(type, {
        ...{ ...traced, actor: 'ops', reason },
        subject: { subject: 'ada' },
      }),
    event: { actor: 'ops', reason, subject: expect.any(String), session: null },
    personal: NAMED,
  }
}

/** Every type, and where one call can cause it for several reasons, each of them. */
export const CASES: Readonly<Record<EventType, readonly Case[]>> = {
  'session-established': [
    {
      cause: (h) => h.login({ acr: 'urn:mfa', ...traced }),
      event: {
        actor: 'client',
        authentication: { acr: 'urn:mfa', amr: ['pwd', 'otp'] },
      },
      personal: AT_HOME,
    },
  ],
  'session-presented': [
    {
      async prepare(h) {
        const token = await h.login()
        h.host.advance(3 * MINUTE)
        return token
      },
      cause: (h, token) => h.show(token, atHome(), traced),
      event: { actor: 'client' },
      personal: AT_HOME,
      told: true,
    },
  ],
  'session-refreshed': [
    {
      async prepare(h) {
        const { refreshToken } = await h.loginForRefresh()
        h.host.advance(3 * MINUTE)
        return refreshToken
      },
      cause: (h, token) => h.renew(token, atHome(), traced),
      event: { reason: 'rotated' },
      personal: AT_HOME,
      told: true,
    },
  ],
  'secret-rotated': [
    {
      prepare: rotated,
      cause: (h, token) => h.show(token, atHome(), traced),
      event: { actor: 'engine' },
      personal: AT_HOME,
    },
  ],
  'context-changed': [
    {
      prepare: loggedIn,
      cause: (h, token) => h.show(token, onTheTrain(), traced),
      event: { network: expect.objectContaining({ city: 'Bergen' }) },
      personal: { ...AT_HOME, address: '198.51.100.7' },
    },
  ],
  'anomaly-detected': [
    {
      prepare: loggedIn,
      cause: (h, token) => h.show(token, abroad(), traced),
      event: { decision: expect.objectContaining({ outcome: 'challenge' }) },
      personal: ABROAD,
    },
  ],
  'step-up-required': [
    {
      prepare: loggedIn,
      cause: (h, token) => h.show(token, atHome(), { acr: 'urn:mfa', ...traced }),
      event: { reason: 'acr_missing' },
      personal: AT_HOME,
    },
  ],
  'step-up-completed': [
    {
      prepare: loggedIn,
      async cause(h, token) {
        const challenge = await challenged(h, token)
        const proof = { challenge, token, subject: 'ada', request: atHome() }
        await h.sessions.completeStepUp({ ...proof, acr: 'urn:mfa', amr: ['otp'], ...traced })
      },
      event: {
        reason: 'otp',
        authentication: { acr: 'urn:mfa', amr: ['pwd', 'otp'] },
      },
      personal: AT_HOME,
    },
    {
      prepare: loggedIn,
      async cause(h, token) {
        const challenge = await challenged(h, token)
        const proof = { challenge, token, subject: 'ada', request: atHome() }
        await h.sessions.completeStepUp(proof)
        for (let times = 0; times < 3; times++) {
          await h.sessions.completeStepUp({ ...proof, ...traced })
        }
      },
      event: { reason: 'answered_again' },
      personal: AT_HOME,
    },
  ],
  'step-up-failed': [
    {
      prepare: loggedIn,
      async cause(h, token) {
        const challenge = await challenged(h, token)
        const failed = { challenge, token, request: atHome() }
        await h.sessions.report({ kind: 'step_up_failed', ...failed, ...traced })
      },
      event: { reason: 'factor_not_proved' },
      personal: AT_HOME,
    },
    {
      prepare: loggedIn,
      async cause(h, token) {
        const challenge = await challenged(h, token)
        const proof = { challenge, token, subject: 'ada', request: atHome() }
        await h.sessions.completeStepUp(proof)
        h.host.advance(2 * MINUTE)
        for (let times = 0; times < 3; times++) {
          await h.sessions.completeStepUp({ ...proof, ...traced })
        }
      },
      event: { reason: 'challenge_used' },
      personal: AT_HOME,
    },
    {
      prepare: loggedIn,
      async cause(h, token) {
        const challenge = await challenged(h, token)
        const proof = { challenge, token, subject: 'grace', request: atHome() }
        await h.sessions.completeStepUp({ ...proof, ...traced })
      },
      event: { reason: 'challenge_invalid', session: expect.any(String) },
      personal: AT_HOME,
    },
    {
      prepare: loggedIn,
      async cause(h, token) {
        const proof = { challenge: 'hc1.none', token, subject: 'ada', request: atHome() }
        await h.sessions.completeStepUp({ ...proof, ...traced })
      },
      event: { reason: 'challenge_invalid', session: null },
      personal: { ...AT_HOME, ...NAMELESS },
      told: true,
    },
  ],
  'session-limited': [
    {
      options: { policy: strict() },
      prepare: loggedIn,
      cause: (h, token) => h.show(token, next(), traced),
      event: { decision: expect.objectContaining({ outcome: 'limit' }) },
      personal: { ...AT_HOME, address: '192.0.2.99' },
    },
  ],
  'session-revoked': [
    {
      prepare: loggedIn,
      cause: (h, token) =>
        h.sessions.revoke(idOf(token), { reason: 'stolen_laptop', actor: 'ops', ...traced }),
      event: { actor: 'ops', reason: 'stolen_laptop' },
      personal: NAMED,
    },
    {
      prepare: loggedIn,
      cause: (h, token) => h.sessions.logout(token, traced),
      event: { actor: 'client', reason: 'logout' },
      personal: NAMED,
    },
    {
      prepare: loggedIn,
      cause: (h, previous) => h.login({ previous, ...traced }),
      event: { actor: 'client', reason: 'replaced_by_login' },
      personal: AT_HOME,
    },
    {
      options: { policy: strict() },
      prepare: async (h) => (await h.loginForRefresh()).refreshToken,
      async cause(h, token) {
        h.host.advance(10 * MINUTE)
        const next = await h.renew(token)
        h.host.advance(10 * MINUTE)
        await h.renew((next.ok && next.refreshToken) || '')
        h.host.advance(10 * MINUTE)
        await h.renew(token, abroad(), traced)
      },
      event: { actor: 'engine', reason: 'refresh_reused' },
      personal: ABROAD,
    },
  ],
  'session-expired': [
    {
      async prepare(h) {
        const token = await h.login()
        h.host.advance(3 * HOUR)
        return token
      },
      cause: (h, token) => h.show(token, atHome(), traced),
      event: { actor: 'engine', reason: 'idle_timeout' },
      personal: AT_HOME,
    },
  ],
  'subject-revoked': [
    {
      cause: (h) => h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'spring', ...traced }),
      event: { actor: 'application', reason: 'spring' },
      personal: NAMED,
    },
  ],
  'login-failed': [
    {
      cause: ({ sessions }) =>
        sessions.report({ kind: 'login_failed', subject: 'ada', request: atHome(), ...traced }),
      event: { actor: 'application' },
      personal: AT_HOME,
    },
  ],
  'login-refused': [
    {
      options: { sessionLimit: 1, sessionLimitBeyond: 'refuse' },
      prepare: loggedIn,
      cause: ({ sessions }) =>
        sessions.create({ subject: 'ada', amr: ['pwd'], request: atHome(), ...traced }),
      event: {
        reason: 'session_limit_reached',
        session: null,
        authentication: { acr: null, amr: ['pwd'] },
      },
      personal: AT_HOME,
    },
  ],
  'token-unknown': [
    {
      cause: (h) => h.show('hf1.garbage', atHome(), traced),
      event: { reason: 'token_malformed', session: null },
      personal: { ...AT_HOME, ...NAMELESS },
      told: true,
    },
    {
      async prepare(h) {
        const token = await h.login()
        await h.sessions.logout(token)
        return token
      },
      cause: (h, token) => h.show(token, atHome(), traced),
      event: { reason: 'session_unknown', session: expect.any(String) },
      personal: { ...AT_HOME, ...NAMELESS },
      told: true,
    },
    {
      prepare: async (h) => (await h.loginForRefresh()).refreshToken,
      cause: (h, token) => h.show(token, atHome(), traced),
      event: { reason: 'wrong_token_use', session: expect.any(String) },
      personal: { ...AT_HOME, ...NAMELESS },
      told: true,
    },
  ],
  'token-reused': [
    {
      async prepare(h) {
        const token = await h.login()
        await h.stepUp(token, atHome())
        return token
      },
      cause: (h, token) => h.show(token, atHome(), traced),
      event: { reason: 'token_superseded', network: expect.objectContaining({ city: 'Oslo' }) },
      personal: AT_HOME,
    },
  ],
  'policy-differed': [
    {
      options: { policy: lenient(), shadowPolicy: strict() },
      prepare: loggedIn,
      cause: (h, token) => h.show(token, docked(), traced),
      event: { actor: 'engine' },
      personal: { ...AT_HOME, address: '198.51.100.7' },
    },
  ],
  'false-alarm-reported': [
    {
      prepare: loggedIn,
      cause: (h, token) =>
        h.sessions.report({ kind: 'false_alarm', session: idOf(token), ...traced }),
      event: { actor: 'application', reason: 'false_alarm' },
      personal: null,
    },
  ],
  'attributes-changed': [
    {
      prepare: loggedIn,
      cause: (h, token) =>
        h.sessions.patchAttributes(idOf(token), { cart: 1 }, 0, { actor: 'shop', ...traced }),
      event: { actor: 'shop', reason: null },
      personal: NAMED,
    },
  ],
  'request-refused': [recorded('request-refused', 'cross_site_request')],
  'admin-acted': [recorded('admin-acted', 'session_viewed')],
  'key-rotated': [recorded('key-rotated', 'sealing')],
  'policy-changed': [recorded('policy-changed', 'draft_accepted')],
}
