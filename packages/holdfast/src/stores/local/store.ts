import { PARTITIONS } from '../../core/ids.ts'
import type { FeedItem, Store } from '../../core/store.ts'
import { type FeedBound, MEASURED_EVERY } from '../feed/bound.ts'
import { type HeadWatchOptions, headWatch } from '../feed/head-watch.ts'
import { feedReader } from '../feed/reader.ts'
import { checkedKey } from '../input.ts'
import { locate } from '../partition.ts'
import { writeProof } from '../write-proof.ts'
import { localEntries } from './entries.ts'
import { localReplays, localSubjects } from './subjects.ts'
import type { Backend, Publish, Tables } from './tables.ts'

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

  const entriesKept = entriesWithin(feed, tables)

  const publish: Publish = (partition, items) => {
    let { newest } = tables.feedEnds(partition)
    for (const item of items) {
      newest++
      const keepFrom = newest - entriesKept(partition, newest) + 1
      tables.appendFeed(partition, { sequence: newest, item }, keepFrom)
    }
  }

  async function transaction<T>(change: () => T): Promise<T> {
    const result = await backend.transaction(change)
    watch.wake()
    return result
  }

  const context = { ...backend, transaction, now, publish, touchEveryMs }
  const { flush, ...entries } = localEntries(context)
  const source = {
    heads,
    oldest: async () =>
      backend.read(() => ALL.map((partition) => tables.feedEnds(partition).oldest)),
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
      async append(key, events) {
        const { partition } = locate(checkedKey(key))
        const items = events.map((event): FeedItem => ({ kind: 'event', ...event }))
        await transaction(() => publish(partition, items))
      },
    },
    proveWritable: proof.prove,
    async close() {
      watch.close()
      await flush()
      await close()
    },
  }
}

/** An entry of the feed with its place in a table, without the sealed bytes of an event. */
const ENTRY_BYTES = 200

/** Entries looked at for their size: at the end, in the middle and at the start of a feed. */
const SAMPLES = 6

/**
 * Answers how many entries a partition may keep when it appends `sequence`: as many as fit into its
 * bytes, as far as samples of its entries tell.
 */
function entriesWithin(
  { entries, bytes }: FeedBound,
  tables: Tables,
): (partition: number, sequence: number) => number {
  const known = new Map<number, number>()

  function measured(partition: number): number {
    const { oldest, newest } = tables.feedEnds(partition)
    const places = [oldest, Math.floor((oldest + newest) / 2), newest - SAMPLES + 1]
    const sizes = places
      .flatMap((from) => tables.feedRange({ partition, after: from - 1, count: SAMPLES }))
      .map(({ item }) => ENTRY_BYTES + (item?.kind === 'event' ? item.sealed.length : 0))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    return total === 0 ? entries : Math.min(entries, Math.ceil((bytes * sizes.length) / total))
  }

  return (partition, sequence) => {
    const fit = known.get(partition)
    if (fit !== undefined && sequence % MEASURED_EVERY !== 0) return fit
    const now = measured(partition)
    known.set(partition, now)
    return now
  }
}

/** What the contracts of a local store share. */
export interface LocalContext extends Backend {
  readonly now: () => number
  readonly publish: Publish
  readonly touchEveryMs: number
}
