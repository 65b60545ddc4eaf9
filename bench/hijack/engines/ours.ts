import {
  balanced,
  createSessions,
  type Decision,
  type Evidence,
  type Keyring,
  newKeyring,
  type Policy,
  type Presentation,
  type RequestFacts,
  type SessionState,
  type Sessions,
  type SessionsOptions,
  type Signal,
  type SubjectHistory,
  starterSignals,
  type Verification,
} from 'holdfast'
import { describeNetwork } from 'holdfast/network'
import { describeDevice, explain, isPartial } from 'holdfast/testing'
import type { ThiefRequest } from '../attackers.ts'
import type { Person } from '../people.ts'
import type { Request } from '../timeline.ts'
import { type Branch, branchingStore, copyOf, emptyBranch } from './branching-store.ts'
import type { Answer, Clock, Engine, Guard, GuardOptions, Loot, Oracle, Verdict } from './engine.ts'

/** How much of the library is in use. */
export interface Variant {
  readonly name: string
  /** The answer may carry a cookie, so the secret rotates. */
  readonly rotates: boolean
  /** Sensitive routes are declared as such: rotation before them, and the gate. */
  readonly gate: boolean
  readonly signals?: readonly Signal[]
  readonly policy?: Policy
  readonly rotateEvery?: number
  /**
   * Whoever shows an old secret is taken for the holder of what came after it, however old it is.
   */
  readonly sameSuccessor?: boolean
  /** A sensitive route asks for a factor that is no older than this. */
  readonly freshMs?: number
}

/** Signals that see forks alone. */
export const onlyForks: readonly Signal[] = starterSignals().map(
  (signal): Signal =>
    (...seen) =>
      signal(...seen).filter(({ group }) => group === 'R'),
)

/** All others than those of behaviour. */
export const withoutBehaviour: readonly Signal[] = starterSignals().map(
  (signal): Signal =>
    (...seen) =>
      signal(...seen).filter(({ group }) => group !== 'B'),
)

/** Where the world's clock starts, as instants go: 5 January 2026. */
const EPOCH = Date.UTC(2026, 0, 5)

export function ours(variant: Variant): Engine {
  const keyring = newKeyring()
  return {
    name: variant.name,
    guard: (person, options) =>
      guardOf(
        person,
        { variant, keyring, ...options },
        { branch: emptyBranch(), cookieJars: [], successors: new Map() },
      ),
  }
}

/** A browser's cookie: what it holds, and what it held before the last change. */
interface CookieJar {
  token: string
  before: string
}

interface State {
  readonly branch: Branch
  readonly cookieJars: CookieJar[]
  /** What came after each secret. */
  readonly successors: Map<string, string>
}

type Setting = GuardOptions & { readonly variant: Variant; readonly keyring: Keyring }

function guardOf(
  person: Person,
  setting: Setting,
  { branch, cookieJars, successors }: State,
): Guard {
  const { variant, keyring, data, clock } = setting
  const host = hostOf(clock)
  const store = branchingStore(branch, () => host.now())
  const lookup = (address: string) => data(address, clock.at)
  const sessions = createSessions({ ...optionsOf(variant), store, keyring, host, lookup })
  const factors = ['otp']

  async function login(request: RequestFacts): Promise<string> {
    const created = await sessions.create({
      subject: person.name,
      class: 'remember',
      amr: ['pwd', 'otp'],
      factors,
      request,
    })
    if (!created.ok) throw new Error(`a login was refused: ${created.code}`)
    return created.token
  }

  async function shown(
    token: string,
    request: { readonly facts: RequestFacts; readonly sensitive: boolean },
  ): Promise<Verification> {
    let newest = token
    for (let next = successors.get(token); next !== undefined; next = successors.get(next))
      newest = next
    const verified = await verify(sessions, variant, newest, request)
    if (variant.sameSuccessor === true && verified.ok && verified.token !== undefined)
      successors.set(newest, verified.token)
    return verified
  }

  async function owner(request: Request): Promise<Verdict> {
    clock.at = request.at
    const facts = requestFacts(request)
    const cookieJar = cookieJars[request.device]
    if (cookieJar === undefined) {
      const token = await login(facts)
      cookieJars[request.device] = { token, before: token }
      return { answer: 'ok' }
    }
    if (request.rolledBack) cookieJar.token = cookieJar.before
    const verified = await shown(cookieJar.token, { facts, sensitive: request.sensitive })
    const verdict = verdictOf(verified)
    if (verified.ok) {
      take(cookieJar, verified.token, request.lost)
      return verdict
    }
    if (verdict.answer === 'ended') {
      const token = await login(facts)
      cookieJar.before = cookieJar.token
      cookieJar.token = token
      return { ...verdict, answer: ending(verified) ? 'ended' : 'ok' }
    }
    const begun = await sessions.beginStepUp({ token: cookieJar.token, request: facts })
    if (!begun.ok) {
      cookieJar.token = await login(facts)
      return { ...verdict, answer: verdict.answer === 'refused' ? 'refused' : 'asked' }
    }
    const done = await sessions.completeStepUp({
      challenge: begun.challenge,
      token: cookieJar.token,
      request: facts,
      subject: person.name,
      amr: ['otp'],
    })
    if (!done.ok) throw new Error(`a step-up failed: ${done.code}`)
    take(cookieJar, done.token, false)
    return verdict
  }

  return {
    owner,
    steal: (device) => ({ token: cookieJars[device]?.token ?? '' }),
    async thief(loot, request, device) {
      clock.at = request.at
      const own = isOwnCookieJar(loot) ? cookieJars[device] : (loot as { token: string })
      if (own === undefined) return { answer: 'refused' }
      const { sensitive } = request
      const verified = await shown(own.token, { facts: requestFacts(request), sensitive })
      const kept = verified.ok && request.discards !== true
      if (kept && verified.token !== undefined) own.token = verified.token
      return verdictOf(verified)
    },
    oracle: (loot, request, device) =>
      oracleOf(person, setting, { branch, cookieJars, successors }, { loot, request, device }),
    async phish(request) {
      clock.at = request.at
      return { token: await login(requestFacts(request)) }
    },
    clone: () =>
      guardOf(
        person,
        { ...setting, clock: { ...clock } },
        {
          branch: copyOf(branch),
          cookieJars: cookieJars.map((cookieJar) => ({ ...cookieJar })),
          successors: new Map(successors),
        },
      ),
  }
}

/**
 * Everything that an all-knowing thief may look at: the opened record and the subject's past, as
 * the signals get them, and the production code that judges them.
 */
async function oracleOf(
  person: Person,
  setting: Setting,
  { branch, cookieJars, successors }: State,
  {
    loot,
    request,
    device,
  }: { readonly loot: Loot; readonly request: ThiefRequest; readonly device: number },
): Promise<Oracle | undefined> {
  const { variant, data, clock } = setting
  const signals = variant.signals ?? starterSignals()
  let opened: { session: SessionState; history: SubjectHistory } | undefined
  const recorder: Signal = (session, _presentation, history) => {
    opened = { session, history }
    return []
  }
  const copy = guardOf(
    person,
    {
      ...setting,
      clock: { ...clock },
      variant: { ...variant, gate: true, signals: [...signals, recorder] },
    },
    { branch: copyOf(branch), cookieJars, successors: new Map(successors) },
  )
  // A sensitive route is always weighed.
  await copy.thief(structuredClone(loot), { ...request, sensitive: true }, device)
  if (opened === undefined) return undefined
  const recorded = opened
  const scales = { signals, policy: variant.policy ?? balanced(), acrOrder: [] }
  return {
    judge({ at, address, facts, sensitive }) {
      const lookup = (asked: string) => data(asked, at)
      const request = requestFacts({ address, facts })
      const device = describeDevice(request)
      const presentation: Presentation = {
        at: EPOCH + Math.floor(at),
        network: describeNetwork(address, { lookup }),
        device,
        partial: isPartial(request, device),
        sensitivity: variant.gate && sensitive ? 'sensitive' : 'normal',
        method: request.method,
      }
      const options =
        sensitive && variant.freshMs !== undefined ? { maxAgeMs: variant.freshMs } : {}
      return weighedVerdict(explain(scales, { ...recorded, presentation, options }), sensitive)
    },
  }
}

function weighedVerdict(decision: Decision, sensitive: boolean): Verdict {
  const { outcome, score, because } = decision
  const passes = outcome === 'allow' || outcome === 'observe' || (outcome === 'limit' && !sensitive)
  const asks = outcome === 'challenge' ? (onlyTheGate(decision) ? 'gated' : 'asked') : 'refused'
  return { answer: passes ? 'ok' : asks, score, because }
}

function isOwnCookieJar(loot: Loot): boolean {
  return loot === 'own cookie jar'
}

function optionsOf({ signals, policy, rotateEvery }: Variant): Partial<SessionsOptions> {
  return {
    ...(signals === undefined ? {} : { signals }),
    ...(policy === undefined ? {} : { policy }),
    ...(rotateEvery === undefined ? {} : { rotateEvery }),
  }
}

function verify(
  sessions: Sessions,
  { rotates, gate, freshMs }: Variant,
  token: string,
  { facts, sensitive }: { readonly facts: RequestFacts; readonly sensitive: boolean },
): Promise<Verification> {
  return sessions.verify({
    token,
    request: facts,
    deliverable: rotates,
    sensitivity: gate && sensitive ? 'sensitive' : 'normal',
    ...(sensitive && freshMs !== undefined ? { maxAgeMs: freshMs } : {}),
  })
}

function take(cookieJar: CookieJar, token: string | undefined, lost: boolean): void {
  if (token === undefined || lost) return
  cookieJar.before = cookieJar.token
  cookieJar.token = token
}

function requestFacts({
  address,
  facts,
}: {
  readonly address: string
  readonly facts: Request['facts']
}): RequestFacts {
  return {
    ip: address,
    method: 'GET',
    url: '/',
    headers: facts.headers,
    ...(facts.client === undefined ? {} : { client: facts.client }),
  }
}

function verdictOf(verified: Verification): Verdict {
  const { decision } = verified
  const answer = verified.ok ? 'ok' : answerOf(verified)
  return decision === undefined
    ? { answer }
    : { answer, score: decision.score, because: decision.because }
}

function answerOf({ code, decision }: Verification & { readonly ok: false }): Answer {
  switch (code) {
    case 'step_up_required':
      return decision !== undefined && onlyTheGate(decision) ? 'gated' : 'asked'
    case 'session_limited':
    case 'context_refused':
      return 'refused'
    default:
      return 'ended'
  }
}

/** Without the route's demand it would have passed. */
function onlyTheGate({ because, score }: Decision): boolean {
  const causes = because.filter(isCause).map(({ reason }) => reason)
  return causes.length > 0 && causes.every((cause) => OF_THE_ROUTE.has(cause)) && score < 24
}

const OF_THE_ROUTE: ReadonlySet<string> = new Set(['network_unconfirmed', 'authentication_stale'])

function isCause({ weight, group, reason }: Evidence): boolean {
  return (weight === 0 && group === 'P') || reason === 'secret_forked'
}

/** Not the session's own age. */
function ending({ code }: Verification & { readonly ok: false }): boolean {
  return code === 'session_revoked'
}

export function hostOf(clock: Clock): NonNullable<SessionsOptions['host']> {
  let state = 1
  return {
    now: () => EPOCH + Math.floor(clock.at),
    random(size) {
      const bytes = new Uint8Array(size)
      for (let at = 0; at < size; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        bytes[at] = state >>> 24
      }
      return bytes
    },
  }
}
