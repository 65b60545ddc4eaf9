import { setImmediate as turn } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import { isEntry } from '../entry.ts'
import type { ProblemLog } from '../problem-log.ts'
import type { ByClass } from '../retention.ts'
import { isDamage, openIndexFile, removePutAside, renewIndexFile } from '../search/index-file.ts'
import type { Searches } from '../search/search.ts'
import type { LogReader } from './pump.ts'

/** The index as a reader of the log. A damaged one is put aside, and made anew from the log. */
export interface IndexReader extends LogReader {
  readonly searches: Searches
  forget(subject: string): Promise<void>
  prune(before: ByClass): Promise<void>
  close(): void
}

export interface IndexReaderOptions {
  readonly path: string
  readonly now: () => number
  readonly log: ProblemLog
  /** Whether this process writes the index. Another one may search it meanwhile. */
  readonly mayRenew: () => boolean
  /** A search has found damage, and the index wants the log from the start. */
  readonly onRenewed: () => void
}

export function indexReader(options: IndexReaderOptions): IndexReader {
  const { path, now, log, mayRenew, onRenewed } = options
  let opened = openIndexFile(path, { now })
  /** A damaged file was closed, and there is no other yet: perhaps the disk is full. */
  let isClosed = false
  if (opened.putAside !== null) tellOf(opened.putAside)

  function tellOf(putAside: string): void {
    log.warn({ putAside }, 'The index of the audit log is damaged: it is made anew from the log.')
  }

  /** Damage shows where it is read. The writer makes the index anew; who searches comes again. */
  function found<T>(search: () => T): T {
    try {
      return search()
    } catch (cause) {
      if (!isDamage(cause)) throw cause
      if (mayRenew()) {
        failed(cause)
        onRenewed()
      } else {
        // The writer may have put the file aside.
        opened.database.close()
        opened = openIndexFile(path, { now })
      }
      throw new SessionError('store_unavailable', 'The index of the audit log is made anew.', {
        cause,
      })
    }
  }

  function failed(error: unknown): void {
    if (!isClosed && !isDamage(error)) {
      log.error({ err: error }, 'The index of the audit log cannot take events.')
      return
    }
    if (!isClosed) opened.database.close()
    isClosed = true
    opened = renewIndexFile(path, { now })
    isClosed = false
    if (opened.putAside !== null) tellOf(opened.putAside)
  }

  async function untilDone(step: () => boolean): Promise<void> {
    while (!step()) await turn()
  }

  return {
    from: () => opened.index.cursor(),
    take: (lines) => opened.index.ingest(lines.filter(isEntry)),
    failed,
    searches: {
      events: async (search) => found(() => opened.index.events(search)),
      sessions: async (search) => found(() => opened.index.sessions(search)),
      subjects: async (search) => found(() => opened.index.subjects(search)),
    },
    async forget(subject) {
      removePutAside(path)
      await untilDone(() => opened.index.forget(subject))
    },
    prune: (before) => untilDone(() => opened.index.prune({ before })),
    close() {
      if (!isClosed) opened.database.close()
    },
  }
}
