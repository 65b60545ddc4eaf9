import { SessionError } from '../core/errors.ts'
import type { Cursor, Feed, FeedEntry, FeedItem, Heartbeat, StopSignal } from '../core/store.ts'
import { pageSize } from './arguments.ts'
import { decodeCursor, encodeCursor, type Positions } from './feed-cursor.ts'
import type { HeadWatch } from './head-watch.ts'

/** The feed of each partition on its own, as a store keeps it. */
export interface FeedSource {
  /** Newest sequence number of each partition, 0 when nothing happened yet. */
  heads(): Promise<Positions>
  /** Oldest sequence number still kept, one above the newest when none is. */
  oldest(): Promise<Positions>
  /** Entries after a position, in order, for each partition asked for. */
  ranges(asked: readonly Range[]): Promise<readonly (readonly Numbered[])[]>
}

export interface Range {
  readonly partition: number
  readonly after: number
  readonly count: number
}

export interface Numbered {
  readonly sequence: number
  readonly item: FeedItem
}

const FOLLOW_PAGE = 256
const LEAST_PER_PARTITION = 8
const TRIES = 3

/** One feed over all partitions: merged by time, in order within each, every gap noticed. */
export function feedReader(source: FeedSource, watch: HeadWatch): Omit<Feed, 'append'> {
  async function readFrom(
    positions: Positions,
    limit: number,
  ): Promise<{ items: FeedEntry[]; positions: Positions }> {
    const heads = await source.heads()
    const behind = heads.flatMap((head, partition) => {
      const after = positions[partition] ?? 0
      if (after > head) throw gap(partition, 'the store has lost what came before it')
      return head > after ? { partition, after, pending: head - after } : []
    })
    if (behind.length === 0) return { items: [], positions }
    const fair = Math.max(LEAST_PER_PARTITION, Math.ceil((2 * limit) / behind.length))
    const asked = behind.map(({ partition, after, pending }) => ({
      partition,
      after,
      count: Math.min(pending, limit, fair),
    }))
    const got = await source.ranges(asked)
    const lanes = asked.map(({ partition, after }, lane) => {
      const items = got[lane] ?? []
      if (items[0]?.sequence !== after + 1)
        throw gap(partition, 'newer entries have taken its place')
      return { partition, items, next: 0, more: (behind[lane]?.pending ?? 0) > items.length }
    })
    return merge(lanes, { positions, limit })
  }

  async function read(after: Positions | undefined, limit: number): ReturnType<typeof readFrom> {
    if (after !== undefined) return readFrom(after, limit)
    for (let tries = 1; ; tries++) {
      const oldest = await source.oldest()
      try {
        return await readFrom(
          oldest.map((sequence) => sequence - 1),
          limit,
        )
      } catch (error) {
        // the oldest entries may go while we look: start again from what is the oldest now
        const lost = error instanceof SessionError && error.code === 'feed_gap'
        if (!lost || tries === TRIES) throw error
      }
    }
  }

  async function* followed(
    after: Cursor,
    stop: StopSignal,
    everyMs?: number,
  ): AsyncGenerator<FeedEntry | Heartbeat> {
    let positions: Positions = decodeCursor(after)
    while (!stop.aborted && !watch.closed()) {
      const askedAt = performance.now()
      const page = await readFrom(positions, FOLLOW_PAGE)
      for (const item of page.items) {
        if (stop.aborted) return
        yield item
      }
      positions = page.positions
      if (page.items.length > 0) continue
      if (everyMs !== undefined) {
        const ageMs = performance.now() - askedAt
        yield { kind: 'heartbeat', cursor: encodeCursor(positions), ageMs }
      }
      await watch.moved(positions, stop, everyMs)
    }
  }

  return {
    async head() {
      return encodeCursor(await source.heads())
    },
    async read(after, limit) {
      const { items, positions } = await read(
        after === undefined ? undefined : decodeCursor(after),
        pageSize(limit),
      )
      return { items, cursor: encodeCursor(positions) }
    },
    async *follow(after, stop) {
      for await (const entry of followed(after, stop)) if (entry.kind !== 'heartbeat') yield entry
    },
    watch: followed,
  }
}

interface Lane {
  readonly partition: number
  readonly items: readonly Numbered[]
  next: number
  /** The store has entries of this partition beyond `items`. */
  readonly more: boolean
}

/** Always takes the earliest entry; stops where the next one of a partition is not at hand, so that time order holds. */
function merge(
  lanes: readonly Lane[],
  { positions, limit }: { readonly positions: Positions; readonly limit: number },
): { items: FeedEntry[]; positions: Positions } {
  const reached = [...positions]
  const items: FeedEntry[] = []
  while (items.length < limit) {
    let first: Lane | undefined
    for (const lane of lanes) {
      const candidate = lane.items[lane.next]
      if (candidate === undefined) {
        if (lane.more) return { items, positions: reached }
        continue
      }
      const best = first?.items[first.next]
      if (best === undefined || candidate.item.at < best.item.at) first = lane
    }
    const taken = first?.items[first.next]
    if (first === undefined || taken === undefined) break
    first.next++
    reached[first.partition] = taken.sequence
    items.push({
      ...taken.item,
      partition: first.partition,
      sequence: taken.sequence,
      cursor: encodeCursor(reached),
    })
  }
  return { items, positions: reached }
}

function gap(partition: number, why: string): SessionError {
  return new SessionError(
    'feed_gap',
    `The feed of partition ${partition} does not reach back to that position: ${why}. Take a new snapshot and read on from the head.`,
  )
}
