import { isUnreadable, sealingCodec } from '../codecs/codec.ts'
import { openEvent } from '../codecs/event-record.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { systemHost } from '../codecs/system-host.ts'
import type { PersonalFacts, SessionEvent } from '../core/events.ts'
import type { Cursor, FeedEntry, Heartbeat, StopSignal } from '../core/feed.ts'
import type { Store } from '../core/store.ts'

/** An event and the position after it. */
export type LoggedEvent = SessionEvent & {
  readonly cursor: Cursor
  /**
   * What tells who a person is, where it was kept. Not enumerable: who copies or prints an event
   * has its public part alone, unless they ask for this by its name.
   */
  readonly personal: PersonalFacts | null
}

/** The event log of a store, opened: in order within a subject, kept up to the store's bound. */
export interface EventLog {
  /** The position after everything that has happened so far. */
  head(): Promise<Cursor>
  /**
   * Reads up to `limit` feed entries after a position and answers the events among them. At the end
   * `cursor` no longer moves. `unreadable` events do not open, because they are damaged or their
   * key is gone; they are left out. Throws `feed_gap` when entries after the position are gone.
   */
  read(
    after: Cursor | undefined,
    limit: number,
  ): Promise<{
    readonly items: readonly LoggedEvent[]
    readonly cursor: Cursor
    readonly unreadable: number
  }>
  /**
   * Events as they come, without those that do not open. Throws `feed_gap` when entries after the
   * position are gone.
   */
  follow(after: Cursor, stop: StopSignal): AsyncIterable<LoggedEvent>
  /**
   * As `follow`, with the place of each event in the feed, those that do not open, and a heartbeat
   * about every `everyMs`: for one follower that serves many readers.
   */
  watch(
    after: Cursor,
    stop: StopSignal,
    everyMs: number,
  ): AsyncIterable<PlacedEvent | UnreadableEvent | Heartbeat>
}

/** An event and its place in the feed: `sequence` counts within the partition. */
export interface PlacedEvent {
  readonly kind: 'event'
  readonly event: LoggedEvent
  readonly personal: PersonalFacts | null
  readonly partition: number
  readonly sequence: number
}

/** An event that does not open, because it is damaged or its key is gone, and its place. */
export interface UnreadableEvent {
  readonly kind: 'unreadable'
  /** As the store says. */
  readonly id: string
  readonly partition: number
  readonly sequence: number
  readonly cursor: Cursor
}

/**
 * Reads the events that a store has kept, from any process that has the key ring. `onWarning` hears
 * of the first event that does not open.
 */
export function eventLog({
  store,
  keyring,
  onWarning = () => {},
}: {
  readonly store: Pick<Store, 'feed'>
  readonly keyring: Keyring
  readonly onWarning?: (message: string) => void
}): EventLog {
  const codec = sealingCodec(keyring, systemHost())
  let warned = false

  function opened(entry: FeedEntry): LoggedEvent | undefined {
    if (entry.kind !== 'event') return undefined
    try {
      const { event, personal } = openEvent(codec, entry.id, entry.sealed)
      const logged = {
        ...event,
        get cursor() {
          return entry.cursor
        },
      }
      return Object.defineProperty(logged, 'personal', { value: personal }) as LoggedEvent
    } catch (error) {
      if (!isUnreadable(error)) throw error
      if (!warned) onWarning(`Events that do not open are left out of the log. ${error.message}`)
      warned = true
      return undefined
    }
  }

  return {
    head: () => store.feed.head(),
    async read(after, limit) {
      const { items, cursor } = await store.feed.read(after, limit)
      const events = items.filter(({ kind }) => kind === 'event')
      const readable = events.flatMap((entry) => opened(entry) ?? [])
      return { items: readable, cursor, unreadable: events.length - readable.length }
    },
    async *follow(after, stop) {
      for await (const entry of store.feed.follow(after, stop)) {
        const event = opened(entry)
        if (event !== undefined) yield event
      }
    },
    async *watch(after, stop, everyMs) {
      for await (const entry of store.feed.watch(after, stop, { everyMs })) {
        if (entry.kind === 'heartbeat') yield entry
        if (entry.kind !== 'event') continue
        const { id, partition, sequence } = entry
        const event = opened(entry)
        if (event === undefined) {
          yield { kind: 'unreadable', id, partition, sequence, cursor: entry.cursor }
        } else yield { kind: 'event', event, personal: event.personal, partition, sequence }
      }
    },
  }
}
