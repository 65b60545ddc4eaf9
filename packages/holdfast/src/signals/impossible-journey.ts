import { type Context, contextKey, findContext } from '../core/context.ts'
import type { KnownContext, SubjectHistory } from '../core/history.ts'
import type { Device, Network, NetworkKind, Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'
import { isZoneOf, sameZone } from '../core/time-zones.ts'
import { providerUnknown } from './network-class.ts'
import { networkConfirmed } from './network-confirmed.ts'
import { ELSEWHERE, type Journey, judgeJourney, type Location } from './travel.ts'

/** A journey is impossible where somebody makes it with less than this probability. */
const POSSIBLE = 0.001

/**
 * How far off a place may be, km, whatever the data says. No policy can weigh this rule, so the
 * ends get ten times the usual radius, a whole country for a mobile network.
 */
const RADIUS_KM: Partial<Record<NetworkKind, number>> = { fixed: 250, mobile: 1_000 }
const RADIUS_UNKNOWN_KM = 500

const HOUR_MS = 3_600_000

/** A use of the session from which a journey may have begun. */
interface Start {
  readonly network: Network
  readonly device: Device
  readonly at: number
  readonly confirmed: boolean
}

/** A journey that nobody makes, and since when it would have been under way. */
export interface ImpossibleJourney {
  readonly journey: Journey
  readonly from: number
}

/**
 * Whether the session was used so far away so shortly before that nobody can have travelled, both
 * ends being known well enough. Then two people use it, wherever the clock says that it is. The
 * least possible of the journeys from the session's other places counts. A network that the subject
 * has confirmed excuses: data may have it in the wrong place.
 *
 * - The place of a relay, a data centre, a satellite and the like is not its user's, nor is that of
 *   a network at whose end the clock keeps the time of another country: roaming telephones and
 *   tunnels. Where the data does not tell what a network is, that takes a provider that the session
 *   or the subject's past knows.
 * - A journey begins in a confirmed place. With the local clock it also begins at a fixed line that
 *   nobody has confirmed: then no tunnel explains the change.
 * - Within one provider nobody travels. One that the data does not name may be a known one; where
 *   the data has no providers at all, none is missing.
 * - Within a country the data errs too often. There both ends must be fixed lines of known
 *   providers, and the clock must have changed.
 */
export function impossibleJourney(
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
): ImpossibleJourney | undefined {
  if (!standsWhereItsUserIs(presentation.network)) return undefined
  const starts = startsOf(session, presentation)
  if (starts.length === 0) return undefined
  const known = [...session.contexts, ...history.contexts]
  if (providerUnknown(presentation.network, known)) return undefined
  const local = isZoneOf(presentation.device.timezone, presentation.network.country)
  if (local === false && isFamiliarTunnel(presentation.network, known)) return undefined
  if (presentation.network.kind === 'mobile' && local !== true) return undefined
  let least: ImpossibleJourney | undefined
  for (const start of starts) {
    if (!begins(start, presentation, local)) continue
    const hours = (presentation.at - start.at) / HOUR_MS
    const [from, to] = [locationOf(start.network), locationOf(presentation.network)]
    if (from === undefined || to === undefined) continue
    const journey = judgeJourney(from, to, hours)
    if (1 - journey.infeasible >= POSSIBLE) continue
    if (least === undefined || kmAfter(journey) > kmAfter(least.journey))
      least = { journey, from: start.at }
  }
  if (least === undefined || networkConfirmed(session, presentation, history)) return undefined
  return least
}

/**
 * The session's places at other providers that are not under challenge, each when it was last used.
 */
function startsOf(
  { contexts, last }: SessionState,
  { network, device }: Presentation,
): readonly Start[] {
  const here = contextKey(network, device)
  const lastUsed = findContext(contexts, last.context)
  const others = contexts.filter(
    ({ key, state, network: { asn } }) =>
      key !== here && state !== 'challenged' && (asn === null || asn !== network.asn),
  )
  return others.map((context) => {
    const confirmed = context.state === 'confirmed'
    if (context === lastUsed) return { ...last, confirmed }
    return { network: context.network, device: context.device, at: context.lastSeen, confirmed }
  })
}

function begins(
  start: Start,
  { network, device }: Presentation,
  local: boolean | undefined,
): boolean {
  const [a, b] = [start.network, network]
  if (!standsWhereItsUserIs(a) || a.country === null || b.country === null) return false
  const wasLocal = isZoneOf(start.device.timezone, a.country)
  // The clock tells a roaming telephone from one at home; a fixed line needs no witness.
  if (wasLocal === false || (wasLocal === undefined && a.kind !== 'fixed')) return false
  if (a.country !== b.country) return start.confirmed || (a.kind === 'fixed' && local === true)
  const fixed = a.kind === 'fixed' && b.kind === 'fixed' && a.asn !== null
  const moved = wasLocal === true && local === true
  return fixed && moved && !sameZone(start.device.timezone, device.timezone)
}

function isFamiliarTunnel(
  { kind, asn }: Network,
  known: readonly (Context | KnownContext)[],
): boolean {
  if (kind !== 'unknown' || asn === null) return false
  return known.some(({ state, network }) => state !== 'challenged' && network.asn === asn)
}

function standsWhereItsUserIs({ kind }: Network): boolean {
  return !ELSEWHERE.has(kind)
}

function locationOf({ latitude, longitude, radiusKm, kind }: Network): Location | undefined {
  if (latitude === null || longitude === null) return undefined
  const least = RADIUS_KM[kind] ?? RADIUS_UNKNOWN_KM
  return { latitude, longitude, radiusKm: Math.max(radiusKm ?? 0, least) }
}

function kmAfter({ distanceKm, reachKm }: Journey): number {
  return distanceKm - reachKm
}
