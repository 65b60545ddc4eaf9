import fc from 'fast-check'
import {
  type Login,
  type Presented,
  type Proof,
  RELEVANT_HEADERS,
  type Report,
  type RequestFacts,
  type SessionDetail,
  type Sessions,
  type SessionView,
} from 'holdfast'
import { connect, type RemoteSessions } from 'holdfast/client'
import type { Wire } from 'holdfast/wire'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as bodies from '../../../holdfast/src/wire/bodies.ts'
import * as sessions from '../../../holdfast/src/wire/sessions.ts'
import * as verdicts from '../../../holdfast/src/wire/verdicts.ts'
import { NO_AUDIT } from '../../src/api/audit-parts.ts'
import { callersOf } from '../../src/api/callers.ts'
import { schemaWriter } from '../../src/api/json-schema.ts'
import { requestListener } from '../../src/api/request-listener.ts'
import { sessionCookies } from '../../src/main/cookies.ts'
import { NO_GUESS_LIMITS } from '../../src/main/guess-limits.ts'
import { listen } from '../../src/main/listener.ts'
import { serviceMetrics } from '../../src/main/metrics.ts'
import { arbitraryOf } from '../arbitrary.ts'
import { configOf, KEYS, NO_ACTS, running } from '../support.ts'

const ID = 'A'.repeat(43)

interface Ends {
  /** What an application holds in its hands. */
  readonly remote: RemoteSessions
  /** What the engine of the service was given last. */
  given(): readonly unknown[]
  /** Lets the engine answer so. */
  answerWith(answer: unknown): void
}

/** The whole way over HTTP: the client, the API, and in place of the engine one that listens. */
async function ends(): Promise<Ends> {
  let answer: unknown
  let given: readonly unknown[] = []
  const engine = new Proxy({} as Sessions, {
    get: (_, name) =>
      name === 'now'
        ? undefined
        : async (...all: unknown[]) => {
            given = all
            return answer
          },
  })
  const config = configOf()
  const unused = (): never => {
    throw new Error('No call of connect() needs it.')
  }
  const log = pino({ level: 'silent' })
  const listener = await listen(
    requestListener({
      sessions: engine,
      events: { head: unused, read: unused, follow: unused, watch: unused },
      acts: NO_ACTS,
      audit: NO_AUDIT,
      now: () => Date.now(),
      inspector: { token: unused, isLive: unused },
      ownTokens: {
        issuer: '',
        clientId: '',
        defaultAudience: undefined,
        publicKeys: unused,
        verify: unused,
      },
      revocations: {
        opened: Promise.resolve(),
        ready: unused,
        size: unused,
        snapshot: unused,
        join: unused,
      },
      callers: callersOf(config.apiKeys),
      cookies: sessionCookies(config, () => 0),
      subjectKey: unused,
      log,
      flatLog: log,
      metrics: serviceMetrics(),
      callerAddress: () => null,
      arrivalOf: unused,
      stopping: new AbortController().signal,
      guesses: NO_GUESS_LIMITS,
      heartbeatMs: 1_000,
    }),
    { where: config.listen, requestTimeoutMs: 30_000, keepAliveMs: 120_000 },
  )
  onTestFinished(() => listener.close(0))
  return {
    remote: connect({ url: listener.url, key: KEYS.app, timeout: 30_000 }),
    given: () => given,
    answerWith(one) {
      answer = one
    },
  }
}

/** Values of a description, with every field that it has. */
function complete<T>(shape: Wire<T>): fc.Arbitrary<T> {
  const writer = schemaWriter()
  const schema = writer.schema(shape, 'request')
  return arbitraryOf(schema, writer.components, { complete: true }) as fc.Arbitrary<T>
}

const request: RequestFacts = {
  ip: '192.0.2.1',
  method: 'GET',
  url: '/orders?id=1',
  headers: { 'user-agent': 'Mozilla/5.0', accept: ['text/html', '*/*'] },
  client: {
    screen: '2560x1440x2',
    timezone: 'Europe/Oslo',
    languages: ['nb', 'en'],
    platform: 'Linux',
    touch: 5,
  },
  tls: 't13d1516h2_8daaf6152771_02713d6af862',
}

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const LOGIN: Login = {
  subject: 'ada',
  tenant: 'acme',
  class: 'remember',
  acr: 'urn:mfa',
  amr: ['pwd', 'otp'],
  authenticatedAt: 1_700_000_000_000,
  factors: ['otp'],
  attributes: { cart: { items: [1, 'x', null] } },
  refresh: true,
  previous: 'hf1.old',
  correlation: 'of-this-test',
  trace: TRACE,
  request,
}

const PRESENTED: Presented = {
  token: 'hf1.token',
  request,
  sensitivity: 'sensitive',
  acr: 'urn:mfa',
  maxAgeMs: 60_000,
  waitedMs: 12,
  deliverable: true,
  audience: 'orders',
  correlation: 'of-this-test',
  trace: TRACE,
}

const PROOF: Proof = {
  challenge: 'challenge',
  token: 'hf1.token',
  request,
  subject: 'ada',
  tenant: 'acme',
  acr: 'urn:mfa',
  amr: ['otp'],
  correlation: 'of-this-test',
  trace: TRACE,
}

const SESSION: SessionView = {
  id: ID,
  subject: 'ada',
  tenant: 'acme',
  class: 'remember',
  acr: null,
  amr: ['pwd'],
  authenticatedAt: 1,
  createdAt: 2,
  expiresAt: 3,
  idleMs: 4,
  attributes: { cart: 3 },
  attributesVersion: 5,
  formToken: 'form',
}

const DECISION = {
  outcome: 'observe',
  score: 7,
  because: [
    {
      group: 'N',
      reason: 'network_new',
      weight: 7,
      detail: { asn: 1, known: false },
      text: 'New.',
    },
  ],
} as const

const NETWORK = {
  address: '192.0.2.1',
  prefix: '192.0.2.0/24',
  block: '192.0.0.0/16',
  asn: 64_500,
  organisation: 'Example',
  kind: 'fixed',
  country: 'NO',
  city: 'Oslo',
  latitude: 59.9,
  longitude: 10.7,
  radiusKm: 12.5,
} as const

const DEVICE = {
  family: 'chrome',
  major: 141,
  os: 'linux',
  mobile: false,
  languages: ['nb'],
  hints: { family: 'chrome', major: 141, os: 'linux' },
  screen: '2560x1440x2',
  timezone: 'Europe/Oslo',
  tls: 't13d1516h2_8daaf6152771_02713d6af862',
} as const

const { formToken: _, ...FACTS } = SESSION

const DETAIL: SessionDetail = {
  ...FACTS,
  lastActivity: 6,
  origin: { network: NETWORK, device: DEVICE },
  contexts: [
    {
      key: 'k',
      state: 'confirmed',
      network: NETWORK,
      device: DEVICE,
      firstSeen: 1,
      lastSeen: 2,
      visits: 3,
      evidence: 4,
      evidenceAt: 5,
      because: [{ group: 'N', reason: 'network_new', weight: 7 }],
      evidenceNow: 2,
      failures: 1,
    },
  ],
  forked: false,
}

const ISSUED = { token: 'hf1.new', refreshToken: 'hf1.refresh', persistent: true } as const
const ACCESS = { accessToken: 'e30.e30.x', expiresIn: 60 } as const
const MEANWHILE = [
  {
    at: 5,
    method: 'POST',
    network: { asn: 1, organisation: 'One', kind: 'fixed', country: 'NO', city: 'Oslo' },
    device: { family: 'chrome', major: 156, os: 'windows' },
    here: false,
  },
] as const
const REFUSED = { code: 'step_up_required', decision: DECISION } as const
const REQUIREMENTS = { acr: 'urn:mfa', maxAgeMs: 60_000 } as const

/** One way there: what goes in, and what the engine is given for it. */
interface Way<T> {
  readonly body: Wire<T>
  /** Values with all fields, written by hand: a description that loses one fails here. */
  readonly examples: readonly NoInfer<T>[]
  send(remote: RemoteSessions, value: T): Promise<unknown>
  given(value: T): readonly unknown[]
  /** What the engine has to answer for the call to be made at all. */
  answer?(value: T): unknown
}

function way<T>(one: Way<T>): Way<unknown> {
  return one as Way<unknown>
}

const accepted = { ok: true, decision: DECISION, session: SESSION, persistent: false } as const
const REPORTS: readonly Report[] = [
  { kind: 'login_failed', subject: 'ada', tenant: 'acme', request, correlation: 'c', trace: TRACE },
  {
    kind: 'credential_changed',
    subject: 'ada',
    tenant: 'acme',
    except: ID,
    correlation: 'c',
    trace: TRACE,
  },
  { kind: 'account_disabled', subject: 'ada', tenant: 'acme', correlation: 'c', trace: TRACE },
  { kind: 'step_up_failed', challenge: 'c', token: 't', request, correlation: 'c', trace: TRACE },
  { kind: 'not_me', session: ID, correlation: 'c', trace: TRACE },
  { kind: 'false_alarm', session: ID, correlation: 'c', trace: TRACE },
]

const WAYS: Readonly<Record<string, Way<unknown>>> = {
  login: way({
    body: bodies.login,
    examples: [LOGIN],
    send: (remote, value) => remote.create(value),
    given: (value) => [value],
    answer: () => ({ ...accepted, token: 't' }),
  }),
  presented: way({
    body: bodies.presented,
    examples: [PRESENTED],
    send: (remote, value) => remote.verify(value),
    given: (value) => [value],
    answer: () => accepted,
  }),
  proof: way({
    body: bodies.proof,
    examples: [PROOF],
    send: (remote, value) => remote.completeStepUp(value),
    given: (value) => [value],
    answer: () => accepted,
  }),
  report: way({
    body: bodies.report,
    examples: REPORTS,
    send: (remote, value) => remote.report(value),
    given: (value) => [value],
  }),
  logoutBody: way({
    body: bodies.logoutBody,
    examples: [{ token: 't', reason: 'log_out', correlation: 'c', trace: TRACE }],
    send: (remote, { token, ...by }) => remote.logout(token, by),
    given: ({ token, ...by }) => [token, by],
  }),
  revokeBody: way({
    body: bodies.revokeBody,
    examples: [
      { reason: 'stolen', subject: 'ada', tenant: 'acme', correlation: 'c', trace: TRACE },
    ],
    send: (remote, value) => remote.revoke(ID, value),
    given: ({ subject: _, tenant: __, ...order }) => [ID, { ...order, actor: 'shop' }],
    // an application names the owner, and the service looks whether it is true
    answer: ({ subject, tenant }) => ({ subject, tenant }),
  }),
  revokeSubjectBody: way({
    body: bodies.revokeSubjectBody,
    examples: [{ reason: 'stolen', except: ID, correlation: 'c', trace: TRACE }],
    send: (remote, value) => remote.revokeSubject({ subject: 'ada', tenant: 'acme' }, value),
    given: (value) => [
      { subject: 'ada', tenant: 'acme' },
      { ...value, actor: 'shop' },
    ],
  }),
}

/** Bodies that `connect()` has no call for: their fields are those of others, or of a standard. */
const OTHERS = ['batchBody', 'tokenBody']

describe('what an application says arrives at the engine, field by field', () => {
  test('every body has its way', () => {
    expect([...Object.keys(WAYS), ...OTHERS].sort()).toEqual(Object.keys(bodies).sort())
  })

  test.each(Object.entries(WAYS))('%s', async (_, { body, examples, send, given, answer }) => {
    const { remote, given: seen, answerWith } = await ends()
    const arrives = async (value: unknown): Promise<void> => {
      answerWith(answer?.(value))
      await send(remote, value)
      expect(seen()).toEqual(lookedAt(given(value)))
    }

    for (const example of examples) await arrives(example)
    await fc.assert(fc.asyncProperty(complete(body), arrives), { numRuns: 20 })
  })

  test.each([
    ['refresh', (remote: RemoteSessions) => remote.refresh(PRESENTED)],
    ['beginStepUp', (remote: RemoteSessions) => remote.beginStepUp(PRESENTED)],
  ])('%s gives what a verification gives', async (_, send) => {
    const { remote, given, answerWith } = await ends()
    answerWith({ ok: false, code: 'session_unknown' })

    await send(remote)

    expect(given()).toEqual([PRESENTED])
  })

  test('lists and attributes', async () => {
    const { remote, given, answerWith } = await ends()
    const owner = { subject: 'ada', tenant: 'acme' }

    answerWith({ items: [] })
    await remote.list(owner, { limit: 7, after: 'abc' })
    expect(given()).toEqual([owner, { limit: 7, after: 'abc' }])
    answerWith(4)
    await remote.patchAttributes(ID, { cart: null }, 3, owner)
    const by = { actor: 'shop', correlation: expect.any(String) }
    expect(given()).toEqual([ID, { cart: null }, 3, { ...owner, ...by }])
    const traced = { ...owner, correlation: 'of-this-test', trace: TRACE }
    await remote.patchAttributes(ID, { cart: null }, 3, traced)
    expect(given()).toEqual([ID, { cart: null }, 3, { ...traced, actor: 'shop' }])
  })
})

/** A client sends no headers that nobody looks at. */
function lookedAt(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one) =>
      name === 'headers'
        ? Object.fromEntries(
            RELEVANT_HEADERS.flatMap((each) => (each in one ? [[each, one[each]]] : [])),
          )
        : one,
    ),
  )
}

/** One way back: what the engine answers, and who asks for it. */
interface Answer<T> {
  readonly shape: Wire<T>
  /** With all fields, written by hand, as those of {@link Way}. */
  readonly examples: readonly NoInfer<T>[]
  ask(remote: RemoteSessions, value: T): Promise<unknown>
}

function answered<T>(one: Answer<T>): Answer<unknown> {
  return one as Answer<unknown>
}

const ANSWERS: Readonly<Record<string, Answer<unknown>>> = {
  createdSession: answered({
    shape: verdicts.createdSession,
    examples: [{ ok: true, session: SESSION, decision: DECISION, ...ISSUED }],
    ask: (remote) => remote.create(LOGIN),
  }),
  refusedLogin: answered({
    shape: verdicts.refusedLogin,
    examples: [{ ok: false, code: 'login_superseded' }],
    ask: (remote) => remote.create(LOGIN),
  }),
  verification: answered({
    shape: verdicts.verification,
    examples: [
      { ...accepted, ...ISSUED, ...ACCESS, meanwhile: MEANWHILE },
      { ok: false, ...REFUSED, requirements: REQUIREMENTS },
    ],
    ask: (remote) => remote.verify(PRESENTED),
  }),
  refreshedTokens: answered({
    shape: verdicts.refreshedTokens,
    examples: [{ ...accepted, status: 'kept', refreshToken: 'hf1.r', ...ACCESS }],
    ask: (remote) => remote.refresh(PRESENTED),
  }),
  refusedRefresh: answered({
    shape: verdicts.refusedRefresh,
    examples: [{ ok: false, ...REFUSED, requirements: REQUIREMENTS }],
    ask: (remote) => remote.refresh(PRESENTED),
  }),
  stepUpBegun: answered({
    shape: verdicts.stepUpBegun,
    examples: [
      {
        ok: true,
        challenge: 'c',
        expiresAt: 1,
        subject: 'ada',
        tenant: 'acme',
        factors: ['otp'],
        decision: DECISION,
      },
      { ok: false, ...REFUSED },
    ],
    ask: (remote) => remote.beginStepUp(PRESENTED),
  }),
  sessionDetail: answered({
    shape: sessions.sessionDetail,
    examples: [DETAIL],
    ask: (remote, { id, subject, tenant }) => remote.show(id, { subject, tenant }),
  }),
  sessionPage: answered({
    shape: sessions.sessionPage,
    examples: [{ items: [DETAIL], next: 'abc' }],
    ask: (remote) => remote.list({ subject: 'ada' }),
  }),
}

describe('what the engine answers arrives at the application, field by field', () => {
  test('every verdict has its way', () => {
    expect(Object.keys(ANSWERS)).toEqual(expect.arrayContaining(Object.keys(verdicts)))
  })

  test.each(Object.entries(ANSWERS))('%s', async (_, { shape, examples, ask }) => {
    const { remote, answerWith } = await ends()
    const arrives = async (value: unknown): Promise<void> => {
      answerWith(value)
      expect(await ask(remote, value)).toEqual(value)
    }

    for (const example of examples) await arrives(example)
    await fc.assert(fc.asyncProperty(complete(shape).map(deliverable), arrives), { numRuns: 20 })
  })
})

/** A cookie cannot carry every text; a token is one that can be carried. */
function deliverable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one) =>
      name === 'token' || name === 'refreshToken' ? 'hf1.token' : one,
    ),
  )
}

test('a TLS fingerprint is part of the device, through a service too', async () => {
  const run = await running()
  const remote = connect({ url: run.service.url, key: KEYS.app })

  const created = await remote.create({ subject: 'ada', request })
  const owner = { subject: 'ada' }
  const shown = await remote.show(created.ok ? created.session.id : '', owner)

  expect(shown?.origin.device).toMatchObject({ tls: request.tls, screen: '2560x1440x2' })
})
