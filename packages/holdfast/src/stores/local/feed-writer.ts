import type { AppendOptions } from '../../core/feed.ts'
import { backlogFull, type FeedBound, MEASURED_EVERY, sampledBound } from '../feed/bound.ts'
import type { Publish, Tables } from './tables.ts'

/** Appends to the feeds of the partitions, within the transaction that is running. */
export interface FeedWriter {
  /**
   * Throws where a change has to wait for the audit log. Asked before a transaction writes
   * anything; endings do not ask.
   */
  readonly admit: (partition: number, options?: AppendOptions) => void
  readonly publish: Publish
}

/** An entry of the feed with its place in a table, without the sealed bytes of an event. */
const ENTRY_BYTES = 200

/** Entries looked at for their size: at the end, in the middle and at the start of a feed. */
const SAMPLES = 6

/** Keeps as many entries of a partition as fit into its bytes, as far as samples tell. */
export function feedWriter(tables: Tables, bound: FeedBound): FeedWriter {
  const { entries, bytes } = bound
  const ofSamples = sampledBound(bound)
  const means = new Map<number, { readonly at: number; readonly mean: number }>()

  function measured(partition: number): number {
    const [oldest, newest] = [tables.feedOldest(partition), tables.feedNewest(partition)]
    const places = [oldest, Math.floor((oldest + newest) / 2), newest - SAMPLES + 1]
    const sizes = places
      .flatMap((from) => tables.feedRange({ partition, after: from - 1, count: SAMPLES }))
      .map(({ item }) => ENTRY_BYTES + (item?.kind === 'event' ? item.sealed.length : 0))
    return sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length)
  }

  /** Mean size of an entry when a partition has come to `sequence`; 0 where there is none yet. */
  function meanOf(partition: number, sequence: number): number {
    const known = means.get(partition)
    if (known !== undefined && sequence < known.at + MEASURED_EVERY) return known.mean
    const mean = measured(partition)
    means.set(partition, { at: sequence, mean })
    return mean
  }

  /** Entries that are kept in any case. */
  function usual(mean: number): number {
    return mean === 0 ? entries : Math.min(entries, Math.ceil(bytes / mean))
  }

  return {
    admit(partition, { sampled = false } = {}) {
      const confirmed = tables.confirmed(partition)
      if (confirmed === undefined) return
      const newest = tables.feedNewest(partition)
      const waiting = newest - Math.max(confirmed, tables.feedOldest(partition) - 1)
      if (waiting < MEASURED_EVERY) return
      const mean = meanOf(partition, newest)
      const { backlogBytes } = sampled ? ofSamples : bound
      if ((waiting - usual(mean)) * mean > backlogBytes) throw backlogFull(partition)
    },

    publish(partition, items) {
      let newest = tables.feedNewest(partition)
      const confirmed = tables.confirmed(partition) ?? Infinity
      for (const item of items) {
        newest++
        const unbound = newest - usual(meanOf(partition, newest)) + 1
        tables.appendFeed(partition, { sequence: newest, item }, Math.min(unbound, confirmed + 1))
      }
    },
  }
}
