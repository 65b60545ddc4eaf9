import { setImmediate as turn } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import type { ProblemLog } from '../problem-log.ts'
import { isDamage, openIndexFile, renewIndexFile } from '../search/index-file.ts'
import type { Searches } from '../search/search.ts'
import type { LogReader } from './pump.ts'

/** The index as a reader of the log. A damaged one is put aside, and made anew from the log. */
export interface IndexReader extends LogReader {
  readonly searches: Searches
  forget(subject: string): Promise<void>
  prune(before: number): Promise<void>
  close(): void
}

export function indexReader({
  path,
  now,
  log,
}: {
  readonly path: string
  readonly now: () => number
  readonly log: ProblemLog
}): IndexReader {
  let opened = openIndexFile(path, { now })
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
      failed(cause)
      throw new SessionError('store_unavailable', 'The index of the audit log is made anew.', {
        cause,
      })
    }
  }

  function failed(error: unknown): void {
    if (!isDamage(error)) {
      log.error({ err: error }, 'The index of the audit log cannot take events.')
      return
    }
    opened.database.close()
    opened = renewIndexFile(path, { now })
    if (opened.putAside !== null) tellOf(opened.putAside)
  }

  async function untilDone(step: () => boolean): Promise<void> {
    while (!step()) await turn()
  }

  return {
    from: () => opened.index.cursor(),
    take: (entries) => opened.index.ingest(entries),
    failed,
    searches: {
      events: async (search) => found(() => opened.index.events(search)),
      sessions: async (search) => found(() => opened.index.sessions(search)),
      subjects: async (search) => found(() => opened.index.subjects(search)),
    },
    forget: (subject) => untilDone(() => opened.index.forget(subject)),
    prune: (before) => untilDone(() => opened.index.prune({ before })),
    close: () => opened.database.close(),
  }
}
