import { sql } from 'kysely'
import type { FindOptions } from './find-events.ts'
import { allOf, type Condition, equalUnindexed, unindexed } from './queries.ts'
import { type Driver, type Rest, type Scanned, scan } from './scan.ts'
import type { Search } from './search.ts'
import { keyText, storedText } from './stored-text.ts'
import {
  during,
  EVENT_INDEXES,
  equals,
  eventTerms,
  PLACE_INDEXES,
  placeTerms,
  type Term,
  type Way,
  waysOf,
} from './terms.ts'
import type { Work } from './work.ts'

/** Sessions, by when they were first seen, newest first. */
export function scanSessions(search: Search, options: FindOptions): Work<Scanned> {
  const { state, tenant } = search
  const own = [
    ...equals('session', search.session),
    ...equals('subject', options.key),
    ...equals('state', state),
  ]
  const ofTenant =
    tenant === undefined || search.subject !== undefined
      ? []
      : [
          sql`EXISTS (SELECT 1 FROM subjects WHERE subjects.subject = sessions.subject
            AND ${equalUnindexed('tenant', storedText(tenant))})`,
        ]
  return scanSummaries(search, { ...options, table: 'sessions', own, more: ofTenant })
}

/** As {@link scanSessions}, subjects. */
export function scanSubjects(search: Search, options: FindOptions): Work<Scanned> {
  const { session, tenant } = search
  const own = [
    ...equals('subject', options.key),
    ...(search.subject === undefined ? equals('tenant', tenant, storedText) : []),
    ...(session === undefined ? [] : [holderOf(session)]),
  ]
  return scanSummaries(search, { ...options, table: 'subjects', own, more: [] })
}

function holderOf(session: string): Term {
  const condition = sql`subject IN
    (SELECT subject FROM sessions WHERE session = ${keyText(session)})`
  return { column: 'session', indexed: condition, unindexed: condition, ordered: false }
}

interface SummaryOptions extends FindOptions {
  readonly table: 'sessions' | 'subjects'
  /** What is asked of the summary itself. */
  readonly own: readonly Term[]
  readonly more: readonly Condition[]
}

/** How the tables belong together. */
const KEYS = {
  sessions: { ofEvents: 'session', ofPlaces: 'line' },
  subjects: { ofEvents: 'subject', ofPlaces: 'subject' },
}

function scanSummaries(
  search: Search,
  { table, own, more, since, before, limit, slice }: SummaryOptions,
): Work<Scanned> {
  const { until = Number.MAX_SAFE_INTEGER } = search
  const happened = eventGroup(table, eventTerms(search), { since, until })
  const seen = placeGroup(table, placeTerms(search), { since, until })
  const asked = [...more, ...own.map((term) => term.unindexed)]
  const lately = sql`${unindexed('last_at', 0)} >= ${since}`
  const drivers: readonly Driver[] = [
    ...waysOf(own, [['session'], ['subject']]).map((way) => ({
      ...way,
      size: sql`SELECT 1 FROM ${sql.table(table)} WHERE ${way.condition}`,
      ...remaining([lately, ...more, ...way.rest], [happened, seen]),
    })),
    ...happened.drivers.map((one) => ({ ...one, ...remaining([lately, ...asked], [seen]) })),
    ...seen.drivers.map((one) => ({ ...one, ...remaining([lately, ...asked], [happened]) })),
    {
      condition: sql`last_at >= ${since}`,
      size: sql`SELECT 1 FROM ${sql.table(table)}
        WHERE last_at >= ${since} AND ${unindexed('at', 0)} <= ${before.at}`,
      ...remaining(asked, [happened, seen]),
      ordered: false,
    },
  ]
  // What began before may have been seen since.
  return scan({
    ...{ table, drivers, before, limit, slice, since: 0 },
    all: remaining([lately, ...asked], [happened, seen]),
  })
}

function remaining(own: readonly Condition[], groups: readonly Group[]): Rest {
  const exist = groups.flatMap(({ exists }) => exists)
  return { rest: [...own, ...exist], weighed: exist.length > 0 }
}

/** Conditions on one row of another table, as a condition of the summary's. */
interface Group {
  readonly exists: readonly Condition[]
  readonly drivers: readonly Omit<Driver, keyof Rest>[]
}

interface Time {
  readonly since: number
  readonly until: number
}

function eventGroup(
  table: 'sessions' | 'subjects',
  terms: readonly Term[],
  { since, until }: Time,
): Group {
  const at = unindexed('at', 0)
  return group(
    KEYS[table].ofEvents,
    { table, other: 'events', terms },
    {
      time: [sql`${at} >= ${since}`, sql`${at} < ${until}`],
      ways: waysOf(terms, EVENT_INDEXES).map((way) => ({
        ...way,
        condition: during(way, since, until - 1),
      })),
    },
  )
}

function placeGroup(
  table: 'sessions' | 'subjects',
  terms: readonly Term[],
  { since, until }: Time,
): Group {
  const time = [sql`${unindexed('last_at', 0)} >= ${since}`, sql`${unindexed('at', 0)} < ${until}`]
  return group(
    KEYS[table].ofPlaces,
    { table, other: 'places', terms },
    {
      time,
      ways: waysOf(terms, PLACE_INDEXES).map((way) => ({ ...way, rest: [...way.rest, ...time] })),
    },
  )
}

function group(
  key: string,
  {
    table,
    other,
    terms,
  }: {
    readonly table: string
    readonly other: 'events' | 'places'
    readonly terms: readonly Term[]
  },
  { time, ways }: { readonly time: readonly Condition[]; readonly ways: readonly Way[] },
): Group {
  if (terms.length === 0) return { exists: [], drivers: [] }
  const column = sql.ref(key)
  return {
    exists: [
      sql`EXISTS (SELECT 1 FROM ${sql.table(other)}
        WHERE ${sql.ref(`${other}.${key}`)} = ${sql.ref(`${table}.${key}`)}
        AND ${allOf([...time, ...terms.map((term) => term.unindexed)])})`,
    ],
    drivers: ways.map(({ condition, rest }) => ({
      condition: sql`${column} IN (SELECT ${column} FROM ${sql.table(other)}
        WHERE ${allOf([condition, ...rest])})`,
      size: sql`SELECT 1 FROM ${sql.table(other)} WHERE ${condition}`,
      ordered: false,
    })),
  }
}
