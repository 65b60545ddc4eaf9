import { sealingCodec } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { systemHost } from '../codecs/system-host.ts'
import type { SessionEvent } from '../core/events.ts'
import type { Cursor, FeedEntry, StopSignal, Store } from '../core/store.ts'

/** An event and the position after it. */
export type LoggedEvent = SessionEvent & { readonly cursor: Cursor }

/** The event log of a store, opened: in order within a subject, kept up to the store's bound. */
export interface EventLog {
  /** The position after everything that has happened so far. */
  head(): Promise<Cursor>
  /** Up to `limit` feed entries after a position; the events among them. At the end, `cursor` no longer moves. */
  read(
    after: Cursor | undefined,
    limit: number,
  ): Promise<{ readonly items: readonly LoggedEvent[]; readonly cursor: Cursor }>
  /** Events as they come. Throws `feed_gap` when entries after the position are gone. */
  follow(after: Cursor, stop: StopSignal): AsyncIterable<LoggedEvent>
}

/** Reads the events that a store has kept, from any process that has the key ring. Throws `feed_gap` when they are gone, `key_unknown` when the ring lacks a key. */
export function eventLog({
  store,
  keyring,
}: {
  readonly store: Pick<Store, 'feed'>
  readonly keyring: Keyring
}): EventLog {
  const codec = sealingCodec(keyring, systemHost())

  function opened(entry: FeedEntry): readonly LoggedEvent[] {
    if (entry.kind !== 'event') return []
    const place = { kind: 'event' as const, id: entry.id, version: 1 }
    return [{ ...(codec.openJson(place, entry.sealed) as SessionEvent), cursor: entry.cursor }]
  }

  return {
    head: () => store.feed.head(),
    async read(after, limit) {
      const { items, cursor } = await store.feed.read(after, limit)
      return { items: items.flatMap(opened), cursor }
    },
    async *follow(after, stop) {
      for await (const entry of store.feed.follow(after, stop)) yield* opened(entry)
    },
  }
}
