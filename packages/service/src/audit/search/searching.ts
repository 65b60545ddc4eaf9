import { sql } from 'kysely'
import { type FindOptions, findEvents } from './find-events.ts'
import { scanSessions, scanSubjects } from './find-summaries.ts'
import { formatCursor } from './position.ts'
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
import { changedBy, rowsOf, type Work } from './work.ts'

export interface SearchingOptions {
  readonly now: () => number
  /** Most rows that one search looks at where no index serves it. */
  readonly slice?: number
}

/** The searches of an index, of either database. */
export interface Searching {
  events(search: Search): Work<Found<FoundEvent>>
  sessions(search: Search): Work<Found<FoundSession>>
  subjects(search: Search): Work<Found<FoundSubject>>
}

const SLICE = 20_000

export function searching({ now, slice = SLICE }: SearchingOptions): Searching {
  function* find<T>(
    search: Search,
    look: (options: FindOptions) => Work<Looked<T>>,
  ): Work<Found<T>> {
    const range = rangeOf(search, now())
    const key = yield* keyOf(search)
    const nextLine = yield* cursor()
    if (key === null) return { items: [], searchedTo: range.since, nextLine }
    const { items, next } = yield* look({ ...range, key, slice })
    if (next === undefined) return { items, searchedTo: range.since, nextLine }
    const cursorText = formatCursor({ before: next, since: range.since })
    return { items, searchedTo: next.at, next: cursorText, nextLine }
  }

  return {
    events: (search) => find(search, (options) => findEvents(search, options)),
    sessions: (search) =>
      find(search, function* (options) {
        const scanned = yield* scanSessions(search, options)
        return { ...scanned, items: yield* sessionsAt(scanned.lines) }
      }),
    subjects: (search) =>
      find(search, function* (options) {
        const scanned = yield* scanSubjects(search, options)
        return { ...scanned, items: yield* subjectsAt(scanned.lines) }
      }),
  }
}

type Looked<T> = Scanned & { readonly items: readonly T[] }

/** The line that the index waits for. */
export function* cursor(): Work<number> {
  const [row] = yield* rowsOf(sql`SELECT value FROM search_state WHERE name = 'cursor'`)
  return Number(row?.value ?? 0)
}

export function* moveCursor(line: number): Work<void> {
  yield* changedBy(
    sql`INSERT INTO search_state (name, value) VALUES ('cursor', ${line})
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  )
}

/** Undefined where a subject is named that nothing is known of. */
function* keyOf({
  subject,
  tenant = 'default',
  subjectKey,
}: Search): Work<string | null | undefined> {
  if (subject === undefined) return subjectKey
  const [row] = yield* rowsOf(
    sql`SELECT subject FROM subjects WHERE name = ${storedText(subject)}
      AND COALESCE(tenant, 'default') = ${storedText(tenant)}`,
  )
  const key = row === undefined ? null : String(row.subject)
  return subjectKey === undefined || subjectKey === key ? key : null
}
