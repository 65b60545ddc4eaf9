import type { Evidence } from '../core/evidence.ts'
import type { SubjectHistory } from '../core/history.ts'
import type { Network, Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'
import type { Signal } from '../core/signal.ts'
import { isZoneOf } from '../core/time-zones.ts'
import { type Clock, clockChanged, clockOf, isThirdZone } from './clock.ts'
import { habitual } from './habit.ts'
import { impossibleJourney } from './impossible-journey.ts'
import { type Known, knownOf, settledContext } from './known.ts'
import { type Classified, classifyNetwork, isForeign, type NetworkClass } from './network-class.ts'
import { evidenceOf, type Reason } from './reasons.ts'
import { type Journey, journeyBetween } from './travel.ts'
import { EXPLAINED, MOST, WEIGHTS } from './weights.ts'

/** A journey is infeasible where nobody makes it with more than this probability. */
const INFEASIBLE = 0.99

const SHOWN_NETWORKS = 3

/**
 * Group N: network, place and clock as one joint observation, at most {@link MOST} dB in all. Only
 * what is confirmed exonerates. A context whose novelty was counted before is not counted again.
 * What somebody has done before weighs less ({@link habitual}).
 */
export function network(): Signal {
  return (session, presentation, history) => {
    const known = knownOf(session, history)
    const impossible = impossibleJourney(session, presentation, history)
    const journey = impossible && described(impossible.journey, presentation.at - impossible.from)
    const settled = settledContext(session, presentation)
    if (settled !== undefined) {
      const { network, device, state, lastSeen } = settled
      const confirmed = state === 'confirmed'
      const itself: Known = { network, device, confirmed, lastSeen, from: 'session' }
      const found = { class: classifyNetwork(presentation.network, [itself]), journey }
      return joint(presentation, { known, history }, found)
    }
    return joint(
      presentation,
      { known, history },
      {
        class: classifyNetwork(presentation.network, known),
        journey: infeasibleJourney(session, presentation, known) ?? journey,
      },
    )
  }
}

type Item = readonly [reason: Reason & keyof typeof WEIGHTS, detail: Evidence['detail']]

function joint(
  { at, network: here, device: { timezone } }: Presentation,
  { known, history }: { readonly known: readonly Known[]; readonly history: SubjectHistory },
  found: { readonly class: Classified | undefined; readonly journey?: Item | undefined },
): readonly Evidence[] {
  if (here.kind === 'private') return []
  const usual = usualNetworks(known)
  const clock = clockOf(timezone, here, known)
  const place = { here: nameOf(here), usual, asn: here.asn, kind: here.kind, country: here.country }

  const reason = found.class && reasonOf(found.class, clock)
  const items: Item[] = reason === undefined ? [] : [[reason, { ...place, timezone }]]
  if (clockChanged(timezone, known) && isHome(here, known, found.class?.class)) {
    items.push(['timezone_changed', { timezone, usual: usualZones(known) }])
  }
  if (found.journey !== undefined) items.push(found.journey)
  return clipped(items, (reason) => {
    const explained =
      (reason === 'travel_infeasible' && isForeign(here, known) !== true) ||
      (reason === 'timezone_changed' &&
        (isElsewhere(here) || wentWith(timezone, here, found.class)))
    return explained ? { weight: EXPLAINED[reason] } : habitual(reason, history, at)
  })
}

/** The cell of the joint table. Undefined where it weighs nothing. */
function reasonOf({ class: name, confirmed }: Classified, clock: Clock): Item[0] | undefined {
  if (name === 'network_same_asn') return undefined
  const reason = name === 'country_new' ? NEW_COUNTRY[clock] : name
  return WEIGHTS[reason] < 0 && !confirmed ? undefined : reason
}

const NEW_COUNTRY = {
  home: 'country_new_clock_unmoved',
  elsewhere: 'country_new_clock_elsewhere',
  local: 'country_new_clock_moved',
  unknown: 'country_new_clock_unknown',
} as const satisfies Record<Clock, Reason>

/**
 * Only a fixed line stands where its user is. Telephones leave through their carrier at home, and
 * travellers through VPNs.
 */
function isElsewhere({ kind }: Network): boolean {
  return kind !== 'fixed'
}

/**
 * Whether the clock moved together with the network. It did not where the network is known to be
 * near. Far away in the same country the new zone may be the local one.
 */
function wentWith(timezone: string | null, here: Network, found?: Classified): boolean {
  const { asn, latitude, country } = here
  const near = asn !== null && latitude !== null && found !== undefined && !FAR.has(found.class)
  return !near && isZoneOf(timezone, country) !== false
}

const FAR: ReadonlySet<NetworkClass> = new Set(['network_new_far', 'network_same_asn_far'])

const SAME_LINE: ReadonlySet<NetworkClass | undefined> = new Set([
  'network_same_address',
  'network_same_prefix',
])

/** The network is known not to have left the usual countries. */
function isHome(here: Network, known: readonly Known[], name: NetworkClass | undefined): boolean {
  return SAME_LINE.has(name) || isForeign(here, known) === false
}

/**
 * Going back and forth is no journey: one to a known provider does not count. Nor does one from or
 * to a network at whose end the clock is neither local nor that of home: its place is not that of
 * its user.
 */
function infeasibleJourney(
  { last }: SessionState,
  presentation: Presentation,
  known: readonly Known[],
): Item | undefined {
  const { network: here, device } = presentation
  const { asn } = here
  if (known.length === 0 || known.some(({ network }) => network.asn === asn)) return undefined
  if (isZoneOf(last.device.timezone, last.network.country) === false) return undefined
  if (isThirdZone(device.timezone, here, known)) return undefined
  const journey = journeyBetween(last, presentation)
  if (journey === undefined || journey.infeasible <= INFEASIBLE) return undefined
  return described(journey, presentation.at - last.at)
}

function described(journey: Journey, ms: number): Item {
  const minutes = Math.max(0, ms / 60_000)
  const atLeastKm = Math.floor(journey.atLeastKm)
  // The least speed: the shortest way in the longest time that it can have been.
  const atLeastKmh = Math.floor((60 * atLeastKm) / Math.max(1, Math.ceil(minutes)))
  return ['travel_infeasible', { atLeastKm, minutes: Math.round(minutes), atLeastKmh }]
}

function clipped(
  items: readonly Item[],
  weigh: (reason: Item[0]) => ReturnType<typeof habitual>,
): readonly Evidence[] {
  let total = 0
  return items.map(([reason, detail]) => {
    const { weight: own, ...habit } = weigh(reason)
    const weight = Math.min(own, MOST - total)
    total += weight
    return evidenceOf(reason, weight, { ...detail, ...habit })
  })
}

function usualNetworks(known: readonly Known[]): string {
  const names = new Set<string>()
  for (const { network } of known) {
    names.add(nameOf(network))
    if (names.size === SHOWN_NETWORKS) break
  }
  return [...names].join('; ') || 'unknown'
}

function usualZones(known: readonly Known[]): string {
  const zones = new Set(known.flatMap(({ device }) => device.timezone ?? []))
  return [...zones].slice(0, SHOWN_NETWORKS).join(', ')
}

/**
 * Names a network for people: provider, kind where it says something, and country. Never an address
 * or a prefix.
 */
function nameOf({ asn, kind, country }: Network): string {
  const provider = asn === null ? 'unknown provider' : `AS${asn}`
  const named = kind === 'unknown' || kind === 'fixed' ? provider : `${provider} (${kind})`
  return country === null ? named : `${named}, ${country}`
}
