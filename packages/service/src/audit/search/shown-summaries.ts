import { sql } from 'kysely'
import type { SqlRow } from '../database.ts'
import { OUTCOMES } from './outcomes.ts'
import type { Query } from './queries.ts'
import { type FoundSession, type FoundSubject, type Place, SESSION_STATES } from './search.ts'
import { shownText } from './stored-text.ts'
import { rowsOf, type Work } from './work.ts'

const PLACES_SHOWN = 20
/** Nobody needs to know how many more there are. */
const MOST_COUNTED = 1_000
/** Queries in one. SQLite takes 500. */
const AT_ONCE = 50

/** Sessions by the lines of their summaries, in the order of a search. */
export function* sessionsAt(lines: readonly number[]): Work<readonly FoundSession[]> {
  if (lines.length === 0) return []
  const rows = yield* rowsOf(
    sql`SELECT sessions.*, subjects.name, subjects.tenant FROM sessions
      LEFT JOIN subjects ON subjects.subject = sessions.subject
      WHERE sessions.line IN (${sql.join(lines)})
      ORDER BY sessions.at DESC, sessions.line DESC`,
  )
  const places = yield* placesOfEach(rows.map(({ line }) => sql`line = ${Number(line)}`))
  return rows.map((row, at) => ({
    session: String(row.session),
    state: SESSION_STATES.find((one) => one === row.state) ?? 'live',
    ended:
      row.ended_at === null || row.ended_at === undefined
        ? null
        : {
            at: Number(row.ended_at),
            reason: textOf(row.ended_reason),
            actor: textOf(row.ended_actor) ?? '',
          },
    ...summaryOf(row),
    ...(places[at] ?? NOWHERE),
  }))
}

/** As {@link sessionsAt}, subjects. */
export function* subjectsAt(lines: readonly number[]): Work<readonly FoundSubject[]> {
  if (lines.length === 0) return []
  const rows = yield* rowsOf(
    sql`SELECT * FROM subjects WHERE line IN (${sql.join(lines)}) ORDER BY at DESC, line DESC`,
  )
  const places = yield* placesOfEach(rows.map(({ subject }) => sql`subject = ${subject}`))
  const live = yield* countsOfEach(
    rows.map(
      ({ subject }) => sql`SELECT 1 FROM sessions WHERE subject = ${subject} AND state = 'live'`,
    ),
  )
  return rows.map((row, at) => ({
    ...summaryOf(row),
    subject: String(row.subject),
    sessions: Number(row.sessions),
    liveSessions: live[at] ?? 0,
    ...(places[at] ?? NOWHERE),
  }))
}

function summaryOf(row: SqlRow): Omit<FoundSession, OwnFields> {
  return {
    subject: textOf(row.subject),
    name: textOf(row.name),
    tenant: textOf(row.tenant),
    firstSeen: Number(row.at),
    lastSeen: Number(row.last_at),
    events: Number(row.events),
    score: numberOf(row.score),
    worst: OUTCOMES[Number(row.worst)] ?? null,
  }
}

type OwnFields = 'session' | 'state' | 'ended' | 'places' | 'placeCount'

type Places = Pick<FoundSession, 'places' | 'placeCount'>

const NOWHERE: Places = { places: [], placeCount: 0 }

function* placesOfEach(whose: readonly Query[]): Work<readonly Places[]> {
  const found = yield* rowsOfEach(
    whose.map(
      (one) => sql`SELECT * FROM places WHERE ${one} ORDER BY last_at DESC LIMIT ${PLACES_SHOWN}`,
    ),
  )
  const many = whose.filter((_, at) => found[at]?.length === PLACES_SHOWN)
  const counts = yield* countsOfEach(many.map((one) => sql`SELECT 1 FROM places WHERE ${one}`))
  const counted = new Map(many.map((one, at) => [one, counts[at]]))
  return found.map((rows, at) => ({
    places: rows.map(placeOf).sort((one, other) => other.lastSeen - one.lastSeen),
    placeCount: counted.get(whose[at] as Query) ?? rows.length,
  }))
}

function placeOf(row: SqlRow): Place {
  return {
    address: textOf(row.address),
    asn: row.asn === -1 ? null : numberOf(row.asn),
    kind: textOf(row.kind),
    country: textOf(row.country),
    city: textOf(row.city),
    browser: textOf(row.browser),
    os: textOf(row.os),
    firstSeen: Number(row.at),
    lastSeen: Number(row.last_at),
    events: Number(row.events),
  }
}

function* countsOfEach(queries: readonly Query[]): Work<readonly number[]> {
  const found = yield* rowsOfEach(
    queries.map(
      (rows) => sql`SELECT COUNT(*) AS n FROM (${rows} LIMIT ${MOST_COUNTED}) AS counted`,
    ),
  )
  return found.map(([row]) => Number(row?.n ?? 0))
}

/** Rows of small queries, many asked at once: a database elsewhere is a while away. */
function* rowsOfEach(queries: readonly Query[]): Work<readonly (readonly SqlRow[])[]> {
  const found: SqlRow[][] = queries.map(() => [])
  for (let from = 0; from < queries.length; from += AT_ONCE) {
    const parts = queries
      .slice(from, from + AT_ONCE)
      .map((query, at) => sql`SELECT ${sql.lit(from + at)} AS part, one.* FROM (${query}) AS one`)
    for (const row of yield* rowsOf(sql`${sql.join(parts, sql` UNION ALL `)}`)) {
      found[Number(row.part)]?.push(row)
    }
  }
  return found
}

function textOf(value: SqlRow[string] | undefined): string | null {
  return typeof value === 'string' && value !== '' ? shownText(value) : null
}

function numberOf(value: SqlRow[string] | undefined): number | null {
  return typeof value === 'number' ? value : null
}
