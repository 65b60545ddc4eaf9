import {
  type RequestFacts,
  SessionError,
  type SessionId,
  type SessionView,
  type Verification,
} from 'holdfast'
import type { Random } from '../bench/hijack/random.ts'
import type { KnownSession, Model } from './model.ts'
import { SESSION_LIMIT, type ServiceProcess } from './services.ts'
import type { Tally } from './tally.ts'
import type { WeatherLog } from './weather-log.ts'

export interface World {
  readonly model: Model
  readonly log: WeatherLog
  readonly tally: Tally
  readonly services: readonly ServiceProcess[]
}

/** Somebody with a few sessions, who does one thing after the other. */
export interface Person {
  /** Does something, and looks whether the answer is true. */
  act(): Promise<void>
  /** Looks at every session of this person through every service. */
  audit(): Promise<void>
  /** Whether a login through this service works, and its session can be used and ended. */
  provesThrough(service: ServiceProcess): Promise<boolean>
}

/** Faults that tell an outage: nobody is logged out by them. */
const OUTAGES = new Set(['store_unavailable', 'store_contended', 'store_rolled_back', 'overloaded'])

/** A request that was given up may still be done for so long: a paused process takes it up. */
const LATE_MS = 15_000

const KEPT_ENDED = 6
const FRESH_MS = 1

type Asked<T> = { readonly answer: T } | { readonly code: string }

export function person(number: number, world: World, random: Random): Person {
  const { model, log, tally, services } = world
  const subject = `person-${number}`
  const request: RequestFacts = {
    ip: `2001:db8:${number.toString(16)}::7`,
    method: 'GET',
    url: '/account',
    headers: {
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
      'accept-language': 'en',
    },
  }
  /** Another line of the same person: each first visit from there changes the record. */
  const onTheWay: RequestFacts = { ...request, ip: `2001:db8:${(number + 4_096).toString(16)}::7` }
  /** By age. Of the ended ones the newest. */
  let sessions: KnownSession[] = []
  /** When a login was asked for whose answer never came: it may have begun a session. */
  let hidden: number[] = []
  /** An order to end everything that was given up may still be carried out so long. */
  let lateUntil = 0

  const of = (...states: KnownSession['state'][]): KnownSession[] =>
    sessions.filter(({ state }) => states.includes(state))

  function refused(session: KnownSession, code: string, how: string): void {
    if (performance.now() > lateUntil) model.refused(session, code, how)
    else {
      model.excuse('an order that arrived late')
      session.state = 'unsure'
    }
  }

  async function ask<T>(
    what: string,
    service: ServiceProcess,
    call: (service: ServiceProcess) => Promise<T>,
  ): Promise<Asked<T>> {
    const askedAt = performance.now()
    try {
      const answer = await call(service)
      tally.note(what, { service, askedAt, ok: true })
      return { answer }
    } catch (error) {
      const code = error instanceof SessionError ? error.code : String(error)
      const outage = OUTAGES.has(code)
      tally.note(what, { service, askedAt, ok: !outage })
      if (outage && log.wasCalm(askedAt, performance.now()))
        model.late('not available', `${what} through ${service.name}: ${String(error)}`)
      if (!outage && !EXPECTED.has(code))
        model.violate('wrong answer', `${what} through ${service.name}: ${String(error)}`)
      return { code }
    }
  }

  function readAttributes(session: KnownSession, seen: SessionView, how: string): void {
    const count = Number(seen.attributes.count)
    if (!(count >= session.counted) && session.state === 'live') {
      if (log.lossOf(session.changedAt) !== undefined) model.excuse('lost with a master')
      else model.violate('lost update', `${how}: ${count} of ${session.counted} in ${session.id}`)
    }
    session.counted = Number.isFinite(count) ? count : session.counted
    session.version = seen.attributesVersion
  }

  /** Notes what a presentation of the session has been answered. */
  function judge(
    session: KnownSession,
    asked: Asked<Verification>,
    how: string,
    askedAt: number,
    before = session.state,
  ): void {
    if (!('answer' in asked)) return
    const { answer } = asked
    if (answer.ok) {
      if (before === 'ended') model.served(session, askedAt, how)
      if (answer.session.id !== session.id || answer.session.subject !== subject)
        model.violate('wrong answer', `${how}: another session than ${session.id}`)
      if (log.wasCut(askedAt, performance.now()))
        model.violate('fail-open', `${how}: nobody could reach the store, and it said yes`)
      readAttributes(session, answer.session, how)
      if (answer.token !== undefined) session.token = answer.token
    } else if (before === 'live') refused(session, answer.code, how)
  }

  async function visit(
    session: KnownSession,
    {
      what = 'visit',
      service = random.pick(services),
      sensitive = false,
      from = request,
    }: {
      readonly what?: string
      readonly service?: ServiceProcess
      readonly sensitive?: boolean
      readonly from?: RequestFacts
    } = {},
  ): Promise<void> {
    const before = session.state
    const askedAt = performance.now()
    const asked = await ask(what, service, ({ sessions }) =>
      sessions.verify({
        ...{ token: session.token, request: from, deliverable: true },
        ...(sensitive ? { sensitivity: 'sensitive' as const } : {}),
      }),
    )
    judge(session, asked, `${what} through ${service.name}`, askedAt, before)
  }

  /** Beyond the limit the oldest go; which of them, only their acknowledged number tells. */
  function beyondTheLimit(by: ServiceProcess, incarnation: number): void {
    const alive = of('live', 'unsure')
    const unknown = hidden.length + of('ended').filter(model.mayBeBack).length
    const excess = alive.length + unknown - SESSION_LIMIT
    const certain = unknown === 0 && alive.every(({ state }) => state === 'live')
    for (const session of alive.slice(0, Math.max(0, excess))) {
      if (certain) model.ended(session, by, incarnation)
      else session.state = 'unsure'
    }
  }

  async function login(): Promise<void> {
    const service = random.pick(services)
    const incarnation = service.incarnation()
    const refresh = random.chance(0.5)
    const askedAt = performance.now()
    const asked = await ask('login', service, ({ sessions }) =>
      sessions.create({
        ...{ subject, request, refresh, acr: 'urn:mfa', amr: ['pwd', 'otp'], factors: ['otp'] },
        attributes: { count: 0 },
      }),
    )
    if (!('answer' in asked)) {
      hidden.push(askedAt)
      beyondTheLimit(service, incarnation)
      return
    }
    const { answer } = asked
    if (!answer.ok) {
      // An order to end everything can pass this login. Nobody else gives one.
      if (performance.now() <= lateUntil) model.excuse('an order that arrived late')
      else if (hidden.length === 0) model.violate('wrong answer', `login: ${answer.code}`)
      return
    }
    const { session, token, refreshToken } = answer
    sessions.push({
      ...{ id: session.id, subject, token, refreshToken, state: 'live' },
      ...{ changedAt: performance.now(), counted: 0, version: session.attributesVersion },
      replaced: undefined,
    })
    beyondTheLimit(service, incarnation)
    const ended = of('ended')
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - KEPT_ENDED)))
    sessions = sessions.filter((one) => !forgotten.has(one))
  }

  /** Ends some sessions by one call; if its answer never comes, nobody knows. */
  async function end(
    what: string,
    some: readonly KnownSession[],
    call: (service: ServiceProcess) => Promise<void>,
  ): Promise<boolean> {
    const service = random.pick(services)
    const incarnation = service.incarnation()
    const asked = await ask(what, service, call)
    for (const session of some) {
      if ('answer' in asked) model.ended(session, service, incarnation)
      else if (session.state === 'live') session.state = 'unsure'
    }
    return 'answer' in asked
  }

  const by = { reason: 'soak' }
  const logout = (session: KnownSession): Promise<boolean> =>
    session.lost
      ? revoke(session)
      : end('logout', [session], ({ sessions }) => sessions.logout(session.token))

  const revoke = (session: KnownSession): Promise<boolean> =>
    end('revoke', [session], ({ sessions }) => sessions.revoke(session.id as SessionId, by))

  async function everywhere(except?: KnownSession): Promise<void> {
    const some = of('live', 'unsure').filter((one) => one !== except)
    const askedAt = performance.now()
    const spared = except === undefined ? {} : { except: except.id as SessionId }
    const done = await end('revoke all', some, ({ sessions }) =>
      sessions.revokeSubject({ subject }, { ...by, ...spared }),
    )
    if (done) hidden = hidden.filter((at) => askedAt - at < LATE_MS)
    else lateUntil = performance.now() + LATE_MS
    if (except !== undefined) except.changedAt = performance.now()
  }

  async function refresh(session: KnownSession): Promise<void> {
    const { refreshToken: token, state: before } = session
    if (token === undefined) return
    const service = random.pick(services)
    const askedAt = performance.now()
    const how = `refresh through ${service.name}`
    const asked = await ask('refresh', service, ({ sessions }) =>
      sessions.refresh({ token, request }),
    )
    if (!('answer' in asked)) return
    const { answer } = asked
    if (!answer.ok) {
      if (before === 'live') refused(session, answer.code, how)
      return
    }
    if (before === 'ended') model.served(session, askedAt, how)
    session.refreshToken = answer.refreshToken ?? token
  }

  async function stepUp(session: KnownSession): Promise<void> {
    const { token, state: before } = session
    const first = random.pick(services)
    const begun = await ask('begin a step-up', first, ({ sessions }) =>
      sessions.beginStepUp({ token, request, maxAgeMs: FRESH_MS }),
    )
    if (!('answer' in begun)) return
    if (!begun.answer.ok) {
      if (before === 'live') refused(session, begun.answer.code, 'begin a step-up')
      return
    }
    const { challenge } = begun.answer
    for (let attempt = 0; attempt < 3; attempt++) {
      const service = random.pick(services)
      const done = await ask('complete a step-up', service, ({ sessions }) =>
        sessions.completeStepUp({
          ...{ challenge, token, request, subject },
          ...{ acr: 'urn:mfa', amr: ['otp'] },
        }),
      )
      if (!('answer' in done)) continue
      if (!done.answer.ok) {
        if (before === 'live') refused(session, done.answer.code, 'complete a step-up')
        return
      }
      session.changedAt = performance.now()
      if (done.answer.token !== undefined) {
        session.token = done.answer.token
        session.refreshToken = done.answer.refreshToken ?? session.refreshToken
        session.replaced = { token, at: session.changedAt }
      }
      return
    }
    // Its answer was lost for good, and with it the only secret that counts.
    session.changedAt = performance.now()
    session.state = 'unsure'
    session.lost = true
  }

  async function showReplaced(session: KnownSession): Promise<void> {
    const { replaced: last } = session
    if (last === undefined) return
    const service = random.pick(services)
    const asked = await ask('show a replaced token', service, ({ sessions }) =>
      sessions.verify({ token: last.token, request }),
    )
    if (!('answer' in asked) || !asked.answer.ok) return
    if (log.lossOf(last.at) === undefined)
      model.violate('resurrection', `a token that a step-up has replaced, of ${session.id}`)
    else model.excuse('lost with a master')
  }

  async function guess(): Promise<void> {
    const like = random.pick(sessions)
    const flipped = like.token.at(-9) === 'A' ? 'B' : 'A'
    const token = `${like.token.slice(0, -9)}${flipped}${like.token.slice(-8)}`
    const asked = await ask('guess', random.pick(services), ({ sessions }) =>
      sessions.verify({ token, request }),
    )
    if ('answer' in asked && asked.answer.ok) model.violate('fail-open', 'a forged token is good')
  }

  async function list(service = random.pick(services)): Promise<void> {
    const askedAt = performance.now()
    const live = of('live')
    const ended = of('ended')
    const asked = await ask('list', service, ({ sessions }) => sessions.list({ subject }))
    if (!('answer' in asked)) return
    const listed = new Set(asked.answer.items.map(({ id }) => String(id)))
    for (const session of ended)
      if (listed.has(session.id)) model.served(session, askedAt, `list through ${service.name}`)
    for (const session of live) {
      if (listed.has(session.id)) continue
      refused(session, 'not listed', `list through ${service.name}`)
    }
    if (listed.size <= SESSION_LIMIT) return
    if (sessions.some(({ changedAt, end }) => log.lossOf(end?.at ?? changedAt) !== undefined))
      model.excuse('lost with a master')
    else model.violate('limit exceeded', `${listed.size} sessions of ${subject}`)
  }

  async function count(session: KnownSession): Promise<void> {
    const next = session.counted + 1
    const asked = await ask('patch attributes', random.pick(services), ({ sessions }) =>
      sessions.patchAttributes(session.id as SessionId, { count: next }, session.version, {
        subject,
      }),
    )
    if ('answer' in asked) {
      session.counted = next
      session.version = asked.answer
      session.changedAt = performance.now()
    } else if (asked.code === 'not_found' && session.state === 'live')
      refused(session, 'not_found', 'patch attributes')
  }

  async function act(): Promise<void> {
    const live = of('live')
    const unsure = of('unsure')
    const ended = of('ended')
    if (live.length === 0 && unsure.length === 0) return login()
    // Who does not know what became of a session logs out everywhere, and in again.
    if (unsure.length > 0 && random.chance(0.3)) return everywhere()
    const session = random.pick(live.length > 0 ? live : unsure)
    const draw = random.next() * 100
    const choices: readonly (readonly [number, () => Promise<unknown>])[] = [
      [40, () => visit(session)],
      [4, () => visit(session, { what: 'visit on the way', from: onTheWay })],
      [8, () => Promise.all([0, 1, 2, 3].map(() => visit(session, { what: 'tabs' })))],
      [5, () => visit(session, { what: 'sensitive visit', sensitive: true })],
      [9, () => refresh(session)],
      [7, login],
      [3, () => logout(session)],
      [2, () => revoke(session)],
      [1, () => everywhere(random.chance(0.5) ? session : undefined)],
      [3, () => list()],
      [3, () => stepUp(session)],
      [1, () => showReplaced(session)],
      [3, () => count(session)],
      [1, guess],
      [7, async () => ended.length > 0 && visit(random.pick(ended), { what: 'show an ended one' })],
      [3, async () => unsure.length > 0 && logout(random.pick(unsure))],
    ]
    let sum = 0
    for (const [weight, choice] of choices) {
      sum += weight
      if (draw < sum) return void (await choice())
    }
  }

  return {
    act,
    async audit() {
      for (const session of of('unsure')) await logout(session)
      for (const service of services) {
        for (const session of of('live', 'ended')) {
          await visit(session, { what: 'audit', service })
        }
        await list(service)
      }
    },
    async provesThrough({ sessions }) {
      try {
        const login = await sessions.create({ subject, request })
        if (!login.ok) return false
        const seen = await sessions.verify({ token: login.token, request })
        await sessions.logout(login.token)
        return seen.ok
      } catch {
        return false
      }
    },
  }
}

const EXPECTED = new Set(['attributes_conflict', 'not_found', 'too_many_requests'])
