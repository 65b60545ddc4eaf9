import { PARTITIONS } from '../../core/ids.ts'
import type { FeedItem, Store } from '../../core/store.ts'
import { type HeadWatchOptions, headWatch } from '../feed/head-watch.ts'
import { feedReader } from '../feed/reader.ts'
import { checkedKey } from '../input.ts'
import { locate } from '../partition.ts'
import { localEntries } from './entries.ts'
import { localReplays, localSubjects } from './subjects.ts'
import type { Backend, Publish } from './tables.ts'

/** Entries that each partition of a feed keeps unless told otherwise. */
export const FEED_LIMIT = 10_000

/** Clock, bounds and the end of a store on this machine. */
export interface LocalOptions {
  readonly now: () => number
  readonly feedLimit: number
  /** How to hear of writes by other processes. Absent: only this process writes. */
  readonly others?: HeadWatchOptions
  readonly close: () => Promise<void>
}

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/** The rules of the store contract, over the tables of this machine. */
export function localStore(
  backend: Backend,
  { now, feedLimit, others, close }: LocalOptions,
): Store {
  const { tables } = backend
  const heads = async (): Promise<readonly number[]> => backend.read(() => tables.feedHeads())
  const watch = headWatch(heads, others)

  const publish: Publish = (partition, items) => {
    let { newest } = tables.feedEnds(partition)
    for (const item of items) {
      newest++
      tables.appendFeed(partition, { sequence: newest, item }, newest - feedLimit + 1)
    }
  }

  async function transaction<T>(change: () => T): Promise<T> {
    const result = await backend.transaction(change)
    watch.wake()
    return result
  }

  const context = { ...backend, transaction, now, publish }
  const source = {
    heads,
    oldest: async () =>
      backend.read(() => ALL.map((partition) => tables.feedEnds(partition).oldest)),
    ranges: async (asked: Parameters<typeof tables.feedRange>[0][]) =>
      backend.read(() => asked.map((range) => tables.feedRange(range))),
  }

  return {
    entries: localEntries(context),
    subjects: localSubjects(context),
    replays: localReplays(context),
    feed: {
      ...feedReader(source, watch),
      async append(key, events) {
        const { partition } = locate(checkedKey(key))
        const items = events.map((event): FeedItem => ({ kind: 'event', ...event }))
        await transaction(() => publish(partition, items))
      },
    },
    async close() {
      watch.close()
      await close()
    },
  }
}

/** What the contracts of a local store share. */
export interface LocalContext extends Backend {
  readonly now: () => number
  readonly publish: Publish
}
