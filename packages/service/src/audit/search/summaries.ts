import type { Database, SqlRow, SqlValue } from '../database.ts'
import { OUTCOMES } from './outcomes.ts'
import { addPlace, isKnown, type Place } from './places.ts'

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
  add(row: EventRow): void
  /** Writes what has changed. */
  write(): void
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

export function summaries(database: Database): Summaries {
  const sessions = new Map<string, Columns>()
  const subjects = new Map<string, Columns>()
  const places = new Map<string, Seen>()

  function known(table: 'sessions' | 'subjects', key: string): SqlRow | undefined {
    const column = table === 'sessions' ? 'session' : 'subject'
    return database.all(`SELECT * FROM ${table} WHERE ${column} = ?`, [key])[0]
  }

  function sessionOf(row: EventRow, session: string): Columns {
    const had = sessions.get(session) ?? copyOf(known('sessions', session))
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
    const had = subjects.get(subject) ?? copyOf(known('subjects', subject))
    const one = had ?? { ...beginning(row), subject, name: null, tenant: null, sessions: 0 }
    subjects.set(subject, one)
    return one
  }

  function see(row: EventRow, session: Columns | undefined): void {
    const { at, subject, place } = row
    const line = Number(session?.line ?? -1)
    const key = JSON.stringify([subject, line, place])
    const had = places.get(key)
    if (had === undefined) {
      places.set(key, { subject: subject ?? '', line, place, at, last_at: at, events: 1 })
      return
    }
    had.at = Math.min(had.at, at)
    had.last_at = Math.max(had.last_at, at)
    had.events++
  }

  function write(): void {
    for (const one of sessions.values()) database.run(SESSION.sql, SESSION.values(one))
    for (const one of subjects.values()) database.run(SUBJECT.sql, SUBJECT.values(one))
    for (const one of places.values()) addPlace(database, one)
    sessions.clear()
    subjects.clear()
    places.clear()
  }

  return {
    write,
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
      if (row.type === 'subject-revoked') {
        write()
        endAll(database, row)
      }
    },
  }
}

interface Seen {
  readonly subject: string
  readonly line: number
  readonly place: Place
  at: number
  last_at: number
  events: number
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
function endAll(database: Database, { at, reason, actor, subject, session }: EventRow): void {
  database.run(
    "UPDATE sessions SET state = 'ended', ended_at = ?, ended_reason = ?, ended_actor = ? " +
      "WHERE subject = ? AND state = 'live' AND session <> ?",
    [at, reason, actor, subject, session ?? ''],
  )
}

function copyOf(row: SqlRow | undefined): Columns | undefined {
  return row === undefined ? undefined : { ...row }
}

function upsert(
  table: string,
  columns: readonly string[],
): { readonly sql: string; readonly values: (of: Columns) => readonly SqlValue[] } {
  const changed = columns.slice(1).map((name) => `${name} = excluded.${name}`)
  return {
    sql:
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?')}) ` +
      `ON CONFLICT (line) DO UPDATE SET ${changed.join(', ')}`,
    values: (of) => columns.map((name) => of[name] ?? null),
  }
}
