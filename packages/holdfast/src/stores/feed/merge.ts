import { derivedProperties } from '../../core/derived-properties.ts'
import type { FeedEntry, FeedItem } from '../../core/feed.ts'
import { cursorsAfter, type Positions, type Step } from './cursor.ts'
import type { Kinds, Numbered } from './reader.ts'

/** What was read, in order. */
export interface Merged {
  readonly items: readonly FeedEntry[]
  readonly positions: Positions
  /** Nothing that was known of is beyond `positions`. */
  readonly isWhole: boolean
}

/** The entries of one partition that have been read. */
export interface PartitionQueue {
  readonly partition: number
  readonly items: readonly Numbered[]
  /** Whether the store has entries of this partition beyond `items`. */
  readonly more: boolean
}

/** An entry in its place in the order of time. */
interface Placed extends Step {
  readonly item: FeedItem
  /** The newest instant of its partition so far: none of its entries overtakes another. */
  readonly at: number
}

/**
 * Orders what was read by time. Ends with the instant up to which a partition has been read, where
 * it has more, so that the order holds from step to step.
 */
export function merge(
  queues: readonly PartitionQueue[],
  { positions, limit }: { readonly positions: Positions; readonly limit: number },
): Merged {
  const read: Placed[] = []
  let end = Infinity
  for (const queue of queues) {
    const placed = placedOf(queue)
    for (const one of placed) read.push(one)
    if (queue.more) end = Math.min(end, placed.at(-1)?.at ?? Infinity)
  }
  const taken = read
    .sort((a, b) => a.at - b.at)
    .filter(({ at }) => at <= end)
    .slice(0, limit)
  const reached = [...positions]
  for (const { partition, sequence } of taken) reached[partition] = sequence
  return {
    items: entriesOf(taken, positions),
    positions: reached,
    isWhole: end === Infinity && taken.length === read.length,
  }
}

/** Takes the wanted kinds out of what was read, and passes all of it. */
export function pick(
  queues: readonly PartitionQueue[],
  { positions, kinds }: { readonly positions: Positions; readonly kinds: Kinds },
): Merged {
  const taken = queues.flatMap(placedOf).filter(({ item }) => kinds.has(item.kind))
  const reached = [...positions]
  for (const { partition, items } of queues) {
    reached[partition] = items.at(-1)?.sequence ?? reached[partition] ?? 0
  }
  return {
    items: entriesOf(
      taken.sort((a, b) => a.at - b.at),
      positions,
    ),
    positions: reached,
    isWhole: !queues.some(({ more }) => more),
  }
}

function placedOf({ partition, items }: PartitionQueue): Placed[] {
  const placed: Placed[] = []
  let at = -Infinity
  for (const { sequence, item } of items) {
    if (item === undefined) continue
    at = Math.max(at, item.at)
    placed.push({ partition, sequence, item, at })
  }
  return placed
}

function entriesOf(placed: readonly Placed[], start: Positions): readonly FeedEntry[] {
  if (placed.length === 0) return []
  const cursorAfter = cursorsAfter(start, placed)
  return placed.map(({ partition, sequence, item }) =>
    withCursor({ ...item, partition, sequence }, { cursorAfter, partition, sequence }),
  )
}

const withCursor = derivedProperties<
  Step & { readonly cursorAfter: ReturnType<typeof cursorsAfter> },
  Pick<FeedEntry, 'cursor'>
>({ cursor: ({ cursorAfter, ...step }) => cursorAfter(step) })
