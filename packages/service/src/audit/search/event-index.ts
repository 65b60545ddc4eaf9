import type { Database, TransactionOptions } from '../database.ts'
import type { LoggedEntry } from '../entry.ts'
import type { ByClass } from '../retention.ts'
import { runOn } from './embedded.ts'
import { forgetSubject } from './forget.ts'
import { addEntries } from './ingest.ts'
import { pruneOlder } from './prune.ts'
import type { Found, FoundEvent, FoundSession, FoundSubject, Search } from './search.ts'
import { cursor, moveCursor, type SearchingOptions, searching } from './searching.ts'
import { OWNER, STEPS } from './tables.ts'
import type { Work } from './work.ts'

/** An index of the audit log in a file. It can be made again from the log at any time. */
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

export type EventIndexOptions = SearchingOptions

export function openIndex(database: Database, options: EventIndexOptions): EventIndex {
  database.migrate(OWNER, STEPS)
  const { events, sessions, subjects } = searching(options)

  function atomically<T>(work: Work<T>, transaction?: TransactionOptions): T {
    return database.transaction(() => runOn(database, work), transaction)
  }

  const nextLine = (): number => runOn(database, cursor())

  return {
    cursor: nextLine,
    ingest(entries) {
      const from = nextLine()
      const fresh = entries.filter(({ index }) => index >= from)
      const last = fresh.at(-1)
      if (last === undefined) return
      const add = function* (): Work<void> {
        yield* addEntries(fresh)
        yield* moveCursor(last.index + 1)
      }
      atomically(add(), { sync: false })
    },
    events: (search) => runOn(database, events(search)),
    sessions: (search) => runOn(database, sessions(search)),
    subjects: (search) => runOn(database, subjects(search)),
    forget(subject) {
      const done = atomically(forgetSubject(subject))
      // The database overwrites what it frees, and its write-ahead log keeps older pages until it
      // is used again: it is emptied.
      if (done) database.all('PRAGMA wal_checkpoint(TRUNCATE)')
      return done
    },
    prune: ({ before }) => atomically(pruneOlder(before)),
  }
}
