import { setTimeout as pause } from 'node:timers/promises'
import { SessionError, type Store } from 'holdfast'
import type { EventLog, PlacedEvent, UnreadableEvent } from 'holdfast/maintenance'
import { type Cursor, decodeCursor, encodeCursor, type Positions } from 'holdfast/store'
import type { FeedPart } from '../entry.ts'
import type { Held, WriterLease } from './lease.ts'

/** The audit log as its writer sees it, in another thread. */
export interface LogSink {
  /**
   * Begins the segment of an epoch. `taken` is where an earlier writer, perhaps elsewhere, has come
   * to. Answers where to read on from: where this log stands, at or after that, or a little before
   * it, where a store that came back with less would show.
   */
  begin(epoch: number, taken: Positions): Promise<Positions>
  /**
   * What is appended is on disk. What stands there already is left out. `through`: what was read,
   * with and without events. Answers what the log accounts for, which is all that may be
   * acknowledged.
   */
  append(entries: readonly FeedPart[], through: Positions): Promise<Positions>
  /**
   * The store has dropped or lost what came after the log's positions; reading goes on after
   * `oldest`, and the store has come to `heads`. The log tells what is missing. What is read again
   * is known by its id.
   */
  restart(oldest: Positions, heads: Positions): Promise<void>
}

export interface AuditWriterOptions {
  readonly lease: WriterLease
  readonly sink: LogSink
  readonly events: EventLog
  readonly feed: Store['feed']
  /** As that of the store: what was read may be gone, and other events have its numbers. */
  readonly onRollback?: Store['onRollback']
  readonly stop: AbortSignal
  /** Told once for each cause, and once when it goes on. */
  readonly onState: (state: WriterState) => void
  /** Pause before the lease is asked for again (default 2 s). */
  readonly retryMs?: number
}

/** What the writer of this process does. */
export type WriterState =
  | { readonly is: 'writing'; readonly epoch: number }
  /** Another process is the writer. */
  | { readonly is: 'standby'; readonly holder: string | undefined }
  | { readonly is: 'failing'; readonly error: unknown }

const RETRY_MS = 2_000
const WATCH_EVERY_MS = 1_000
/** Entries that one append takes: one write and one `fsync`. */
const BATCH = 500
/** Entries that wait for the disk. Beyond that the feed is not read on. */
const MOST_WAITING = 2_000
/** Of an id that a store says. Ours have 22 letters. */
const MOST_ID = 64
const ACKNOWLEDGE_EVERY_MS = 1_000
/** Where nothing happens the lease alone is kept. */
const KEEP_LEASE_EVERY_MS = 5_000

/**
 * Follows the events of the store into the audit log, while this process holds the lease. Resolves
 * when `stop` is aborted, everything read is on disk and acknowledged, and the lease is released.
 */
export async function runAuditWriter(options: AuditWriterOptions): Promise<void> {
  const { lease, stop, onState, retryMs = RETRY_MS } = options
  let told = ''

  function tell(state: WriterState): void {
    const key = state.is === 'failing' ? `failing ${String(state.error)}` : state.is
    if (key !== told) onState(state)
    told = key
  }

  while (!stop.aborted) {
    try {
      const held = await lease.acquire()
      if (held === undefined) tell({ is: 'standby', holder: lease.holder() })
      else await write(held, { ...options, onState: tell })
    } catch (error) {
      tell({ is: 'failing', error })
      // A disk that is full here need not be full where another process would write.
      await lease.release().catch(() => {})
    }
    await pause(retryMs, undefined, { signal: stop, ref: false }).catch(() => {})
  }
}

async function write(held: Held, options: AuditWriterOptions): Promise<void> {
  const { lease, sink, feed, stop } = options
  const taken = held.taken === undefined ? [] : decodeCursor(held.taken)
  let positions = await sink.begin(held.epoch, taken)
  if (held.taken === undefined && positions.every((sequence) => sequence === 0)) {
    positions = await restarted(options)
  }
  while (!stop.aborted) {
    try {
      await follow(encodeCursor(positions), held, options)
    } catch (error) {
      if (!(error instanceof SessionError && error.code === 'feed_gap')) throw error
      positions = await restarted({ sink, feed })
    }
  }
  await lease.release()
}

/** Positions before everything that the store still has. */
async function restarted({
  sink,
  feed,
}: Pick<AuditWriterOptions, 'sink' | 'feed'>): Promise<Positions> {
  // What comes meanwhile is read, and is after the heads.
  const heads = decodeCursor(await feed.head())
  const { items, cursor } = await feed.read(undefined, 1)
  const [first] = items
  const positions = decodeCursor(cursor).map((sequence, partition) =>
    partition === first?.partition ? first.sequence - 1 : sequence,
  )
  await sink.restart(positions, heads)
  return positions
}

/** Until `stop` aborts, with everything acknowledged that was read; or throws what went wrong. */
async function follow(from: Cursor, { epoch }: Held, options: AuditWriterOptions): Promise<void> {
  const { events, sink, stop, onState } = options
  const failed = new AbortController()
  const either = AbortSignal.any([stop, failed.signal])
  const waiting: Placed[] = []
  const acknowledge = acknowledger(from, {
    ...options,
    onDone: () => onState({ is: 'writing', epoch }),
    onFault: (error) => failed.abort(error),
  })
  let appending: Promise<void> | undefined

  async function append(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      const through = decodeCursor(cursorAfter(batch.at(-1)))
      const positions = await sink.append(batch.map(partOf), through)
      waiting.splice(0, batch.length)
      acknowledge(positions)
    }
  }

  /** One at a time: who asks meanwhile waits for the one that runs. */
  function appended(): Promise<void> {
    appending ??= append().finally(() => {
      appending = undefined
    })
    return appending
  }

  const unwatch = options.onRollback?.(() => failed.abort(rolledBack()))
  try {
    for await (const one of events.watch(from, either, WATCH_EVERY_MS)) {
      if (one.kind !== 'heartbeat') {
        // What comes in one turn is appended together.
        const first = waiting.push(one) === 1
        if (first) setImmediate(() => appended().catch((error: unknown) => failed.abort(error)))
        if (waiting.length >= MOST_WAITING) await appended()
      } else if (waiting.length === 0 && appending === undefined) {
        acknowledge(await sink.append([], decodeCursor(one.cursor)))
      }
    }
    if (failed.signal.aborted) throw failed.signal.reason
    await appended()
    await acknowledge.last()
  } catch (error) {
    // What waits is read again: nothing of it may come after what is read then.
    waiting.length = 0
    await appending?.catch(() => {})
    throw error
  } finally {
    unwatch?.()
    await acknowledge.told()
  }
}

function rolledBack(): SessionError {
  return new SessionError('feed_gap', 'The store may have lost writes: the feed is read again.')
}

interface Acknowledge {
  /** Where it is time. What comes next need not wait for it. */
  (positions: Positions): void
  /** Resolves when nothing is on its way. */
  told(): Promise<void>
  /** What was not told yet. */
  last(): Promise<void>
}

/**
 * Tells the store what the log has, which keeps the lease, too. From then on the store drops
 * nothing that comes after, where it can hold its feed.
 */
function acknowledger(
  from: Cursor,
  {
    lease,
    feed,
    onDone,
    onFault,
  }: Pick<AuditWriterOptions, 'lease' | 'feed'> & {
    readonly onDone: () => void
    readonly onFault: (error: unknown) => void
  },
): Acknowledge {
  let toldAt = -Infinity
  let told: Cursor | undefined
  let newest = from
  let telling: Promise<void> | undefined

  async function tell(): Promise<void> {
    toldAt = performance.now()
    const cursor = newest
    told = cursor
    if (!(await lease.renew(cursor))) {
      throw new SessionError('store_unavailable', 'Another process writes the audit log now.')
    }
    await feed.hold?.confirm(cursor)
    onDone()
  }

  function acknowledge(positions: Positions): void {
    newest = encodeCursor(positions)
    const everyMs = newest === told ? KEEP_LEASE_EVERY_MS : ACKNOWLEDGE_EVERY_MS
    if (telling !== undefined || performance.now() - toldAt < everyMs) return
    telling = tell()
      .catch(onFault)
      .finally(() => {
        telling = undefined
      })
  }

  return Object.assign(acknowledge, {
    told: async () => telling,
    async last() {
      await telling
      await tell()
    },
  })
}

type Placed = PlacedEvent | UnreadableEvent

function cursorAfter(placed: Placed | undefined): Cursor {
  if (placed === undefined) return ''
  return placed.kind === 'event' ? placed.event.cursor : placed.cursor
}

function partOf(placed: Placed): FeedPart {
  const { partition, sequence } = placed
  if (placed.kind === 'unreadable')
    return { partition, sequence, unreadable: placed.id.slice(0, MOST_ID) }
  const { cursor: _, ...event } = placed.event
  return { partition, sequence, event, personal: placed.personal }
}
