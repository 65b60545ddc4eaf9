import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Longest time from a writer's look at the file to the end of its commit, but on slow disks. */
const SETTLE_MS = 100

/** A process that died while opening holds others up for no longer than this. */
const STALE_MS = 5_000

const AGAIN_MS = 5

/** Keeps the opening of a directory by one process apart from the commits of the others. */
export interface Opening {
  /**
   * Runs `open` while nobody commits. Blocks the process for a tenth of a second where the
   * directory is in use already.
   */
  alone<T>(open: () => T): T
  /** Whether another process is opening. A transaction asks it, and waits with its changes then. */
  isUnderWay(): boolean
}

/**
 * A process that opens an LMDB directory can undo the commit that another one makes at that very
 * moment. Seen with lmdb 3.5.6: of three processes that write one entry, one lost an update in
 * about one start of ten. A lost commit may be a revocation, so writers wait while a process opens,
 * and that process waits for the commits under way. It waits for a tenth of a second, which a
 * commit on a very slow disk may outlast.
 */
export function openingOf(path: string): Opening {
  const file = join(path, 'opening')

  function isUnderWay(): boolean {
    if (!existsSync(file)) return false
    const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs
    // A clock that was set back must hold nobody up either.
    return since !== undefined && Math.abs(Date.now() - since) < STALE_MS
  }

  return {
    isUnderWay,

    alone(open) {
      while (!claimed(file)) {
        if (isUnderWay()) pause(AGAIN_MS)
        else rmSync(file, { force: true })
      }
      try {
        if (existsSync(join(path, 'data.mdb'))) pause(SETTLE_MS)
        return open()
      } finally {
        rmSync(file, { force: true })
      }
    },
  }
}

function claimed(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
