import { createHash } from 'node:crypto'
import type { SessionEvent } from 'holdfast/maintenance'
import type { Alerting } from '../alerts/alerting.ts'
import { isDone, MOST_DONE, meanwhileOf, type Notice, noticeOf } from '../alerts/notices/notice.ts'
import type { Database } from '../database.ts'
import { isEntry, type LoggedEntry } from '../entry.ts'
import type { LogReader } from './pump.ts'

export interface NoticeReaderOptions {
  /** Of the outbox: a notice is one transaction with the note that its event was read. */
  readonly database: Database
  readonly alerting: Pick<Alerting, 'notify'>
  /** Line of the log from which on nothing is older than an instant. */
  readonly lineAt: (instant: number) => number
  readonly now: () => number
  readonly onFault: (error: unknown) => void
}

const STEPS = [
  `CREATE TABLE notices (next INTEGER NOT NULL) STRICT;
  CREATE TABLE notices_told (what TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX notices_told_at ON notices_told (at);
  CREATE TABLE notices_forked (session TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX notices_forked_at ON notices_forked (at);`,
  `CREATE TABLE notices_done (
    line INTEGER PRIMARY KEY, session TEXT NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX notices_done_session ON notices_done (session, line);`,
]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** No session waits longer for the step-up that settles a fork. */
const FORKED_MS = 30 * DAY_MS

/**
 * The log's events as notices to whom they concern. What is older than a day is no news. One
 * request may be several events, and a thief may come again and again: the same of one session,
 * device and place is told once an hour.
 */
export function noticeReader(options: NoticeReaderOptions): LogReader {
  const { database, alerting, lineAt, now, onFault } = options
  database.migrate('notices', STEPS)
  let next = 0

  function take({ index, event, personal }: LoggedEntry): void {
    const notice = noticeOf(event, personal) ?? meanwhile({ event, personal })
    noteDone(index, event)
    if (notice?.kind === 'fork') noteFork(notice)
    // Without a subject the application would not know whom to tell.
    if (notice === undefined || notice.subject === null) return
    if (event.at <= now() - DAY_MS || !isNews(notice)) return
    alerting.notify(notice, event.subject)
  }

  function noteFork({ session, at }: Notice): void {
    if (session === null) return
    database.run('INSERT OR IGNORE INTO notices_forked (session, at) VALUES (?, ?)', [session, at])
  }

  /** Of a session that is forked: whoever passes the step-up is told what was done. */
  function noteDone(line: number, event: SessionEvent): void {
    const { session, at } = event
    if (session === null || !isDone(event)) return
    const since = forkedAt(session)
    if (since === undefined || at < since) return
    database.run('INSERT INTO notices_done (line, session, at, event) VALUES (?, ?, ?, ?)', [
      ...[line, session, at, JSON.stringify(event)],
    ])
    database.run(
      `DELETE FROM notices_done WHERE session = ? AND line NOT IN (
        SELECT line FROM notices_done WHERE session = ? ORDER BY line DESC LIMIT ${MOST_DONE})`,
      [session, session],
    )
  }

  function meanwhile({
    event,
    personal,
  }: Pick<LoggedEntry, 'event' | 'personal'>): Notice | undefined {
    const { type, session, at } = event
    if (type !== 'step-up-completed' || session === null) return undefined
    const since = forkedAt(session)
    if (since === undefined) return undefined
    const between = database
      .all('SELECT event FROM notices_done WHERE session = ? ORDER BY at, line', [session])
      .map((row) => JSON.parse(String(row.event)) as SessionEvent)
    database.run('DELETE FROM notices_forked WHERE session = ?', [session])
    database.run('DELETE FROM notices_done WHERE session = ?', [session])
    return since < at ? meanwhileOf(event, personal, between) : undefined
  }

  /** When the session was forked; the next step-up that is passed settles it. */
  function forkedAt(session: string): number | undefined {
    const [forked] = database.all('SELECT at FROM notices_forked WHERE session = ?', [session])
    return forked === undefined ? undefined : Number(forked.at)
  }

  function isNews({ session, kind, device, place, at }: Notice): boolean {
    database.run('DELETE FROM notices_told WHERE at <= ?', [at - HOUR_MS])
    const what = createHash('sha256')
      .update(JSON.stringify([session, kind, device, place]))
      .digest('base64url')
    return (
      database.run('INSERT OR IGNORE INTO notices_told (what, at) VALUES (?, ?)', [what, at]) > 0
    )
  }

  return {
    begin() {
      const [row] = database.all('SELECT next FROM notices')
      next = row === undefined ? lineAt(now() - DAY_MS) : Number(row.next)
    },
    from: () => next,
    take(lines) {
      const entries = lines.filter(isEntry)
      const last = entries.at(-1)
      if (last === undefined) return
      database.transaction(() => {
        for (const entry of entries) take(entry)
        database.run('DELETE FROM notices_forked WHERE at <= ?', [now() - FORKED_MS])
        database.run('DELETE FROM notices_done WHERE at <= ?', [now() - FORKED_MS])
        database.run('DELETE FROM notices')
        database.run('INSERT INTO notices (next) VALUES (?)', [last.index + 1])
      })
      next = last.index + 1
    },
    failed: onFault,
  }
}
