import { clock } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { Store } from '../core/store.ts'
import { FEED_FIELDS, type FeedOptions, feedBoundOf } from './feed/bound.ts'
import { memoryTables } from './local/memory-tables.ts'
import { localStore } from './local/store.ts'
import { sweepSlice } from './local/sweep.ts'

/** Each transaction removes a few expired items, so that no timer is needed. */
const SWEEP_PER_TRANSACTION = 8

/** Clock and bounds of a store in memory. */
export interface MemoryOptions extends FeedOptions {
  readonly now?: () => number
}

/** The options of `memoryStore()`. */
export const MEMORY_OPTIONS = {
  of: 'memoryStore()',
  fields: {
    ...FEED_FIELDS,
    now: clock,
  } satisfies OptionsOf<MemoryOptions>,
} satisfies OptionTable

/**
 * Keeps everything in this process, for tests and demos. It is lost when the process ends, and no
 * other process sees it.
 *
 * @example
 * const store = memoryStore()
 */
export function memoryStore(options: MemoryOptions = {}): Store {
  const { now = () => Date.now(), ...bounds } = checked(MEMORY_OPTIONS, options)
  const tables = memoryTables()
  return localStore(
    {
      tables,
      async transaction(change) {
        const result = change()
        sweepSlice(tables, now(), { limit: SWEEP_PER_TRANSACTION })
        return result
      },
      read: (query) => query(),
    },
    { now, feed: feedBoundOf(bounds), close: async () => {} },
  )
}
