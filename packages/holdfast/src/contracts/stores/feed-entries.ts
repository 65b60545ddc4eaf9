import type { Cursor, FeedEntry, FeedItem } from '../../core/feed.ts'
import type { Store } from '../../core/store.ts'
import type { Samples } from './sample-entry.ts'

/** The whole feed from a position, page by page. */
export async function everything(store: Store, after?: Cursor, limit = 100): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = []
  for (let at = after; ; ) {
    const { items, cursor } = await store.feed.read(at, limit)
    if (items.length === 0) return entries
    entries.push(...items)
    at = cursor
  }
}

/** The next entries that a follower gets. */
export async function followed(store: Store, after: Cursor, size: number): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = []
  const stop = new AbortController()
  for await (const entry of store.feed.follow(after, stop.signal)) {
    entries.push(entry)
    if (entries.length === size) stop.abort()
  }
  return entries
}

/** The content of feed items, without their positions. */
export function essence({ partition: _, sequence: __, cursor: ___, ...item }: FeedEntry): unknown {
  const told: FeedItem = item
  return told.kind === 'event' ? { ...told, sealed: [...told.sealed] } : told
}

/** A position after which partition 5 got 400 events, in eight steps. */
export async function positionBeforeMuch(store: Store, make: Samples): Promise<Cursor> {
  const subject = make.subject(5)
  await store.feed.append(make.subject(6), [make.event()])
  const early = await store.feed.head()
  for (let i = 0; i < 8; i++) {
    await store.feed.append(subject, Array.from({ length: 50 }, make.event))
  }
  return early
}
