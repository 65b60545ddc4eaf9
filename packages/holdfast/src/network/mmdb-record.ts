import type { LookupResult } from '../core/lookup.ts'

const MAX_NAME = 128
const MAX_ASN = 0xffff_ffff

/** The fields by which a record tells a place, or an autonomous system, as messages name them. */
export const FIELDS = {
  city: 'country.iso_code, country_code, country, location.latitude, latitude or lat',
  asn: 'autonomous_system_number, traits.autonomous_system_number or asn',
} as const

/**
 * The facts of one record in any of these layouts: nested as MaxMind, DB-IP and IP2Location do
 * (`country.iso_code`, `location.latitude`, in Enterprise files `traits` with the autonomous
 * system), or flat as IPinfo does (`country_code`, `latitude`, `asn`, as text or as a number). What
 * is missing, empty or impossible is left out. Undefined when nothing is left.
 */
export function lookupResultOf(record: unknown): LookupResult | undefined {
  if (!isObject(record)) return undefined
  const location = isObject(record.location) ? record.location : record
  const city = isObject(record.city) ? nameOf(record.city) : (record.city ?? record.city_name)
  const place = {
    ...systemOf(record),
    ...present('country', countryIn(record)),
    ...present('city', cityOf(city)),
    ...coordinatesOf(location),
  }
  return Object.keys(place).length === 0 ? undefined : place
}

type Fields = Readonly<Record<string, unknown>>

function systemOf(record: Fields): Pick<LookupResult, 'asn' | 'organisation'> {
  const traits = isObject(record.traits) ? record.traits : {}
  const number = record.autonomous_system_number ?? traits.autonomous_system_number
  const named = record.autonomous_system_organization ?? traits.autonomous_system_organization
  const asn = numberOf(number ?? digitsOf(record.asn), 1, MAX_ASN)
  // In a file without `asn`, `name` may be anything.
  const organisation = named ?? record.as_name ?? (asn === undefined ? undefined : record.name)
  return { ...present('asn', asn), ...present('organisation', textOf(organisation)) }
}

/** `AS174`. */
function digitsOf(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^\s*AS(?=\d)/i, '') : value
}

/** `country` alone may be a code, or beside a code a name. */
function countryIn({ country, country_code }: Fields): string | undefined {
  if (isObject(country)) return countryOf(country.iso_code)
  return countryOf(country_code) ?? countryOf(country)
}

function coordinatesOf(
  location: Fields,
): Pick<LookupResult, 'latitude' | 'longitude' | 'radiusKm'> {
  const latitude = numberOf(location.latitude ?? location.lat, -90, 90)
  const longitude = numberOf(location.longitude ?? location.lng, -180, 180)
  if (latitude === undefined || longitude === undefined) return {}
  if (latitude === 0 && longitude === 0) return {} // how some data says "nowhere"; it is open sea
  return {
    latitude,
    longitude,
    ...present('radiusKm', numberOf(location.accuracy_radius ?? location.radius, 1, 20_000)),
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

function nameOf(city: Fields): unknown {
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
