import { sql } from 'kysely'
import type { SqlValue } from '../database.ts'
import { OUTCOMES } from './outcomes.ts'
import { isKnown, type Place, sightings } from './places.ts'
import { changedBy, type Insertion, insert, rowsOf, type Work } from './work.ts'

/** What the tables have of an entry. */
export interface EventRow {
  readonly line: number
  readonly at: number
  readonly type: string
  readonly reason: string | null
  readonly outcome: string | null
  readonly score: number | null
  readonly actor: string
  readonly subject: string | null
  readonly session: string | null
  readonly name: string | null
  readonly tenant: string | null
  readonly place: Place
}

/** Sums up events by session and subject, in the order of the log. */
export interface Summaries {
  /** Reads what is known of the sessions and subjects of rows, which are added then. */
  load(rows: readonly EventRow[]): Work<void>
  add(row: EventRow): void
  /** Writes what has changed. */
  write(): Work<void>
}

type Columns = Record<string, SqlValue>

const RANKED: readonly string[] = OUTCOMES

const SESSION = upsert('sessions', [
  ...['line', 'at', 'last_at', 'session', 'subject', 'state', 'ended_at', 'ended_reason'],
  ...['ended_actor', 'events', 'score', 'worst'],
])
const SUBJECT = upsert('subjects', [
  ...['line', 'at', 'last_at', 'subject', 'name', 'tenant', 'events', 'sessions', 'score', 'worst'],
])

/** Keys that one query asks for. */
const AT_ONCE = 500

export function summaries(): Summaries {
  const known = { sessions: new Map<string, Columns>(), subjects: new Map<string, Columns>() }
  const sessions = new Map<string, Columns>()
  const subjects = new Map<string, Columns>()
  const places = sightings()

  function* load(table: 'sessions' | 'subjects', keys: readonly (string | null)[]): Work<void> {
    const column = table === 'sessions' ? 'session' : 'subject'
    const wanted = [...new Set(keys.filter((key) => key !== null))]
    for (let from = 0; from < wanted.length; from += AT_ONCE) {
      const some = sql.join(wanted.slice(from, from + AT_ONCE))
      const rows = yield* rowsOf(
        sql`SELECT * FROM ${sql.table(table)} WHERE ${sql.ref(column)} IN (${some})`,
      )
      for (const row of rows) known[table].set(String(row[column]), { ...row })
    }
  }

  function sessionOf(row: EventRow, session: string): Columns {
    const had = sessions.get(session) ?? known.sessions.get(session)
    if (had !== undefined) return had
    if (row.subject !== null) count(subjectOf(row, row.subject), 'sessions')
    return {
      ...beginning(row),
      session,
      subject: row.subject,
      // Its token is authentic, and the store does not have it: it has ended before.
      state: row.type === 'token-unknown' ? 'ended' : 'live',
      ended_at: row.type === 'token-unknown' ? row.at : null,
      ended_reason: null,
      ended_actor: row.type === 'token-unknown' ? row.actor : null,
    }
  }

  function subjectOf(row: EventRow, subject: string): Columns {
    const had = subjects.get(subject) ?? known.subjects.get(subject)
    const one = had ?? { ...beginning(row), subject, name: null, tenant: null, sessions: 0 }
    subjects.set(subject, one)
    return one
  }

  function see({ at, subject, place }: EventRow, session: Columns | undefined): void {
    const line = Number(session?.line ?? -1)
    places.add({ subject: subject ?? '', line, place, at, last_at: at, events: 1 })
  }

  return {
    *load(rows) {
      yield* load(
        'sessions',
        rows.map(({ session }) => session),
      )
      yield* load(
        'subjects',
        rows.map(({ subject }) => subject),
      )
    },
    add(row) {
      const session = row.session === null ? undefined : sessionOf(row, row.session)
      if (session !== undefined && row.session !== null) {
        sessions.set(row.session, session)
        follow(session, row)
        end(session, row)
      }
      if (row.subject !== null) {
        const subject = subjectOf(row, row.subject)
        follow(subject, row)
        subject.name = row.name ?? subject.name ?? null
        subject.tenant = row.tenant ?? subject.tenant ?? null
      }
      const isSomebody = row.subject !== null || session !== undefined
      if (isSomebody && isKnown(row.place)) see(row, session)
    },
    *write() {
      yield* insert({ ...SESSION, rows: valuesOf(SESSION, sessions.values()) })
      yield* insert({ ...SUBJECT, rows: valuesOf(SUBJECT, subjects.values()) })
      yield* places.write()
      for (const one of [sessions, subjects, known.sessions, known.subjects]) one.clear()
    },
  }
}

function beginning({ line, at }: EventRow): Columns {
  return { line, at, last_at: at, events: 0, score: null, worst: -1 }
}

function follow(summary: Columns, { at, outcome, score }: EventRow): void {
  const rank = RANKED.indexOf(outcome ?? '')
  summary.last_at = Math.max(Number(summary.last_at), at)
  summary.worst = Math.max(Number(summary.worst), rank)
  if (score !== null) summary.score = Math.max(Number(summary.score ?? score), score)
  count(summary, 'events')
}

function count(summary: Columns, column: string): void {
  summary[column] = Number(summary[column]) + 1
}

/** The first end counts. */
function end(session: Columns, { type, at, reason, actor }: EventRow): void {
  if (session.state !== 'live') return
  if (type !== 'session-revoked' && type !== 'session-expired') return
  session.state = type === 'session-expired' ? 'expired' : 'ended'
  session.ended_at = at
  session.ended_reason = reason
  session.ended_actor = actor
}

/** All sessions of the subject so far; the one that the event names stays. */
export function* endAll({ at, reason, actor, subject, session }: EventRow): Work<void> {
  yield* changedBy(
    sql`UPDATE sessions
      SET state = 'ended', ended_at = ${at}, ended_reason = ${reason}, ended_actor = ${actor}
      WHERE subject = ${subject} AND state = 'live' AND session <> ${session ?? ''}`,
  )
}

type Upsert = Required<Omit<Insertion, 'rows'>>

function upsert(table: string, columns: readonly string[]): Upsert {
  const changed = columns.slice(1).map((name) => `${name} = excluded.${name}`)
  return { table, columns, conflict: `(line) DO UPDATE SET ${changed.join(', ')}` }
}

function valuesOf({ columns }: Upsert, all: Iterable<Columns>): Insertion['rows'] {
  return [...all].map((one) => columns.map((name) => one[name] ?? null))
}
