import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import type { Vault } from '../log/personal.ts'
import type { ByClass } from '../retention.ts'
import { INDEX_FILE, removeIndexFile, removePutAside } from '../search/index-file.ts'
import type { Searches } from '../search/search.ts'
import { openSharedIndex } from '../search/shared/shared-index.ts'
import type { DeskOptions } from './desk.ts'
import { indexFollower } from './index-follower.ts'
import { type IndexReaderOptions, indexReader } from './index-reader.ts'
import type { LogReader } from './pump.ts'

/** The index of a desk: in a file beside the log, or in PostgreSQL. */
export interface DeskIndex {
  readonly searches: Searches
  /** Readers that take lines of the log in its own pace. */
  readonly readers: readonly LogReader[]
  /** This process writes the log now. */
  begin(): void
  /** The log has grown. */
  wake(): void
  /** Apart from the readers. */
  isCaughtUp(): boolean
  forget(subject: string): Promise<void>
  prune(before: ByClass): Promise<void>
  close(): Promise<void>
}

export interface DeskIndexParts extends Pick<IndexReaderOptions, 'mayRenew' | 'onRenewed'> {
  readonly vault: Pick<Vault, 'open'>
}

const CLOSE_MS = 2_000

export function openDeskIndex(
  { directory, index: address, now, log }: DeskOptions,
  { vault, ...renewal }: DeskIndexParts,
): DeskIndex {
  const path = join(directory, INDEX_FILE)
  if (address === undefined) {
    const reader = indexReader({ ...renewal, path, now, log })
    return {
      ...reader,
      readers: [reader],
      begin() {},
      wake() {},
      isCaughtUp: () => true,
      close: async () => reader.close(),
    }
  }
  const shared = openSharedIndex({ address, now })
  const follower = indexFollower({ directory, vault, index: shared, log })
  // What this directory has from earlier times may not be there, whoever writes now.
  follower.begin()

  /** A file of before the index was in PostgreSQL: nobody would forget in it what is past. */
  function removeFile(): ReturnType<typeof removeIndexFile> {
    removePutAside(path)
    return removeIndexFile(path)
  }

  return {
    ...{ searches: shared.searches, readers: [], prune: shared.prune },
    ...{ wake: follower.wake, isCaughtUp: follower.isCaughtUp },
    begin() {
      if (removeFile() === 'in_use') {
        log.warn(
          { file: path },
          'A process without auditDatabase has an index of its own open, and nothing is erased ' +
            'in it: set the same in all that share the directory.',
        )
      }
      follower.begin()
    },
    async forget(subject) {
      if (removeFile() === 'in_use') {
        throw new SessionError(
          'store_unavailable',
          `Another process has ${path} open, and it tells of who is erased. End that process, ` +
            'and erase the subject once more.',
        )
      }
      await shared.forget(subject, now())
    },
    async close() {
      const closed = follower.close().then(shared.close)
      // Of a database that does not answer nothing is waited for: a part of the log is there as a
      // whole, or comes again.
      await Promise.race([closed, pause(CLOSE_MS, undefined, { ref: false })])
    },
  }
}
