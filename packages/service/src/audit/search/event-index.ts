import { sql } from 'kysely'
import type { Database } from '../database.ts'
import type { LoggedEntry } from '../entry.ts'
import type { ByClass } from '../retention.ts'
import { type FindOptions, findEvents } from './find-events.ts'
import { scanSessions, scanSubjects } from './find-summaries.ts'
import { forgetSubject } from './forget.ts'
import { addEntries } from './ingest.ts'
import { formatCursor } from './position.ts'
import { pruneOlder } from './prune.ts'
import { rowsOf } from './queries.ts'
import type { Scanned } from './scan.ts'
import {
  type Found,
  type FoundEvent,
  type FoundSession,
  type FoundSubject,
  rangeOf,
  type Search,
} from './search.ts'
import { sessionsAt, subjectsAt } from './shown-summaries.ts'
import { storedText } from './stored-text.ts'
import { OWNER, STEPS } from './tables.ts'

/** An index of the audit log. It can be made again from the log at any time. */
export interface EventIndex {
  /** Next line of the log that it waits for. */
  cursor(): number
  /**
   * Adds lines of the log, in their order; those that it has are left out. All or nothing: some
   * thousand at once are quickest. A loss of power may take the last ones back, and the cursor.
   */
  ingest(entries: readonly LoggedEntry[]): void
  events(search: Search): Found<FoundEvent>
  sessions(search: Search): Found<FoundSession>
  subjects(search: Search): Found<FoundSubject>
  /**
   * Takes a step of erasing what tells who the subject with this key is: name, tenant, addresses
   * and agents. What happened stays. True when nothing is left of them in the file.
   */
  forget(subject: string): boolean
  /** Takes a step of removing what is older. True when there is no more of it. */
  prune(older: { readonly before: ByClass }): boolean
}

export interface EventIndexOptions {
  readonly now: () => number
  /** Most rows that one search looks at where no index serves it. */
  readonly slice?: number
}

const SLICE = 20_000

export function openIndex(
  database: Database,
  { now, slice = SLICE }: EventIndexOptions,
): EventIndex {
  database.migrate(OWNER, STEPS)

  function cursor(): number {
    const [row] = database.all("SELECT value FROM search_state WHERE name = 'cursor'")
    return Number(row?.value ?? 0)
  }

  /** Undefined where a subject is named that nothing is known of. */
  function keyOf({ subject, tenant = 'default', subjectKey }: Search): string | null | undefined {
    if (subject === undefined) return subjectKey
    const [row] = rowsOf(
      database,
      sql`SELECT subject FROM subjects WHERE name = ${storedText(subject)}
        AND COALESCE(tenant, 'default') = ${storedText(tenant)}`,
    )
    const key = row === undefined ? null : String(row.subject)
    return subjectKey === undefined || subjectKey === key ? key : null
  }

  function find<T>(
    search: Search,
    look: (options: FindOptions) => Scanned & { readonly items: readonly T[] },
  ): Found<T> {
    const range = rangeOf(search, now())
    const key = keyOf(search)
    const nextLine = cursor()
    if (key === null) return { items: [], searchedTo: range.since, nextLine }
    const { items, next } = look({ ...range, key, slice })
    if (next === undefined) return { items, searchedTo: range.since, nextLine }
    const cursorText = formatCursor({ before: next, since: range.since })
    return { items, searchedTo: next.at, next: cursorText, nextLine }
  }

  return {
    cursor,
    ingest(entries) {
      const from = cursor()
      const fresh = entries.filter(({ index }) => index >= from)
      const last = fresh.at(-1)
      if (last === undefined) return
      const add = (): void => {
        addEntries(database, fresh)
        database.run(
          "INSERT INTO search_state (name, value) VALUES ('cursor', ?) " +
            'ON CONFLICT (name) DO UPDATE SET value = excluded.value',
          [last.index + 1],
        )
      }
      database.transaction(add, { sync: false })
    },
    events: (search) => find(search, (options) => findEvents(database, search, options)),
    sessions: (search) =>
      find(search, (options) => {
        const scanned = scanSessions(database, search, options)
        return { ...scanned, items: sessionsAt(database, scanned.lines) }
      }),
    subjects: (search) =>
      find(search, (options) => {
        const scanned = scanSubjects(database, search, options)
        return { ...scanned, items: subjectsAt(database, scanned.lines) }
      }),
    forget: (subject) => forgetSubject(database, subject),
    prune: ({ before }) => pruneOlder(database, before),
  }
}
