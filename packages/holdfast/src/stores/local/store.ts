import type { FeedItem } from '../../core/feed.ts'
import { PARTITIONS } from '../../core/ids.ts'
import type { Store } from '../../core/store.ts'
import type { FeedBound } from '../feed/bound.ts'
import { type HeadWatchOptions, headWatch } from '../feed/head-watch.ts'
import { feedHold } from '../feed/hold.ts'
import { feedReader } from '../feed/reader.ts'
import { checkedKey } from '../input.ts'
import { locate } from '../partition.ts'
import { writeProof } from '../write-proof.ts'
import { localEntries } from './entries.ts'
import { type FeedWriter, feedWriter } from './feed-writer.ts'
import { localReplays, localSubjects } from './subjects.ts'
import type { Backend } from './tables.ts'

/** Clock, bounds and the end of a store on this machine. */
export interface LocalOptions {
  readonly now: () => number
  readonly feed: FeedBound
  /** How to hear of writes by other processes. Absent: only this process writes. */
  readonly others?: HeadWatchOptions
  readonly close: () => Promise<void>
  /** Activity is written this often at most, ms. Default 0: at once. */
  readonly touchEveryMs?: number
}

/** No digest of a key of the replay guard is so short. */
const MARK = 'mark'

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/** The rules of the store contract, over the tables of this machine. */
export function localStore(
  backend: Backend,
  { now, feed, others, close, touchEveryMs = 0 }: LocalOptions,
): Store {
  const { tables } = backend
  const heads = async (): Promise<readonly number[]> => backend.read(() => tables.feedHeads())
  const watch = headWatch(heads, others)

  const { admit, publish } = feedWriter(tables, feed)

  async function transaction<T>(change: () => T): Promise<T> {
    const result = await backend.transaction(change)
    watch.wake()
    return result
  }

  const context = { ...backend, transaction, now, admit, publish, touchEveryMs }
  const { flush, ...entries } = localEntries(context)
  const source = {
    heads,
    oldest: async () => backend.read(() => ALL.map(tables.feedOldest)),
    ranges: async (asked: Parameters<typeof tables.feedRange>[0][]) =>
      backend.read(() => asked.map((range) => tables.feedRange(range))),
  }

  const proof = writeProof(() => backend.transaction(() => tables.putReplay(MARK, now())))

  return {
    entries,
    subjects: localSubjects(context),
    replays: localReplays(context),
    feed: {
      ...feedReader(source, watch),
      async append(key, events, options) {
        const { partition } = locate(checkedKey(key))
        const items = events.map((event): FeedItem => ({ kind: 'event', ...event }))
        await transaction(() => {
          admit(partition, options)
          publish(partition, items)
        })
      },
      hold: feedHold({
        heads,
        confirmed: async () => backend.read(() => ALL.map(tables.confirmed)),
        async confirm(moved) {
          await backend.transaction(() => {
            for (const { partition, sequence } of moved) {
              if (sequence > (tables.confirmed(partition) ?? -1))
                tables.putConfirmed(partition, sequence)
            }
          })
        },
        async release() {
          await backend.transaction(() => {
            for (const partition of ALL) tables.removeConfirmed(partition)
          })
        },
      }),
    },
    proveWritable: proof.prove,
    async close() {
      watch.close()
      await flush()
      await close()
    },
  }
}

/** What the contracts of a local store share. */
export interface LocalContext extends Backend, FeedWriter {
  readonly now: () => number
  readonly touchEveryMs: number
}
