import type { Network } from '../core/request.ts'
import { isLocalTime, isZoneOf, sameZone } from '../core/time-zones.ts'
import { closestOf, type Known } from './known.ts'

/**
 * What the device's clock says about a network in a new country.
 *
 * - `local`: it keeps the time of that country, and not the time of home.
 * - `home`: it keeps the time of home, as it does behind a tunnel or a relay.
 * - `elsewhere`: it keeps the time of neither, as that of a traveller whose traffic leaves in a
 *   third country.
 * - `unknown`: its zone belongs to no country, or to both, or the one at home is not known.
 */
export type Clock = 'local' | 'home' | 'elsewhere' | 'unknown'

/** Asks whether the zone belongs to the country of the network, and whether it is that of home. */
export function clockOf(
  timezone: string | null,
  { country }: Network,
  known: readonly Known[],
): Clock {
  const local = isZoneOf(timezone, country)
  if (local === undefined || known.every(({ device }) => device.timezone === null)) return 'unknown'
  const home = isOfHome(timezone, known)
  if (local) return home ? 'unknown' : 'local'
  return home ? 'home' : 'elsewhere'
}

/**
 * Whether the clock keeps another zone than any that the session has seen; where it has seen none,
 * those of the subject's past count. A zone of no country says nothing.
 */
export function clockChanged(timezone: string | null, known: readonly Known[]): boolean {
  const before = closestOf(known).filter(({ device }) => isLocalTime(device.timezone))
  if (!isLocalTime(timezone) || before.length === 0) return false
  return before.every(({ device }) => !sameZone(device.timezone, timezone))
}

/** Whether the clock keeps the time of neither home nor, as far as that is known, the network. */
export function isThirdZone(
  timezone: string | null,
  { country }: Network,
  known: readonly Known[],
): boolean {
  if (!isLocalTime(timezone) || isZoneOf(timezone, country) === true) return false
  return homesOf(known).length > 0 && !isOfHome(timezone, known)
}

function isOfHome(timezone: string | null, known: readonly Known[]): boolean {
  return homesOf(known).some(({ device }) => sameZone(device.timezone, timezone))
}

/**
 * Where the owner is at home: in the confirmed places, else in all that are known. Where the clock
 * is not local, the network is only the end of a tunnel.
 */
function homesOf(known: readonly Known[]): readonly Known[] {
  const told = known.filter(
    ({ network, device }) =>
      device.timezone !== null && isZoneOf(device.timezone, network.country) !== false,
  )
  const confirmed = told.filter((each) => each.confirmed)
  return confirmed.length > 0 ? confirmed : told
}
