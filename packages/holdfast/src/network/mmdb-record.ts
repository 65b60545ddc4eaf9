import type { LookupResult } from '../core/lookup.ts'

const MAX_NAME = 128
const MAX_ASN = 0xffff_ffff

/**
 * The facts of one record in either layout: nested as MaxMind and DB-IP do (`country.iso_code`,
 * `location.latitude`), or flat (`country_code`, `latitude`, as text or as a number). What is
 * missing, empty or impossible is left out. Undefined when nothing is left.
 */
export function lookupResultOf(record: unknown): LookupResult | undefined {
  if (!isObject(record)) return undefined
  const location = isObject(record.location) ? record.location : record
  const country = isObject(record.country) ? record.country.iso_code : record.country_code
  const city = isObject(record.city) ? nameOf(record.city) : record.city
  const place = {
    ...present('asn', numberOf(record.autonomous_system_number, 1, MAX_ASN)),
    ...present('organisation', textOf(record.autonomous_system_organization)),
    ...present('country', countryOf(country)),
    ...present('city', cityOf(city)),
    ...coordinatesOf(location),
  }
  return Object.keys(place).length === 0 ? undefined : place
}

function coordinatesOf(
  location: Readonly<Record<string, unknown>>,
): Pick<LookupResult, 'latitude' | 'longitude' | 'radiusKm'> {
  const latitude = numberOf(location.latitude, -90, 90)
  const longitude = numberOf(location.longitude, -180, 180)
  if (latitude === undefined || longitude === undefined) return {}
  if (latitude === 0 && longitude === 0) return {} // how some data says "nowhere"; it is open sea
  return {
    latitude,
    longitude,
    ...present('radiusKm', numberOf(location.accuracy_radius, 1, 20_000)),
  }
}

function countryOf(value: unknown): string | undefined {
  const code = textOf(value)?.toUpperCase()
  return code !== undefined && /^[A-Z]{2}$/.test(code) && code !== 'ZZ' ? code : undefined
}

/**
 * Without the quarter that some data adds (`Berlin (Reinickendorf)`): a move within a city does not
 * count.
 */
function cityOf(value: unknown): string | undefined {
  const text = textOf(value)
  const bracket = text?.indexOf(' (') ?? -1
  return bracket > 0 && text?.endsWith(')') ? text.slice(0, bracket) : text
}

function nameOf(city: Readonly<Record<string, unknown>>): unknown {
  const names = isObject(city.names) ? city.names : {}
  return names.en ?? Object.values(names)[0]
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== ''
    ? value.trim().slice(0, MAX_NAME)
    : undefined
}

function numberOf(value: unknown, least: number, most: number): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && number >= least && number <= most ? number : undefined
}

function present<K extends string, V>(key: K, value: V | undefined): { readonly [k in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [k in K]: V })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
