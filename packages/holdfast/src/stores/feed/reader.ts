import { setImmediate as turn } from 'node:timers/promises'
import { SessionError } from '../../core/errors.ts'
import type {
  Cursor,
  Feed,
  FeedEntry,
  FeedItem,
  Heartbeat,
  StopSignal,
  WatchOptions,
} from '../../core/feed.ts'
import { PARTITIONS } from '../../core/ids.ts'
import { pageSize } from '../input.ts'
import { decodeCursor, encodeCursor, type Positions } from './cursor.ts'
import type { HeadWatch } from './head-watch.ts'
import { type Merged, merge, type PartitionQueue, pick } from './merge.ts'

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
  /** Kinds that are asked for; all, where it is absent. */
  readonly kinds?: Kinds | undefined
}

export type Kinds = ReadonlySet<FeedItem['kind']>

/** An item and its sequence number within its partition. */
export interface Numbered {
  readonly sequence: number
  /** A source may leave an item out that was not asked for, never its number. */
  readonly item: FeedItem | undefined
}

/**
 * Entries that a follower gets in one turn of the event loop; about twice as many are read. Some
 * followers open a seal for each.
 */
const FOLLOW_PAGE = 512
const LEAST_PER_PARTITION = 8
const TRIES = 3

/** A position by time is right as long as the clocks of writers differ by no more. */
const CLOCKS_DIFFER_MS = 10_000

/** Entries read at each step of a search by time: a single one may be out of order. */
const RUN = 16

/** One feed over all partitions: merged by time, in order within each, with every gap noticed. */
export function feedReader(source: FeedSource, watch: HeadWatch): Omit<Feed, 'append'> {
  async function readFrom(positions: Positions, wanted: Wanted): Promise<Part> {
    const heads = await source.heads()
    const ahead = positions.findIndex((after, partition) => after > (heads[partition] ?? 0))
    if (ahead !== -1) throw lostBefore(ahead)
    const behind = behindOf(positions, heads)
    if (behind.length === 0) return { items: [], positions, isWhole: true, reachesHeads: true }
    const part = await readBehind(behind, positions, wanted)
    if ('missingIn' in part) throw gap(part.missingIn, 'newer entries have taken its place')
    return { ...part, reachesHeads: part.isWhole }
  }

  /** As {@link readFrom}, but believes the known heads and asks for them only if they are wrong. */
  async function readKnown(positions: Positions, known: Positions, wanted: Wanted): Promise<Part> {
    const behind = behindOf(positions, known)
    const how = { ...wanted, ranges: told }
    const part = behind.length > 0 && (await readBehind(behind, positions, how))
    if (part && !('missingIn' in part)) return { ...part, reachesHeads: false }
    watch.doubt()
    return readFrom(positions, wanted)
  }

  /** Reads only what no wake-up brought. */
  async function told(asked: readonly Range[]): Promise<readonly (readonly Numbered[])[]> {
    const here = asked.map((range) => watch.toldAfter(range))
    const missing = asked.filter((_, i) => here[i] === undefined)
    const read = missing.length === 0 ? [] : await source.ranges(missing)
    let next = 0
    return here.map((run) => run ?? read[next++] ?? [])
  }

  async function readBehind(
    behind: readonly Behind[],
    positions: Positions,
    { limit, kinds, ranges = source.ranges }: Wanted,
  ): Promise<Merged | { readonly missingIn: number }> {
    const fair = Math.max(LEAST_PER_PARTITION, Math.ceil((2 * limit) / behind.length))
    const asked = behind.map(({ partition, after, pending }) => ({
      partition,
      after,
      count: Math.min(pending, limit, fair),
      kinds,
    }))
    const got = await ranges(asked)
    const queues: PartitionQueue[] = []
    for (const [at, { partition, after, pending }] of behind.entries()) {
      const items = got[at] ?? []
      if (items[0]?.sequence !== after + 1) return { missingIn: partition }
      queues.push({ partition, items, more: pending > items.length })
    }
    return kinds === undefined
      ? merge(queues, { positions, limit })
      : pick(queues, { positions, kinds })
  }

  async function read(after: Positions | undefined, limit: number): ReturnType<typeof readFrom> {
    if (after !== undefined) return readFrom(after, { limit })
    for (let tries = 1; ; tries++) {
      const oldest = await source.oldest()
      try {
        return await readFrom(
          oldest.map((sequence) => sequence - 1),
          { limit },
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
    { everyMs, kinds }: Partial<WatchOptions> = {},
  ): AsyncGenerator<FeedEntry | Heartbeat> {
    const wanted = { limit: FOLLOW_PAGE, kinds: kinds && new Set(kinds) }
    let positions: Positions = decodeCursor(after)
    let known: Positions | undefined
    let beatAt = -Infinity
    const conflicts = watch.conflicts()
    while (!stop.aborted && !watch.closed()) {
      if (watch.conflicts() > conflicts) throw overwritten()
      const askedAt = performance.now()
      const asked = known === undefined
      const part =
        known === undefined
          ? await readFrom(positions, wanted)
          : await readKnown(positions, known, wanted)
      for (const item of part.items) {
        if (stop.aborted) return
        yield item
      }
      positions = part.positions
      known = undefined
      // A store on this machine answers in the same turn, however far behind the follower is.
      if (!part.isWhole) await turn()
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
      await turn()
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
      const from = after === undefined ? undefined : decodeCursor(after)
      const size = pageSize(limit)
      // Who looks through the whole feed asks for page after page, and none waits for anything.
      await turn()
      const { items, positions } = await read(from, size)
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

/** A plain loop: each follower asks at each entry, and one partition has moved as a rule. */
function behindOf(positions: Positions, heads: Positions): readonly Behind[] {
  const behind: Behind[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const after = positions[partition] ?? 0
    const head = heads[partition] ?? 0
    if (head > after) behind.push({ partition, after, pending: head - after })
  }
  return behind
}

interface Wanted {
  readonly limit: number
  readonly kinds?: Kinds | undefined
  /** How to read. Default: from the source. */
  readonly ranges?: FeedSource['ranges']
}

/** The result of one step of reading. */
interface Part extends Merged {
  /** Nothing was committed beyond `positions` when the step began. */
  readonly reachesHeads: boolean
}

/**
 * The newest instant of a run. An event has the time of what it tells of, which may be minutes
 * before its commit; a change has the time of its commit and is preferred.
 */
function newestIn(run: readonly Numbered[]): number {
  const items = run.flatMap(({ item }) => item ?? [])
  const changes = items.filter(({ kind }) => kind !== 'event')
  return Math.max(...(changes.length > 0 ? changes : items).map(({ at }) => at))
}

function overwritten(): SessionError {
  return new SessionError(
    'feed_gap',
    'The feed has another entry where one was told before: the store has lost something. ' +
      'Take a new snapshot and read on from the head.',
  )
}

/** A position is ahead of the store. */
export function lostBefore(partition: number): SessionError {
  return gap(partition, 'the store has lost what came before it')
}

function gap(partition: number, reason: string): SessionError {
  return new SessionError(
    'feed_gap',
    `The feed of partition ${partition} does not reach back to that position: ${reason}. ` +
      'Take a new snapshot and read on from the head.',
  )
}
