import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type * as Lmdb from 'lmdb'
import { SessionError } from '../core/errors.ts'
import { clock, func, needed, whole, withDefault, words } from '../core/option-kinds.ts'
import { requiredPackage } from '../core/optional-package.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { Store } from '../core/store.ts'
import { FEED_FIELDS, type FeedOptions, feedBoundOf } from './feed/bound.ts'
import { onFileChange } from './local/file-watch.ts'
import { type Opening, openingOf } from './local/lmdb-opening.ts'
import { LMDB_TABLES, lmdbTables } from './local/lmdb-tables.ts'
import { makeFolder } from './local/make-folder.ts'
import { localStore } from './local/store.ts'
import { sweepSlice } from './local/sweep.ts'
import type { Backend, Tables } from './local/tables.ts'

const SWEEP_EVERY_MS = 30_000
/** A transaction of a sweep holds the event loop up for about so long. */
const SWEEP_SLICE_MS = 4
const POLL_MS = 200

/** Activity that a crash loses makes a session end so much earlier by silence. */
const TOUCH_EVERY_MS = 50

const AGAIN_MS = 5
const GIBIBYTE = 2 ** 30

/** Where an LMDB store is kept, its clock and its bounds. */
export interface LmdbOptions extends FeedOptions {
  /**
   * A directory of a local file system, made if it is not there. Never a network file system:
   * its locks do not hold.
   */
  readonly path: string
  readonly now?: () => number
  /** Most bytes the file may grow to. Address space, not disk. Default 16 GiB. */
  readonly mapSize?: number
  /** Hears of a sweep that failed; it is tried again. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void
}

/** A store that can also be swept by hand. */
export interface LmdbStore extends Store {
  /**
   * Removes everything that has expired, in transactions of some milliseconds with pauses between
   * them. The store does so by itself every 30 s. Answers how many items it took from the expiry
   * queue. Calls that come while a sweep runs share it.
   */
  sweep(): Promise<number>
}

/** The options of `lmdbStore()`. */
export const LMDB_OPTIONS = {
  of: 'lmdbStore()',
  fields: {
    ...FEED_FIELDS,
    path: needed(words('a directory of this machine'), "path: '.holdfast/store'"),
    now: clock,
    mapSize: withDefault(whole({ min: 1_048_576 }), 16 * GIBIBYTE),
    onWarning: func<(message: string) => void>('it hears of a sweep that failed'),
  } satisfies OptionsOf<LmdbOptions>,
  aliases: {
    dir: 'path',
    directory: 'path',
    folder: 'path',
    file: 'path',
    filename: 'path',
    db: 'path',
    maxSize: 'mapSize',
    maxDbs: 'the store knows its tables; leave it out',
  },
} satisfies OptionTable

/**
 * Keeps everything in one directory of this machine, for any number of its processes. Durable: a
 * promise resolves once its bytes are on disk, and every read that begins after that sees them, in
 * whichever process. Needs the package `lmdb`.
 *
 * Throws `config_invalid` when the directory cannot be opened, and for bounds that cannot be.
 *
 * @example
 * const store = lmdbStore({ path: '/var/lib/holdfast' })
 */
export function lmdbStore(options: LmdbOptions): LmdbStore {
  const { path, mapSize, ...given } = checked(LMDB_OPTIONS, options)
  const { now = () => Date.now(), onWarning = (message) => process.emitWarning(message) } = given
  const feed = feedBoundOf(given)
  const lmdb = library()
  const opening = openingOf(path)
  const { root, tables } = openAt(lmdb, { path, mapSize }, opening)
  let closed = false
  let waits: boolean | undefined

  /** Changes that run in one go are committed together: one look at the directory is for all. */
  function mustWait(): boolean {
    if (waits === undefined) {
      waits = opening.isUnderWay()
      queueMicrotask(() => {
        waits = undefined
      })
    }
    return waits
  }

  const backend: Backend = {
    tables,
    async transaction(change) {
      for (;;) {
        if (closed) throw unavailable('is closed')
        const outcome = await attempted(
          root.transaction(() => (mustWait() ? undefined : outcomeOf(change))),
        )
        if (outcome !== undefined) return caught(outcome)
        await wait(AGAIN_MS)
      }
    },
    read(query) {
      if (closed) throw unavailable('is closed')
      // lmdb keeps one view of the file for a turn of the event loop or longer: a commit of another
      // process, acknowledged meanwhile, would stay unseen.
      root.resetReadTxn()
      return caught(outcomeOf(query))
    },
  }

  let sweeping: Promise<number> | undefined

  function sweep(): Promise<number> {
    sweeping ??= sweepAll().finally(() => {
      sweeping = undefined
    })
    return sweeping
  }

  async function sweepAll(): Promise<number> {
    let total = 0
    for (;;) {
      let spent = 0
      const taken = await backend.transaction(() => {
        const start = performance.now()
        const isOver = (): boolean => performance.now() - start >= SWEEP_SLICE_MS
        const removed = sweepSlice(tables, now(), { isOver })
        spent = performance.now() - start
        return removed
      })
      if (taken === 0) return total
      total += taken
      // As long as the transaction took, so that the requests have at least half of the time.
      await wait(spent)
    }
  }

  const timer = setInterval(() => {
    sweep().catch((error: unknown) => {
      if (!closed) onWarning(`LMDB: what has expired could not be removed: ${String(error)}`)
    })
  }, SWEEP_EVERY_MS)
  timer.unref()

  const store = localStore(backend, {
    now,
    feed,
    touchEveryMs: TOUCH_EVERY_MS,
    // Every commit writes to this file, whichever process makes it.
    others: { everyMs: POLL_MS, listen: ({ wake }) => onFileChange(join(path, 'data.mdb'), wake) },
    async close() {
      if (closed) return
      closed = true
      clearInterval(timer)
      await root.close()
    },
  })
  return { ...store, sweep }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/** LMDB commits the changes of several callers together: one that throws must not undo the rest. */
function outcomeOf<T>(run: () => T): Outcome<T> {
  try {
    return { value: run() }
  } catch (error) {
    return { error }
  }
}

function caught<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value
  if (outcome.error instanceof SessionError) throw outcome.error
  throw unavailable('failed', outcome.error)
}

async function attempted<T>(transaction: Promise<T>): Promise<T> {
  try {
    return await transaction
  } catch (cause) {
    throw unavailable('could not write', cause)
  }
}

function unavailable(what: string, cause?: unknown): SessionError {
  return new SessionError('store_unavailable', `The LMDB store ${what}.`, { cause })
}

/** By `require`, so that whoever has not installed it is told what to write. */
function library(): typeof Lmdb {
  const { url }: { readonly url?: string } = import.meta
  // Bundles for CommonJS have no such address.
  const require = createRequire(url ?? join(process.cwd(), 'index.js'))
  return requiredPackage(() => require('lmdb') as typeof Lmdb, {
    whatFor: 'lmdbStore()',
    name: 'lmdb',
    version: '3',
  })
}

function openAt(
  { open }: typeof Lmdb,
  { path, mapSize }: { readonly path: string; readonly mapSize: number },
  opening: Opening,
): { readonly root: Lmdb.RootDatabase; readonly tables: Tables } {
  try {
    makeFolder(path, 0o700)
    return opening.alone(() => {
      const root = open({ path, mapSize, noSubdir: false, maxDbs: LMDB_TABLES })
      return { root, tables: lmdbTables(root) }
    })
  } catch (cause) {
    throw new SessionError(
      'config_invalid',
      `The LMDB store cannot be opened at ${path}. ` +
        'Name a directory that this process may write to.',
      { cause },
    )
  }
}
