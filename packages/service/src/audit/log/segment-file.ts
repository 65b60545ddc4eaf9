import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { SessionError } from 'holdfast'
import { syncFolder } from 'holdfast/cli'
import { segmentNumbers, segmentPath } from './segments.ts'

/** A segment that this process writes. */
export interface SegmentFile {
  readonly number: number
  /** It may hold what does not count: nothing more is written to it. */
  readonly failed: boolean
  /** The number that its successor has. */
  readonly next: number
  /**
   * Writes to the disk. Throws what the system says, and `store_contended` when another writer has
   * claimed the next segment: it may have read this one before.
   */
  append(bytes: Uint8Array): void
  /** Throws `store_contended` when another writer has claimed the next segment. */
  assertOurs(): void
  /** Closes it, and takes it away unless it was written in full. */
  giveUp(): void
  close(): void
}

/**
 * Makes the file of the next segment, or of the one that is named. It stops the writer of the one
 * before: a writer that finds a successor after its lines are on disk does not acknowledge them,
 * and whoever claims reads only afterwards. So all that was acknowledged is read, and counts.
 */
export function claimSegment(directory: string, named?: number): SegmentFile {
  for (;;) {
    const number = named ?? (segmentNumbers(directory).at(-1) ?? 0) + 1
    try {
      const file = openSync(segmentPath(directory, number), 'ax', 0o600)
      return segmentFile(directory, number, file)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      if (named !== undefined) throw takenOver(directory)
    }
  }
}

export function takenOver(directory: string): SessionError {
  return new SessionError(
    'store_contended',
    `Another writer has taken over the audit log in ${directory}. Get a new lease; open it anew.`,
  )
}

function segmentFile(directory: string, number: number, file: number): SegmentFile {
  const path = segmentPath(directory, number)
  let [failed, removed, open] = [false, false, true]
  let written = 0

  function assertOurs(): void {
    const successor = statSync(segmentPath(directory, number + 1), { throwIfNoEntry: false })
    if (successor !== undefined) throw takenOver(directory)
  }

  function close(): void {
    if (open) closeSync(file)
    open = false
  }

  return {
    number,
    get failed() {
      return failed
    },
    get next() {
      return removed ? number : number + 1
    },
    assertOurs,

    append(bytes) {
      assertOurs()
      const isNew = written === 0
      // Until all is done, what is in the file may be half of it.
      failed = true
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      written += bytes.length
      fsyncSync(file)
      if (isNew) syncFolder(directory)
      assertOurs()
      failed = false
    },

    giveUp() {
      close()
      if (written > 0 || removed) return
      rmSync(path, { force: true })
      removed = true
    },

    close,
  }
}
