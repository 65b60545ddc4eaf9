import { type Context, contextKey, decayed, findContext } from '../core/context.ts'
import { type Evidence, totalOf } from '../core/evidence.ts'
import { hourOf, type SubjectHistory } from '../core/history.ts'
import type { Network, NetworkKind, Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'
import type { Signal } from '../core/signal.ts'
import { networkConfirmed } from './network-confirmed.ts'
import { evidenceOf } from './reasons.ts'
import { MOST_BEHAVIOUR, WEIGHTS } from './weights.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Residential proxies change their exit within about a quarter of an hour. */
const HOPS_MS = 30 * MINUTE_MS
const HOPS = 3

const SOME_FAILURES = 3
const MANY_FAILURES = 10

/**
 * Fewer visits than this say nothing about somebody's hours. An hour that has, with its neighbours,
 * less than this share of the visits is unusual.
 */
const LEARNT_VISITS = 30
const HARDLY_EVER = 0.01

/** The place of such a network is not the place of its user. */
const PLACELESS: ReadonlySet<NetworkKind> = new Set(['relay', 'private'])
const ROAMED: ReadonlySet<NetworkKind> = new Set(['mobile', 'satellite'])

/**
 * Group B: what the holder does in a place that nobody has confirmed. One context is charged with
 * {@link MOST_BEHAVIOUR} dB at most. Failed step-ups count apart. What is new about a place counts
 * once.
 */
export function behaviour(): Signal {
  return (session, presentation, history) => {
    const key = contextKey(presentation.network, presentation.device)
    const context = findContext(session.contexts, key)
    if (context?.state === 'confirmed' || confirmedBefore(history, key)) return []
    const settled = context?.state === 'provisional' ? context : undefined
    const found = [
      ...(settled === undefined ? novelties(session, presentation, history) : []),
      ...sensitiveActions(session, presentation, history),
    ]
    return bounded(found, MOST_BEHAVIOUR - onAccount(settled, presentation.at))
  }
}

type Item = readonly [
  reason: 'logins_failed' | 'network_hopping' | 'hour_unusual' | 'sensitive_unconfirmed',
  weight: number,
  detail: Evidence['detail'],
]

function novelties(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
): readonly Item[] {
  const { at } = presentation
  const items: Item[] = []
  const networks = hops(session, presentation, history)
  if (networks >= HOPS) items.push(['network_hopping', WEIGHTS.network_hopping, { networks }])
  const failures = history.failedLogins.filter((failed) => Math.abs(at - failed) < HOUR_MS).length
  if (failures >= SOME_FAILURES) {
    const weight = WEIGHTS.logins_failed * (failures >= MANY_FAILURES ? 2 : 1)
    items.push(['logins_failed', weight, { failures }])
  }
  const hour = hourOf(at)
  if (isUnusual(history.hours, hour)) items.push(['hour_unusual', WEIGHTS.hour_unusual, { hour }])
  return items
}

/**
 * A sensitive route asks for no step-up over a confirmed network. A context there that is not
 * confirmed is still evidence.
 */
function sensitiveActions(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
): readonly Item[] {
  if (presentation.sensitivity !== 'sensitive') return []
  const known = presentation.network.asn !== null
  return known && networkConfirmed(session, presentation, history)
    ? [['sensitive_unconfirmed', WEIGHTS.sensitive_unconfirmed, {}]]
    : []
}

/**
 * Unrelated networks that this browser and system came from lately for the first time. People cross
 * a country with a telephone and one fixed line after another. The larger number counts: that of
 * the country's mobile networks, or that of its fixed ones.
 */
function hops(
  { contexts }: SessionState,
  { at, network, device }: Presentation,
  history: SubjectHistory,
): number {
  const past = new Set(
    history.contexts.flatMap(({ key, firstSeen }) => (at - firstSeen > HOPS_MS ? [key] : [])),
  )
  const lately = contexts.filter(
    (context) =>
      context.state === 'provisional' &&
      !past.has(context.key) &&
      Math.abs(at - context.firstSeen) <= HOPS_MS &&
      context.device.family === device.family &&
      context.device.os === device.os,
  )
  if (lately.length + 1 < HOPS) return 0
  const trusted = new Set(
    [...contexts, ...history.contexts].flatMap(({ state, network }) =>
      state === 'confirmed' && network.asn !== null ? [network.asn] : [],
    ),
  )
  const counts = (one: Network): boolean =>
    one.asn !== null && one.country !== null && !PLACELESS.has(one.kind) && !trusted.has(one.asn)
  if (!counts(network)) return 0
  const seen = lately.filter((context) => counts(context.network))
  const networks = [network, ...seen.map((context) => context.network)]
  const countries = new Set(networks.map(({ country }) => country))
  return [...countries].reduce((sum, country) => {
    const of = (roamed: boolean): number =>
      new Set(
        networks.flatMap((one) =>
          one.country === country && ROAMED.has(one.kind) === roamed ? [one.asn] : [],
        ),
      ).size
    return sum + Math.max(of(true), of(false))
  }, 0)
}

/**
 * An hour counts together with its neighbours: habits have no clean edges, and summer time moves
 * them.
 */
function isUnusual(hours: readonly number[], hour: number): boolean {
  const visits = hours.reduce((sum, count) => sum + count, 0)
  if (visits < LEARNT_VISITS) return false
  const around = [23, 0, 1].reduce((sum, step) => sum + (hours[(hour + step) % 24] ?? 0), 0)
  return around < visits * HARDLY_EVER
}

function confirmedBefore({ contexts }: SubjectHistory, key: string): boolean {
  return contexts.some((known) => known.key === key && known.state === 'confirmed')
}

/** How much of a context's remaining evidence comes from behaviour. */
function onAccount(context: Context | undefined, at: number): number {
  if (context === undefined) return 0
  const accusing = context.because.filter(({ weight }) => weight > 0)
  const share = totalOf(accusing.filter(({ group }) => group === 'B')) / totalOf(accusing)
  return accusing.length === 0 ? 0 : Math.round(decayed(context, at) * share)
}

function bounded(items: readonly Item[], room: number): readonly Evidence[] {
  let left = Math.max(0, room)
  return items.flatMap(([reason, most, detail]) => {
    const weight = Math.min(most, left)
    left -= weight
    return weight === 0 ? [] : [evidenceOf(reason, weight, detail)]
  })
}
