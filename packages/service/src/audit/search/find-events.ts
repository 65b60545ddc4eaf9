import type { SessionEvent } from 'holdfast/maintenance'
import { sql } from 'kysely'
import type { SqlRow } from '../database.ts'
import { type Scanned, scan } from './scan.ts'
import type { FoundEvent, Range, Search } from './search.ts'
import { shownText, storedText } from './stored-text.ts'
import { during, EVENT_INDEXES, equals, eventTerms, placeTerms, waysOf } from './terms.ts'
import { rowsOf, type Work } from './work.ts'

export interface FindOptions extends Range {
  /** Key of the subject that is asked for. */
  readonly key: string | undefined
  readonly slice: number
}

/** Events, newest first. */
export function* findEvents(
  search: Search,
  { key, since, before, limit, slice }: FindOptions,
): Work<Scanned & { readonly items: readonly FoundEvent[] }> {
  const terms = [
    ...equals('session', search.session),
    ...equals('subject', key),
    ...(search.subject === undefined ? equals('tenant', search.tenant, storedText) : []),
    ...placeTerms(search),
    ...eventTerms(search),
  ]
  const scanned = yield* scan({
    table: 'events',
    all: { rest: terms.map(({ unindexed }) => unindexed), weighed: false },
    drivers: waysOf(terms, EVENT_INDEXES).map((way) => ({
      ...way,
      weighed: false,
      size: sql`SELECT 1 FROM events WHERE ${during(way, since, before.at)}`,
    })),
    ...{ since, before, limit, slice },
  })
  return { ...scanned, items: yield* eventsAt(scanned.lines) }
}

function* eventsAt(lines: readonly number[]): Work<readonly FoundEvent[]> {
  if (lines.length === 0) return []
  const rows = yield* rowsOf(
    sql`SELECT line, name, tenant, address, agent, json FROM events
      WHERE line IN (${sql.join(lines)}) ORDER BY at DESC, line DESC`,
  )
  return rows.map((row) => ({
    line: Number(row.line),
    event: JSON.parse(String(row.json)) as SessionEvent,
    personal: personalOf(row),
  }))
}

function personalOf({ name, tenant, address, agent }: SqlRow): FoundEvent['personal'] {
  const personal = {
    subject: shown(name),
    tenant: shown(tenant),
    address: shown(address),
    userAgent: shown(agent),
  }
  return Object.values(personal).every((one) => one === null) ? null : personal
}

function shown(value: SqlRow[string] | undefined): string | null {
  return typeof value === 'string' ? shownText(value) : null
}
