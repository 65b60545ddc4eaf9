import { oldNameOf } from './countries.ts'
import { DAY, type Facts, factsOf, KINDS, type Surroundings, sentBy } from './devices.ts'
import type { Person } from './people.ts'
import type { Random } from './random.ts'
import { type Rates, TWO_MONTHS } from './rates.ts'
import type { Trip } from './trips.ts'
import type { Line, Whereabouts } from './whereabouts.ts'

/** One request of a rightful user that may matter to some engine. */
export interface Request {
  /** Ms from the start of the world. */
  readonly at: number
  readonly device: number
  readonly address: string
  readonly facts: Facts
  readonly sensitive: boolean
  /** The first of a visit. */
  readonly opens: boolean
  /** The visit begins with the cookie jar of a moment before the last one ended. */
  readonly rolledBack: boolean
  /** A cookie that this response sets is lost. */
  readonly lost: boolean
  /** Differs in address or facts from the device's last one. */
  readonly changed: boolean
  /**
   * Of another kind than a page's, or with the time zone under an older name: what the page would
   * have sent, with the name of today.
   */
  readonly plain: Facts | null
}

export interface Timeline {
  readonly requests: readonly Request[]
  /**
   * All requests, with those that repeat the one before within five minutes, which no engine would
   * notice.
   */
  readonly total: number
}

/** The second month begins, which is counted. */
export const SECOND = (TWO_MONTHS / 2) * DAY

/** Where clocks change. */
const SUMMER = 1.5 * SECOND
const SENSITIVE = 0.012
const VISITS_A_DAY = 2.9
const REQUESTS_A_VISIT = 12
const BETWEEN_REQUESTS_MS = 50_000
/** Quiet requests are left out up to this long: the interval of rotation. */
const NOTICED_MS = 5 * 60_000
const HOUR = 3_600_000
/** From one place to another. */
const TRAVEL_MS = 20 * 60_000

const OTHER_KINDS = KINDS.filter((kind) => kind !== 'page')

interface Visit {
  readonly at: number
  readonly device: number
}

/** Two months of a person, in the order of time. */
export function timeline(
  person: Person,
  where: Whereabouts,
  { rates, rng }: { readonly rates: Rates; readonly rng: Random },
): Timeline {
  const requests: Request[] = []
  const last: (Request | undefined)[] = []
  const ended: ({ readonly at: number; readonly line: Line; readonly lines: Lines } | undefined)[] =
    []
  let total = 0
  const oddities = rng.stream('odd requests')

  for (const visit of visitsOf(person, { rates, rng })) {
    const device = person.devices[visit.device]
    if (device === undefined) continue
    const trip = person.trips.find(({ from, until }) => visit.at >= from && visit.at < until)
    if (person.trips.some((each) => isOnTheWay(each, visit.at))) continue
    // A device is in one place at a time, and on its way for a while between two.
    const before = ended[visit.device]
    const start = Math.max(visit.at, (before?.at ?? 0) + 60_000)
    const stayed = before !== undefined && start - before.at < TRAVEL_MS ? before : undefined
    const lines =
      stayed?.lines ??
      networkOf(person, where, { ...visit, at: start }, { trip, mobile: device.mobile, rates, rng })
    const around = surroundings(person, start, {
      trip,
      rates,
      rng,
      randomAgent: device.randomAgent,
    })
    const oldName = oddities.chance(rates.oldZoneNames) ? oldNameOf(around.timezone) : undefined
    const plain = factsOf(device, around, rates)
    const facts =
      oldName === undefined ? plain : factsOf(device, { ...around, timezone: oldName }, rates)
    const count = 1 + Math.floor(rng.wait(REQUESTS_A_VISIT - 1))
    const handoverAt = device.mobile && rng.chance(rates.handover) ? rng.below(count) : -1
    const rolledBack = rng.chance(rates.jarRollback)
    let line = stayed?.line ?? lines.line
    let overV6 = line.v6 !== null
    let at = start

    total += count
    for (let i = 0; i < count; i++) {
      if (i > 0) at += rng.wait(BETWEEN_REQUESTS_MS)
      if (i === handoverAt) line = lines.other()
      if (line.kind === 'relay' && rng.chance(rates.relayChange)) line = where.relay()
      if (line.v6 !== null && rng.chance(rates.flip)) overV6 = !overV6
      const aside = lines.beside !== null && rng.chance(0.3)
      const address =
        aside && lines.beside !== null
          ? lines.beside.v4
          : overV6 && line.v6 !== null
            ? line.v6
            : line.v4
      const previous = last[visit.device]
      const changed =
        previous === undefined || previous.address !== address || !sameFacts(previous.facts, facts)
      const sensitive = rng.chance(SENSITIVE)
      const lost = rng.chance(rates.lostCookie)
      const kind = oddities.chance(rates.otherKinds) ? oddities.pick(OTHER_KINDS) : 'page'
      const quiet = i > 0 && !changed && !sensitive && kind === 'page'
      if (quiet && previous !== undefined && at - previous.at < NOTICED_MS) continue
      const request: Request = {
        at,
        device: visit.device,
        address,
        facts: kind === 'page' ? facts : { ...facts, headers: sentBy(kind, facts.headers) },
        sensitive,
        opens: i === 0,
        rolledBack: i === 0 && rolledBack,
        lost,
        changed,
        plain: kind === 'page' && oldName === undefined ? null : plain,
      }
      last[visit.device] = request
      requests.push(request)
    }
    ended[visit.device] = { at, line, lines }
  }
  return { requests: requests.sort((a, b) => a.at - b.at), total }
}

/** Nobody is seen on the way, but in the air by whoever has a network there. */
function isOnTheWay({ from, until, transitMs, inFlight }: Trip, at: number): boolean {
  const sets = (start: number): boolean => at >= start && at < start + transitMs
  return (sets(from) && !inFlight) || sets(until)
}

/**
 * Any request of the second month whose session lasts until the owner's two further days are over.
 */
export function worthTaking({ requests }: Timeline): readonly Request[] {
  const until = (TWO_MONTHS - 6) * DAY
  return requests.filter(({ at }) => at >= SECOND + 2 * DAY && at < until)
}

/** By the hours of the day at home, which is good enough for travellers too. */
function visitsOf(
  { devices }: Person,
  { rates, rng }: { readonly rates: Rates; readonly rng: Random },
): readonly Visit[] {
  const earlier = rng.stream('summer time').chance(rates.summerTime) ? HOUR : 0
  const visits: Visit[] = []
  for (const [device, { mobile }] of devices.entries()) {
    for (let day = 0; day < TWO_MONTHS; day++) {
      const weekend = day % 7 >= 5
      const mean = VISITS_A_DAY * (mobile ? 1.1 : weekend ? 0.5 : 1.1)
      for (let left = rng.count(mean); left > 0; left--) {
        const hour = 7 + 16 * (rng.next() + rng.next()) * 0.5
        const at = Math.floor(day * DAY + hour * HOUR)
        visits.push({ at: at < SUMMER ? at : at - earlier, device })
      }
    }
  }
  return visits.sort((a, b) => a.at - b.at)
}

/**
 * What a visit can use: the usual line, the one that a handover leads to, and what a split tunnel
 * leaves out.
 */
interface Lines {
  readonly line: Line
  readonly other: () => Line
  readonly beside: Line | null
}

function networkOf(
  person: Person,
  where: Whereabouts,
  { at, device }: Visit,
  {
    trip,
    mobile,
    rates,
    rng,
  }: {
    readonly trip: Trip | undefined
    readonly mobile: boolean
    readonly rates: Rates
    readonly rng: Random
  },
): Lines {
  const cell = (): Line => where.cell(device, trip)
  const fixed = (): Line => (trip === undefined ? stationary() : where.hotel(trip))
  const hour = (at % DAY) / HOUR
  const working = person.office !== null && Math.floor(at / DAY) % 7 < 5 && hour >= 9 && hour < 17

  function stationary(): Line {
    if (rng.chance(rates.guestNetwork)) return where.guest()
    return working && rng.chance(0.8) ? where.office() : where.home(at)
  }

  if (trip?.inFlight === true && rng.chance(0.15))
    return { line: where.aircraft(), other: cell, beside: null }
  if (mobile) {
    const onCell = rng.chance(rates.phoneOnCell)
    const under = onCell ? cell() : fixed()
    if (person.relay) return { line: where.relay(), other: where.relay, beside: null }
    return { line: under, other: onCell ? fixed : cell, beside: null }
  }
  if (person.vpn.length > 0 && rng.chance(rates.vpnOn))
    return { line: where.vpn(), other: fixed, beside: null }
  const line = fixed()
  const split = line.kind === 'office' && person.office?.splitTunnel === true
  if (person.relay && person.devices[device]?.family === 'safari')
    return { line: where.relay(), other: where.relay, beside: null }
  return { line, other: cell, beside: split ? where.beside() : null }
}

function surroundings(
  person: Person,
  at: number,
  {
    trip,
    rates,
    rng,
    randomAgent,
  }: {
    readonly trip: Trip | undefined
    readonly rates: Rates
    readonly rng: Random
    readonly randomAgent: boolean
  },
): Surroundings {
  return {
    at,
    timezone: trip?.zoneFollows === true ? trip.timezone : person.timezone,
    languages: person.languages,
    onMonitor: rng.chance(rates.monitorVisits),
    desktopSite: rng.chance(rates.desktopSite),
    madeUp: randomAgent ? rng.below(50) : null,
  }
}

function sameFacts(a: Facts, b: Facts): boolean {
  return (
    a.client?.screen === b.client?.screen &&
    a.client?.timezone === b.client?.timezone &&
    a.headers['user-agent'] === b.headers['user-agent'] &&
    a.headers['accept-language'] === b.headers['accept-language']
  )
}
