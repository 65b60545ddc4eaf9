import { sql } from 'kysely'
import type { SqlValue } from '../database.ts'
import { changedBy, insert, rowsOf, type Work } from './work.ts'

/** A network and device, as the tables have it: what is not known is empty, or -1. */
export interface Place {
  readonly address: string
  readonly address_key: string
  readonly prefix: string
  readonly asn: number
  readonly kind: string
  readonly country: string
  readonly city: string
  readonly browser: string
  readonly os: string
}

/** An order of an administrator, for example, comes from no place. */
export function isKnown(place: Place): boolean {
  return Object.values(place).some((value) => value !== '' && value !== -1)
}

/** Somebody was seen at a place. */
export interface Sighting {
  readonly subject: string
  /** Of the session; -1 where there is none. */
  readonly line: number
  readonly place: Place
  readonly at: number
  readonly last_at: number
  readonly events: number
}

/** What makes a place another one. */
const UNIQUE = [
  ...['subject', 'line', 'address_key', 'asn', 'kind', 'country', 'city', 'browser', 'os'],
]

const ADD = {
  table: 'places',
  columns: [...UNIQUE, 'address', 'prefix', 'at', 'last_at', 'events'],
  conflict: `(${UNIQUE.join(', ')}) DO UPDATE SET
    at = CASE WHEN excluded.at < places.at THEN excluded.at ELSE places.at END,
    last_at = CASE
      WHEN excluded.last_at > places.last_at THEN excluded.last_at ELSE places.last_at END,
    events = places.events + excluded.events`,
}

/** Sightings, those of one place together. */
export interface Sightings {
  add(sighting: Sighting): void
  /** Adds all to what is known of their places, and begins anew. */
  write(): Work<void>
}

export function sightings(): Sightings {
  const places = new Map<string, Sighting>()
  return {
    add(sighting) {
      const key = JSON.stringify(uniqueOf(sighting))
      const had = places.get(key)
      places.set(
        key,
        had === undefined
          ? sighting
          : {
              ...had,
              at: Math.min(had.at, sighting.at),
              last_at: Math.max(had.last_at, sighting.last_at),
              events: had.events + sighting.events,
            },
      )
    },
    *write() {
      yield* insert({ ...ADD, rows: [...places.values()].map(valuesOf) })
      places.clear()
    },
  }
}

function uniqueOf({ subject, line, place }: Sighting): readonly SqlValue[] {
  const { address_key, asn, kind, country, city, browser, os } = place
  return [subject, line, address_key, asn, kind, country, city, browser, os]
}

function valuesOf(sighting: Sighting): readonly SqlValue[] {
  const { place, at, last_at, events } = sighting
  return [...uniqueOf(sighting), place.address, place.prefix, at, last_at, events]
}

/** Takes away the addresses of a subject's places, and joins those that look alike then. */
export function* forgetAddresses(subject: string): Work<void> {
  const whose = sql`subject = ${subject} AND address <> ''`
  const rows = yield* rowsOf(sql`SELECT * FROM places WHERE ${whose}`)
  yield* changedBy(sql`DELETE FROM places WHERE ${whose}`)
  const joined = sightings()
  for (const row of rows) {
    const place = {
      ...{ address: '', address_key: '', prefix: '' },
      asn: Number(row.asn),
      kind: String(row.kind),
      country: String(row.country),
      city: String(row.city),
      browser: String(row.browser),
      os: String(row.os),
    }
    if (!isKnown(place)) continue
    joined.add({
      ...{ subject, place },
      line: Number(row.line),
      at: Number(row.at),
      last_at: Number(row.last_at),
      events: Number(row.events),
    })
  }
  yield* joined.write()
}
