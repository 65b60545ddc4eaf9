import type { Network, NetworkKind } from '../core/request.ts'

const EARTH_KM = 6371.0088
const RADIUS_KM: Partial<Record<NetworkKind, number>> = { fixed: 25, mobile: 200 }
const RADIUS_UNKNOWN_KM = 500

/** Uncertainty of the radii themselves, km. */
const FLOOR_KM = 25
const HOUR_MS = 3_600_000

/** The place of such a network is not the user's place. */
export const ELSEWHERE: ReadonlySet<NetworkKind> = new Set([
  'relay',
  'hosting',
  'vpn',
  'tor',
  'satellite',
  'corporate',
  'private',
])

/** One end of a journey. */
export interface Location {
  readonly latitude: number
  readonly longitude: number
  /** 67 % radius, km. */
  readonly radiusKm: number
}

export interface Journey {
  /** Between the centres, which are guesses: not to be shown to people. */
  readonly distanceKm: number
  /** How far car, train or aircraft get in the time, generously. */
  readonly reachKm: number
  /** Combined deviation per axis. */
  readonly sigmaKm: number
  /** 95 % lower bound of the distance: this may be shown. */
  readonly atLeastKm: number
  /** Probability that nobody made this journey. */
  readonly infeasible: number
}

/**
 * Judges a journey between two uncertain places. Clock skew may make `hours` negative: that is no
 * time at all.
 */
export function judgeJourney(from: Location, to: Location, hours: number): Journey {
  const h = Math.max(0, hours)
  const distanceKm = greatCircleKm(from, to)
  const sigmaKm = Math.hypot(sigmaOf(from), sigmaOf(to), FLOOR_KM)
  // 45 minutes on the ground between the last request before and the first one after a flight.
  const reachKm = 50 + Math.max(130 * h, h > 0.75 ? 900 * (h - 0.75) : 0)
  return {
    distanceKm,
    reachKm,
    sigmaKm,
    // 95 % of a two-dimensional Gaussian lie within 2.448 deviations.
    atLeastKm: Math.max(0, distanceKm - 2.448 * sigmaKm),
    infeasible: distanceKm < 50 ? 0 : normal((distanceKm - reachKm) / sigmaKm),
  }
}

/**
 * The journey between two networks. Undefined unless both have coordinates and different providers,
 * and both are where their user is. A mobile end counts only where the data has a radius for both.
 */
export function journeyBetween(
  old: { readonly network: Network; readonly at: number },
  now: { readonly network: Network; readonly at: number },
): Journey | undefined {
  const [a, b] = [old.network, now.network]
  if (a.asn === null || b.asn === null || a.asn === b.asn) return undefined
  if (ELSEWHERE.has(a.kind) || ELSEWHERE.has(b.kind)) return undefined
  const mobile = a.kind === 'mobile' || b.kind === 'mobile'
  if (mobile && (a.radiusKm === null || b.radiusKm === null)) return undefined
  const from = locationOf(a)
  const to = locationOf(b)
  if (from === undefined || to === undefined) return undefined
  return judgeJourney(from, to, (now.at - old.at) / HOUR_MS)
}

/** Distance left after both radii, km. Undefined where a place is not known. */
export function gapKm(a: Network, b: Network): number | undefined {
  const from = locationOf(a)
  const to = locationOf(b)
  if (from === undefined || to === undefined) return undefined
  return Math.max(0, greatCircleKm(from, to) - from.radiusKm - to.radiusKm)
}

function locationOf({ latitude, longitude, radiusKm, kind }: Network): Location | undefined {
  if (latitude === null || longitude === null) return undefined
  const typical = RADIUS_KM[kind] ?? RADIUS_UNKNOWN_KM
  return { latitude, longitude, radiusKm: Math.max(radiusKm ?? 0, typical) }
}

/** P(R < r) = 0.67 = 1 - exp(-r^2 / 2 sigma^2), solved for sigma. */
function sigmaOf({ radiusKm }: Location): number {
  return radiusKm / Math.sqrt(-2 * Math.log(1 - 0.67))
}

/** Haversine; the argument is clamped because rounding may leave [0, 1] at the antipodes. */
function greatCircleKm(a: Location, b: Location): number {
  const rad = Math.PI / 180
  const lat = Math.sin(((b.latitude - a.latitude) * rad) / 2)
  const lon = Math.sin(((b.longitude - a.longitude) * rad) / 2)
  const h = lat * lat + Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * lon * lon
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(1, Math.max(0, h))))
}

/** Standard normal distribution function, by Abramowitz and Stegun 7.1.26: error below 1.5e-7. */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const tail = (series * Math.exp(-x * x)) / 2
  return z < 0 ? tail : 1 - tail
}
