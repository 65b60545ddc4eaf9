import { expect, onTestFinished } from 'vitest'
import { type Keyring, newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { SessionError } from '../../src/core/errors.ts'
import type { SessionEvent } from '../../src/core/events.ts'
import type { SessionId } from '../../src/core/ids.ts'
import type { LookupResult } from '../../src/core/lookup.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import type { Store } from '../../src/core/store.ts'
import { parseToken } from '../../src/core/token.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import type { SessionsOptions } from '../../src/engine/options.ts'
import { balanced } from '../../src/policies/index.ts'
import { fork } from '../../src/signals/fork.ts'
import { eventSchemas } from './event-schemas.ts'
import { dryRun } from './faulty-store.ts'
import type { OpenStore } from './harness.ts'
import { abroad, atHome } from './people.ts'

const { problems } = eventSchemas()

/** The secrets of a cookie, or those that `refresh` takes. */
export type Line = 'session' | 'refresh'

/** The times of the rotation rule, ms. */
export const RULE = {
  session: { flight: 60_000, inFlight: 62_000, window: 82_000, rotation: 300_000 },
  // Always due, but never sooner than a window after the last time.
  refresh: { flight: 18_000, inFlight: 20_000, window: 40_000, rotation: 40_000 },
} as const satisfies Record<Line, Record<string, number>>

/** The latest an answer brings its secret: held back after 10 s, 10 s on the way. */
export const LATEST_ANSWER_MS = 20_000

/** No two clocks of an estate differ by more. */
export const CLOCKS_APART_MS = 2_000

/** How one secret is shown. */
export interface Showing {
  readonly sensitive?: boolean
  /** Default true. */
  readonly deliverable?: boolean
  readonly place?: Place
  readonly waitedMs?: number
  /** Which of the two processes is asked. */
  readonly process?: 0 | 1
}

/** What a holder of a secret learns from an answer. */
export type Answer =
  | { readonly kind: 'served'; readonly sent: string | undefined; readonly status?: string }
  | { readonly kind: 'refused'; readonly code: string; readonly reasons: readonly string[] }
  /** A fault: nothing was decided, and no secret went out. */
  | { readonly kind: 'failed'; readonly code: string }

/** One presentation and its answer, in the order of judgement. */
export interface Shown {
  /** The clock of the process that judged it, when the request was received there. */
  readonly received: number
  readonly secret: string
  readonly how: Showing
  readonly answer: Answer
}

/** Two processes with clocks of their own over one store, and a time that a test moves. */
export interface Estate {
  readonly line: Line
  readonly store: Store
  readonly keyring: Keyring
  readonly events: SessionEvent[]
  /** Every presentation since the last login. */
  readonly shown: readonly Shown[]
  now(): number
  /** The clock of a process. */
  clock(process: 0 | 1): number
  /** Plans something. What happens at one instant happens in parallel. */
  at(when: number, happens: () => void | Promise<void>): void
  /** Lets time pass until nothing is planned, or until this instant. */
  run(until?: number): Promise<void>
  /** Starts a session and returns the first secret of the line. */
  login(): Promise<string>
  show(secret: string, how?: Showing): Promise<Answer>
  /** What the answer would be, without any effect. */
  wouldServe(secret: string, how?: Showing): Promise<boolean>
  /** Both processes start again, and remember nothing. */
  restart(): void
}

/** Places whose evidence says nothing: what is tested here is the rotation alone. */
export type Place = keyof typeof PLACES

const PLACES = {
  home: '192.0.2.10',
  /** The same provider over IPv6. */
  homeBySix: '2001:db8:7::10',
  mobile: '198.51.100.7',
  /** Another browser at a provider of another country. */
  abroad: '203.0.113.66',
} as const

const PROVIDERS: Readonly<Record<Place, LookupResult>> = {
  home: provider(64500),
  homeBySix: provider(64500),
  mobile: provider(64501),
  abroad: provider(64502),
}

/** An estate over one store, closed when the test ends. */
export async function estate(
  open: OpenStore,
  {
    line = 'session',
    clocksApart = 0,
    through = (store) => store,
    options = onlyForks(),
  }: {
    readonly line?: Line
    readonly clocksApart?: number
    /** What the engines see of the store. */
    readonly through?: (store: Store) => Store
    readonly options?: Partial<SessionsOptions>
  } = {},
): Promise<Estate> {
  const started = Date.now()
  let time = 0
  const plan = planned()
  const random = fakeHost().random
  const skews = [-clocksApart / 2, clocksApart / 2] as const
  const hosts = skews.map((skew) => ({ now: () => started + time + skew, random }))
  const keyring = newKeyring(fakeHost())
  const opened = await open(() => started + time)
  onTestFinished(() => opened.close())
  const store = through(opened)
  const events: SessionEvent[] = []
  const wrong: string[] = []
  onTestFinished(() => expect(wrong).toEqual([]))
  let shown: Shown[] = []
  let engines = hosts.map((_, process) => engineOf(process, store))

  function engineOf(process: number, over: Store, onEvent = hear): Sessions {
    const host = hosts[process]
    if (host === undefined) throw new Error('there are two processes')
    return createSessions({ keyring, ...options, onEvent, store: over, host })
  }

  function hear(event: SessionEvent): void {
    wrong.push(...problems(event))
    events.push(event)
  }

  const clock = (process: 0 | 1): number => started + time + skews[process]

  async function run(until = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      const next = plan.take(until)
      if (next === undefined) break
      time = Math.max(time, next.when)
      await Promise.all(next.happenings.map((happens) => happens()))
    }
    if (until !== Number.POSITIVE_INFINITY) time = Math.max(time, until)
  }

  return {
    line,
    store,
    keyring,
    events,
    get shown() {
      return shown
    },
    now: () => time,
    clock,
    at: (when, happens) => plan.add(Math.max(when, time), happens),
    run,
    async login() {
      // Whatever an earlier session did is over, and no clock has run backwards.
      time += 600_000
      shown = []
      const created = await engines[0]?.create({
        subject: 'ada',
        factors: ['otp'],
        amr: ['pwd', 'otp'],
        refresh: line === 'refresh',
        request: requestFrom('home'),
      })
      if (created?.ok !== true) throw new Error('the login was refused')
      return line === 'session' ? created.token : (created.refreshToken ?? '')
    },
    async show(secret, how = {}) {
      const process = how.process ?? 0
      const received = clock(process) - (how.waitedMs ?? 0)
      const answer = await ask(engines[process], line, secret, how)
      shown.push({ received, secret, how, answer })
      return answer
    },
    async wouldServe(secret, how = {}) {
      const engine = engineOf(how.process ?? 0, dryRun(store), () => {})
      return (await ask(engine, line, secret, how)).kind === 'served'
    },
    restart() {
      engines = hosts.map((_, process) => engineOf(process, store))
    },
  }
}

/** A policy that knows the network of every place, and evidence of forks alone. */
export function onlyForks(): Partial<SessionsOptions> {
  const policy = balanced()
  return {
    signals: [fork()],
    policy: (evidence, situation) => policy(evidence, { ...situation, networkConfirmed: true }),
    lookup: (address) => {
      const found = (Object.keys(PLACES) as Place[]).find((name) => PLACES[name] === address)
      return found === undefined ? undefined : PROVIDERS[found]
    },
  }
}

/** One cookie jar. An answer overwrites what is there, in the order of arrival. */
export interface Jar {
  held(): string
  /**
   * Sends what the jar holds now. The request is received after `up` ms, and once more after
   * `again`; the answer arrives `down` ms after the judgement. Undefined: it is lost.
   */
  send(request: Request): void
  /** The browser is killed, and finds the secret that it held then. */
  rollBack(to: string): void
}

/** A request on its way, and its answer. */
export interface Request {
  readonly up: number
  readonly again?: number | undefined
  readonly down: number | undefined
  readonly how?: Showing
  /** The answer has arrived, or was lost. */
  readonly done?: (answer: Answer) => void
}

/** A browser with one jar and any number of tabs. */
export function jarOf(world: Estate, first: string): Jar {
  let held = first
  let life = 0
  return {
    held: () => held,
    send({ up, again, down, how = {}, done }) {
      const secret = held
      const born = life
      const sentAt = world.now()
      const receive = (after: number, delivered: number | undefined): void =>
        world.at(sentAt + after, async () => {
          const waitedMs = Math.min(how.waitedMs ?? 0, after)
          const answer = await world.show(secret, { ...how, waitedMs })
          if (delivered === undefined) return done?.(answer)
          world.at(world.now() + delivered, () => {
            if (answer.kind === 'served' && answer.sent !== undefined && born === life) {
              held = answer.sent
            }
            done?.(answer)
          })
        })
      if (again === undefined) return receive(up, down)
      receive(Math.min(up, again), undefined)
      receive(Math.max(up, again), down)
    },
    rollBack(to) {
      held = to
      life++
    },
  }
}

/** Which generation of its family a secret is of. */
export function generationOf(secret: string): number {
  const parsed = parseToken(secret)
  if (parsed === undefined) throw new Error('not a token')
  return parsed.claims.generation
}

/** The id of the session that a secret belongs to. */
export function sessionOf(secret: string): SessionId {
  const parsed = parseToken(secret)
  if (parsed === undefined) throw new Error('not a token')
  return parsed.claims.session
}

/** The secret of an answer that has to bring one. */
export function sentBy(answer: Answer): string {
  if (answer.kind !== 'served' || answer.sent === undefined)
    throw new Error(`the answer brought no secret: ${JSON.stringify(answer)}`)
  return answer.sent
}

/** What is stored of a session, and how often it was written. */
export async function recordOf(world: Estate, secret: string): Promise<string> {
  const found = await world.store.entries.read(sessionOf(secret))
  return found === undefined
    ? 'none'
    : `${found.version} ${Buffer.from(found.sealed).toString('hex')}`
}

/** Nobody was refused. Faults are allowed only where a test causes them. */
export function expectAllServed(world: Estate, { faults = false } = {}): void {
  const others = world.shown.filter(
    ({ answer: { kind } }) => kind !== 'served' && !(faults && kind === 'failed'),
  )
  expect(others.map(({ answer }) => answer)).toEqual([])
}

/** No secret has left twice. */
export function expectNoneSentTwice(world: Estate): void {
  const sent = secretsSent(world)
  expect(new Set(sent).size).toBe(sent.length)
}

/** Every secret that left since the login, in the order of judgement. */
export function secretsSent({ shown }: Estate): readonly string[] {
  return shown.flatMap(({ answer }) =>
    answer.kind === 'served' && answer.sent !== undefined ? [answer.sent] : [],
  )
}

/** Whether a fork has been found, or the session has ended for it. */
export function isForked(answer: Answer): boolean {
  if (answer.kind !== 'refused') return false
  return answer.reasons.includes('secret_forked') || /^session_/.test(answer.code)
}

async function ask(
  engine: Sessions | undefined,
  line: Line,
  secret: string,
  how: Showing,
): Promise<Answer> {
  const { sensitive = false, deliverable = true, place = 'home', waitedMs = 0 } = how
  const presented = {
    token: secret,
    request: requestFrom(place, line === 'refresh' ? 'POST' : 'GET'),
    sensitivity: sensitive ? 'sensitive' : 'normal',
    deliverable,
    waitedMs,
  } as const
  try {
    if (line === 'session') {
      const answer = await engine?.verify(presented)
      if (answer?.ok === true) return { kind: 'served', sent: answer.token }
      return refusalOf(answer)
    }
    const answer = await engine?.refresh({ ...presented, sensitivity: 'normal' })
    if (answer?.ok === true) {
      return { kind: 'served', sent: answer.refreshToken, status: answer.status }
    }
    return refusalOf(answer)
  } catch (error) {
    if (error instanceof SessionError) return { kind: 'failed', code: error.code }
    throw error
  }
}

function refusalOf(
  answer:
    | { readonly code: string; readonly decision?: { because: readonly { reason: string }[] } }
    | undefined,
): Answer {
  if (answer === undefined) throw new Error('there are two processes')
  const reasons = answer.decision?.because.map(({ reason }) => reason) ?? []
  return { kind: 'refused', code: answer.code, reasons }
}

function requestFrom(place: Place, method = 'GET'): RequestFacts {
  return place === 'abroad' ? abroad({ method }) : atHome({ ip: PLACES[place], method })
}

function provider(asn: number): LookupResult {
  const city = { country: 'NO', city: 'Oslo', latitude: 59.91, longitude: 10.75 }
  return { asn, organisation: `AS ${asn}`, kind: 'fixed', ...city }
}

interface Planned {
  add(when: number, happens: () => void | Promise<void>): void
  /** Everything of the next instant, unless that is after `until`. */
  take(
    until: number,
  ): { readonly when: number; readonly happenings: (() => void | Promise<void>)[] } | undefined
}

/** What is to happen, in order of time and then of planning. */
function planned(): Planned {
  const instants: number[] = []
  const happenings = new Map<number, (() => void | Promise<void>)[]>()
  return {
    add(when, happens) {
      const there = happenings.get(when)
      if (there !== undefined) return void there.push(happens)
      happenings.set(when, [happens])
      let low = 0
      let high = instants.length
      while (low < high) {
        const middle = (low + high) >> 1
        // Latest first: the next instant is taken from the end.
        if ((instants[middle] ?? 0) > when) low = middle + 1
        else high = middle
      }
      instants.splice(low, 0, when)
    },
    take(until) {
      const when = instants.at(-1)
      if (when === undefined || when > until) return undefined
      instants.pop()
      const taken = happenings.get(when) ?? []
      happenings.delete(when)
      return { when, happenings: taken }
    },
  }
}
