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

/** Sessions by the lines of their summaries, in the order of a search. */
export function* sessionsAt(lines: readonly number[]): Work<readonly FoundSession[]> {
  if (lines.length === 0) return []
  const rows = yield* rowsOf(
    sql`SELECT sessions.*, subjects.name, subjects.tenant FROM sessions
      LEFT JOIN subjects ON subjects.subject = sessions.subject
      WHERE sessions.line IN (${sql.join(lines)})
      ORDER BY sessions.at DESC, sessions.line DESC`,
  )
  const found: FoundSession[] = []
  for (const row of rows) {
    found.push({
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
      ...(yield* placesOf(sql`line = ${Number(row.line)}`)),
    })
  }
  return found
}

/** As {@link sessionsAt}, subjects. */
export function* subjectsAt(lines: readonly number[]): Work<readonly FoundSubject[]> {
  if (lines.length === 0) return []
  const rows = yield* rowsOf(
    sql`SELECT * FROM subjects WHERE line IN (${sql.join(lines)}) ORDER BY at DESC, line DESC`,
  )
  const found: FoundSubject[] = []
  for (const row of rows) {
    found.push({
      ...summaryOf(row),
      subject: String(row.subject),
      sessions: Number(row.sessions),
      liveSessions: yield* countOf(
        sql`SELECT 1 FROM sessions WHERE subject = ${row.subject} AND state = 'live'`,
      ),
      ...(yield* placesOf(sql`subject = ${row.subject}`)),
    })
  }
  return found
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

function* placesOf(
  whose: Query,
): Work<{ readonly places: readonly Place[]; readonly placeCount: number }> {
  const rows = yield* rowsOf(
    sql`SELECT * FROM places WHERE ${whose} ORDER BY last_at DESC LIMIT ${PLACES_SHOWN}`,
  )
  const placeCount =
    rows.length < PLACES_SHOWN
      ? rows.length
      : yield* countOf(sql`SELECT 1 FROM places WHERE ${whose}`)
  return { places: rows.map(placeOf), placeCount }
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

function* countOf(rows: Query): Work<number> {
  const [row] = yield* rowsOf(
    sql`SELECT COUNT(*) AS n FROM (${rows} LIMIT ${MOST_COUNTED}) AS counted`,
  )
  return Number(row?.n ?? 0)
}

function textOf(value: SqlRow[string] | undefined): string | null {
  return typeof value === 'string' && value !== '' ? shownText(value) : null
}

function numberOf(value: SqlRow[string] | undefined): number | null {
  return typeof value === 'number' ? value : null
}
