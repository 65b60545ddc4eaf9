import type { Network } from '../core/request.ts'
import { closestOf, type Known } from './known.ts'

/**
 * What the device's clock says about a change of place. `kept`: the zone is one that is known.
 * `moved`: the zone is new and fits the place. `misfit`: it is new and does not fit. `unknown`: the
 * zone before or after is not known.
 */
export type Clock = 'kept' | 'moved' | 'misfit' | 'unknown'

/**
 * Compares the zone with those of the session and with the place of the network. Where the session
 * knows no zone, the history's zones count.
 */
export function clockOf(timezone: string | null, here: Network, known: readonly Known[]): Clock {
  const before = closestOf(known).flatMap(({ device }) => device.timezone ?? [])
  if (timezone === null || before.length === 0) return 'unknown'
  if (before.includes(timezone)) return 'kept'
  return fits(timezone, here) ? 'moved' : 'misfit'
}

/**
 * South, north, west and east in degrees. West above east crosses the date line. The boxes are
 * generous: zones have no clean edges.
 */
type Box = readonly [number, number, number, number]

const AREAS: ReadonlyMap<string, Box> = new Map<string, Box>([
  ['Africa', [-38, 40, -28, 62]],
  ['America', [-60, 84, 165, -10]],
  ['Antarctica', [-90, -55, -180, 180]],
  ['Arctic', [65, 90, -30, 60]],
  ['Asia', [-15, 82, 24, -165]],
  ['Atlantic', [-65, 70, -90, 15]],
  ['Australia', [-56, -8, 95, 165]],
  ['Europe', [27, 82, -35, 70]],
  ['Indian', [-60, 25, 35, 115]],
  ['Pacific', [-60, 35, 125, -65]],
])

/**
 * Whether a zone of this area can be the local time of the place. Pure code has no zone data, so
 * only the first part of the name is compared. A place that is not known contradicts no zone.
 */
function fits(timezone: string, { latitude, longitude }: Network): boolean {
  if (latitude === null || longitude === null) return true
  const box = AREAS.get(timezone.split('/', 1)[0] ?? '')
  // UTC, Etc/GMT+5 and the like are nobody's local time.
  if (box === undefined) return false
  const [south, north, west, east] = box
  if (latitude < south || latitude > north) return false
  return west <= east
    ? longitude >= west && longitude <= east
    : longitude >= west || longitude <= east
}
