import type { Database } from '../database.ts'

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

const UNIQUE = 'subject, line, address_key, asn, kind, country, city, browser, os'

const ADD = `
  INSERT INTO places (${UNIQUE}, address, prefix, at, last_at, events)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (${UNIQUE}) DO UPDATE SET
    at = CASE WHEN excluded.at < places.at THEN excluded.at ELSE places.at END,
    last_at = CASE
      WHEN excluded.last_at > places.last_at THEN excluded.last_at ELSE places.last_at END,
    events = places.events + excluded.events`

/** Adds to what is known of the place. */
export function addPlace(
  database: Database,
  { subject, line, place, at, last_at, events }: Sighting,
): void {
  const { address, address_key, prefix, asn, kind, country, city, browser, os } = place
  database.run(ADD, [
    ...[subject, line, address_key, asn, kind, country, city, browser, os],
    ...[address, prefix, at, last_at, events],
  ])
}

/** Takes away the addresses of a subject's places, and joins those that look alike then. */
export function forgetAddresses(database: Database, subject: string): void {
  const rows = database.all("SELECT * FROM places WHERE subject = ? AND address <> ''", [subject])
  database.run("DELETE FROM places WHERE subject = ? AND address <> ''", [subject])
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
    addPlace(database, {
      ...{ subject, place },
      line: Number(row.line),
      at: Number(row.at),
      last_at: Number(row.last_at),
      events: Number(row.events),
    })
  }
}
