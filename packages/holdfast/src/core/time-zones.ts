import { TIME_ZONE_TABLE } from './time-zone-table.ts'

interface TimeZone {
  readonly name: string
  readonly countries: ReadonlySet<string>
}

const ZONES: ReadonlyMap<string, TimeZone> = zonesByName(TIME_ZONE_TABLE)
const COUNTRIES = new Set([...ZONES.values()].flatMap(({ countries }) => [...countries]))

/**
 * The current name of a zone: `Asia/Calcutta` is `Asia/Kolkata`, `US/Eastern` is
 * `America/New_York`. A name that the tz data does not have stays as it is.
 */
export function currentZoneName(zone: string): string {
  return ZONES.get(zone)?.name ?? zone
}

/** Whether two names are of one zone. Two that are not known are not. */
export function sameZone(a: string | null, b: string | null): boolean {
  return a === b || (a !== null && b !== null && currentZoneName(a) === currentZoneName(b))
}

/** Whether a zone is the local time of some country. */
export function isLocalTime(zone: string | null): boolean {
  return zone !== null && (ZONES.get(zone)?.countries.size ?? 0) > 0
}

/**
 * Whether the clocks of a country keep a zone. Undefined where that cannot be told: a zone or a
 * country that the tz data does not have, or a zone of no country (`UTC`, `Etc/GMT+5`).
 */
export function isZoneOf(zone: string | null, country: string | null): boolean | undefined {
  const countries = zone === null ? undefined : ZONES.get(zone)?.countries
  if (countries === undefined || countries.size === 0) return undefined
  return country !== null && COUNTRIES.has(country) ? countries.has(country) : undefined
}

function zonesByName(table: string): ReadonlyMap<string, TimeZone> {
  const zones = new Map<string, TimeZone>()
  for (const entry of table.trim().slice(1).split(/\s:/)) {
    const [codes = '', name = '', ...others] = entry.split(/\s+/)
    const zone = { name, countries: new Set(codes === '' ? [] : codes.split(',')) }
    for (const each of [name, ...others]) zones.set(each, zone)
  }
  return zones
}
