import { SessionError } from '../../core/errors.ts'
import type { Cursor, Feed, FeedEntry, FeedItem, Heartbeat, StopSignal } from '../../core/store.ts'
import { pageSize } from '../input.ts'
import { cursorsAfter, decodeCursor, encodeCursor, type Positions, type Step } from './cursor.ts'
import type { HeadWatch } from './head-watch.ts'

/** The feeds of the partitions as a store keeps them, each by itself. */
export interface FeedSource {
  /** Newest sequence number of each partition, 0 when nothing happened yet. */
  heads(): Promise<Positions>
  /** Oldest sequence number that is kept in each partition; one above the newest if none is. */
  oldest(): Promise<Positions>
  /** Entries after a position, in order, for each partition asked for. */
  ranges(asked: readonly Range[]): Promise<readonly (readonly Numbered[])[]>
}

/** A part of the feed of one partition. */
export interface Range {
  readonly partition: number
  readonly after: number
  readonly count: number
}

/** An item and its sequence number within its partition. */
export interface Numbered {
  readonly sequence: number
  readonly item: FeedItem
}

const FOLLOW_PAGE = 256
const LEAST_PER_PARTITION = 8
const TRIES = 3

/** A position by time is right as long as the clocks of writers differ by no more. */
const CLOCKS_DIFFER_MS = 10_000

/** Entries read at each step of a search by time: a single one may be out of order. */
const RUN = 16

/** One feed over all partitions: merged by time, in order within each, with every gap noticed. */
export function feedReader(source: FeedSource, watch: HeadWatch): Omit<Feed, 'append'> {
  async function readFrom(positions: Positions, limit: number): Promise<Part> {
    const heads = await source.heads()
    const behind = heads.flatMap((head, partition) => {
      const after = positions[partition] ?? 0
      if (after > head) throw gap(partition, 'the store has lost what came before it')
      return head > after ? { partition, after, pending: head - after } : []
    })
    if (behind.length === 0) return { items: [], positions, reachesHeads: true }
    const part = await readBehind(behind, { positions, limit })
    if ('missingIn' in part) throw gap(part.missingIn, 'newer entries have taken its place')
    return {
      ...part,
      reachesHeads: heads.every((head, partition) => (part.positions[partition] ?? 0) >= head),
    }
  }

  /** As {@link readFrom}, but believes the known heads and asks for them only if they are wrong. */
  async function readKnown(positions: Positions, known: Positions, limit: number): Promise<Part> {
    const behind = positions.flatMap((after, partition) => {
      const head = known[partition] ?? 0
      return head > after ? { partition, after, pending: head - after } : []
    })
    const part = behind.length > 0 && (await readBehind(behind, { positions, limit }))
    if (part && !('missingIn' in part)) return { ...part, reachesHeads: false }
    watch.doubt()
    return readFrom(positions, limit)
  }

  async function readBehind(
    behind: readonly Behind[],
    { positions, limit }: { readonly positions: Positions; readonly limit: number },
  ): Promise<Omit<Part, 'reachesHeads'> | { readonly missingIn: number }> {
    const fair = Math.max(LEAST_PER_PARTITION, Math.ceil((2 * limit) / behind.length))
    const asked = behind.map(({ partition, after, pending }) => ({
      partition,
      after,
      count: Math.min(pending, limit, fair),
    }))
    const got = await source.ranges(asked)
    const queues: PartitionQueue[] = []
    for (const [at, { partition, after, pending }] of behind.entries()) {
      const items = got[at] ?? []
      if (items[0]?.sequence !== after + 1) return { missingIn: partition }
      queues.push({ partition, items, next: 0, more: pending > items.length })
    }
    return merge(queues, { positions, limit })
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
        // The oldest entries may be dropped meanwhile: start again from the oldest that is left.
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
    let known: Positions | undefined
    let beatAt = -Infinity
    while (!stop.aborted && !watch.closed()) {
      const askedAt = performance.now()
      const asked = known === undefined
      const part =
        known === undefined
          ? await readFrom(positions, FOLLOW_PAGE)
          : await readKnown(positions, known, FOLLOW_PAGE)
      for (const item of part.items) {
        if (stop.aborted) return
        yield item
      }
      positions = part.positions
      known = undefined
      const isDue = everyMs !== undefined && askedAt >= beatAt + everyMs
      if (isDue && part.reachesHeads) {
        beatAt = askedAt
        const ageMs = performance.now() - askedAt
        yield { kind: 'heartbeat', cursor: encodeCursor(positions), ageMs }
      } else if (isDue || (asked && !part.reachesHeads)) continue
      const leftMs = everyMs && Math.max(0, beatAt + everyMs - performance.now())
      known = await watch.moved(positions, stop, leftMs)
    }
  }

  /** First sequence number of each partition from which nothing is older than `at`. */
  async function firstsSince(at: number, { oldest, heads }: Ends): Promise<number[]> {
    const low = [...oldest]
    const high = heads.map((head) => head + 1)
    for (;;) {
      const asked = low.flatMap((from, partition) => {
        const to = high[partition] ?? 0
        if (from >= to) return []
        const middle = Math.floor((from + to) / 2)
        const after = Math.max((oldest[partition] ?? 1) - 1, middle - RUN)
        return { partition, middle, after, count: middle - after }
      })
      if (asked.length === 0) return low
      const runs = await source.ranges(asked)
      for (const [i, { partition, middle }] of asked.entries()) {
        if (newestIn((runs[i] ?? []).filter(({ sequence }) => sequence <= middle)) >= at)
          high[partition] = middle
        else low[partition] = middle + 1
      }
    }
  }

  async function position(at: number): Promise<{ cursor: Cursor; from: number }> {
    const [oldest, heads] = [await source.oldest(), await source.heads()]
    const firsts = await firstsSince(at - CLOCKS_DIFFER_MS, { oldest, heads })
    const cut = firsts.flatMap((first, partition) =>
      first === oldest[partition] && first > 1 ? { partition, after: first - 1, count: RUN } : [],
    )
    const kept = (await source.ranges(cut)).map((run) =>
      run.length === 0 ? Infinity : newestIn(run) + CLOCKS_DIFFER_MS,
    )
    return { cursor: encodeCursor(firsts.map((first) => first - 1)), from: Math.max(at, ...kept) }
  }

  return {
    async head() {
      return encodeCursor(await source.heads())
    },
    position,
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

interface Ends {
  readonly oldest: Positions
  readonly heads: Positions
}

interface Behind {
  readonly partition: number
  readonly after: number
  /** Number of entries after it. */
  readonly pending: number
}

/** The result of one step of reading. */
interface Part {
  readonly items: FeedEntry[]
  readonly positions: Positions
  /** Nothing was committed beyond `positions` when the step began. */
  readonly reachesHeads: boolean
}

/**
 * The newest instant of a run. An event has the time of what it tells of, which may be minutes
 * before its commit; a change has the time of its commit and is preferred.
 */
function newestIn(run: readonly Numbered[]): number {
  const items = run.map(({ item }) => item)
  const changes = items.filter(({ kind }) => kind !== 'event')
  return Math.max(...(changes.length > 0 ? changes : items).map(({ at }) => at))
}

/** The entries of one partition that have been read, and how many of them are merged. */
interface PartitionQueue {
  readonly partition: number
  readonly items: readonly Numbered[]
  next: number
  /** Whether the store has entries of this partition beyond `items`. */
  readonly more: boolean
}

/**
 * Takes the earliest entry each time. Stops where the next entry of a partition has not been read,
 * so that the order by time holds.
 */
function merge(
  queues: readonly PartitionQueue[],
  { positions, limit }: { readonly positions: Positions; readonly limit: number },
): { items: FeedEntry[]; positions: Positions } {
  const reached = [...positions]
  const items: FeedEntry[] = []
  const steps: Step[] = []
  const cursorAt = cursorsAfter(positions, steps)
  while (items.length < limit) {
    let first: PartitionQueue | undefined
    for (const queue of queues) {
      const candidate = queue.items[queue.next]
      if (candidate === undefined) {
        if (queue.more) return { items, positions: reached }
        continue
      }
      const best = first?.items[first.next]
      if (best === undefined || candidate.item.at < best.item.at) first = queue
    }
    const taken = first?.items[first.next]
    if (first === undefined || taken === undefined) break
    first.next++
    const step = { partition: first.partition, sequence: taken.sequence }
    const place = steps.push(step) - 1
    reached[step.partition] = step.sequence
    items.push({
      ...taken.item,
      ...step,
      get cursor() {
        return cursorAt(place)
      },
    })
  }
  return { items, positions: reached }
}

function gap(partition: number, reason: string): SessionError {
  return new SessionError(
    'feed_gap',
    `The feed of partition ${partition} does not reach back to that position: ${reason}. ` +
      'Take a new snapshot and read on from the head.',
  )
}
