import { expect, test } from 'vitest'
import type { Cursor, FeedEntry, FeedItem, Heartbeat } from '../../core/feed.ts'
import { partitionOf } from '../../core/ids.ts'
import type { Store } from '../../core/store.ts'
import { essence, followed, positionBeforeMuch } from './feed-entries.ts'
import { nextOf } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

const reason = 'test'

/** Who reads on while the feed grows. */
export function followersContract(open: Open): void {
  test('a follower gets what is there already, then what comes, in order', async () => {
    const { store, host, make } = await open()
    const start = await store.feed.head()
    const events = Array.from({ length: 10 }, () => {
      host.advance(1)
      return make.event()
    })
    const [first, ...rest] = events
    await store.feed.append(make.subject(1), first === undefined ? [] : [first])

    const seen = followed(store, start, 10)
    for (const [i, event] of rest.entries()) await store.feed.append(make.subject(i), [event])

    const entries = await seen
    const ids = entries.map((entry) => entry.kind === 'event' && entry.id)
    expect(ids.toSorted()).toEqual(events.map(({ id }) => id).toSorted())
    const last = entries.at(-1)?.cursor
    expect(last).toBe(await store.feed.head())
  })

  test('a follower ends when it is stopped, and when the store is closed', async () => {
    const { store } = await open()
    const head = await store.feed.head()
    const stop = new AbortController()

    const stopped = count(store.feed.follow(head, stop.signal))
    const closed = count(store.feed.follow(head, new AbortController().signal))
    const never = count(store.feed.follow(head, AbortSignal.abort()))
    stop.abort()

    expect(await never).toBe(0)
    expect(await stopped).toBe(0)
    await store.close()
    expect(await closed).toBe(0)
  })

  test('a watcher gets heartbeats while nothing happens, then the entry that comes', async () => {
    const { store, make } = await open()
    const head = await store.feed.head()
    const stop = new AbortController()
    const event = make.event()
    const heard: string[] = []

    for await (const one of store.feed.watch(head, stop.signal, { everyMs: 5 })) {
      if (one.kind === 'heartbeat') {
        expect(one.ageMs).toBeGreaterThanOrEqual(0)
        if (heard.length === 0) expect(one.cursor).toBe(head)
        if (heard.length === 1) await store.feed.append(make.subject(), [event])
      } else expect(one).toMatchObject({ kind: 'event', id: event.id })
      heard.push(one.kind)
      if (heard.at(-2) === 'event') stop.abort()
    }

    expect(heard.slice(0, 2)).toEqual(['heartbeat', 'heartbeat'])
    expect(heard.slice(-2)).toEqual(['event', 'heartbeat'])
    expect(await store.feed.head()).not.toBe(head)
  })

  test('a watcher gets heartbeats also while there is always something new', async () => {
    const { store, make } = await open()
    const stop = new AbortController()
    let beats = 0

    for await (const one of store.feed.watch(await store.feed.head(), stop.signal, {
      everyMs: 5,
    })) {
      if (one.kind === 'heartbeat' && ++beats === 5) stop.abort()
      await store.feed.append(make.subject(), [make.event()])
    }

    expect(beats).toBe(5)
  })

  test('a watcher of some kinds hears each once, in order, and beats at the head', async () => {
    const { store, host, make } = await open()
    const start = await store.feed.head()
    const subject = make.subject(3)
    const ended: string[] = []
    for (let i = 0; i < 40; i++) {
      const entry = make.entry({ subject: i % 2 === 0 ? subject : make.subject(i) })
      await store.entries.write(entry, { events: [make.event()] })
      await store.entries.write(nextOf(entry, make.bytes()))
      await store.entries.revoke(entry.id, { reason, at: host.now() })
      ended.push(entry.id)
    }
    await store.feed.append(subject, [make.event(), make.event()])
    const heard: string[] = []
    const sequences: number[] = []

    for await (const one of watched(store, start, ['revoked', 'subject'])) {
      if (one.kind === 'heartbeat') {
        expect(one.cursor).toBe(await store.feed.head())
        break
      }
      expect(one.kind).toBe('revoked')
      if (one.kind === 'revoked') heard.push(one.session)
      if (one.partition === 3) sequences.push(one.sequence)
    }

    expect(heard.toSorted()).toEqual(ended.toSorted())
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
    expect(heard.filter((id) => partitionOf(id) === 3)).toEqual(
      ended.filter((id) => partitionOf(id) === 3),
    )
  })

  test('a watcher of some kinds goes on after any entry that it was told', async () => {
    const { store, host, make } = await open()
    const start = await store.feed.head()
    for (let i = 0; i < 9; i++) {
      const at = host.now()
      await store.subjects.revoke(make.subject(i % 3), { at, reason, events: [make.event()] })
      host.advance(1)
    }
    const told: FeedEntry[] = []
    for await (const one of watched(store, start, ['subject'])) {
      if (one.kind === 'heartbeat') break
      told.push(one)
    }

    for (const [i, { cursor }] of told.entries()) {
      const rest: unknown[] = []
      for await (const one of watched(store, cursor, ['subject'])) {
        if (one.kind === 'heartbeat') break
        rest.push(essence(one))
      }
      expect(rest).toEqual(told.slice(i + 1).map(essence))
    }
    expect(told).toHaveLength(9)
  })

  test('a watcher that wants none of what was dropped learns that there is a gap', async () => {
    const { store, make } = await open({ feedLimit: 50 })
    const early = await positionBeforeMuch(store, make)

    const heard = watched(store, early, ['revoked'])[Symbol.asyncIterator]().next()

    await expect(heard).rejects.toMatchObject({ code: 'feed_gap' })
  })
}

function watched(
  store: Store,
  after: Cursor,
  kinds: readonly FeedItem['kind'][],
): AsyncIterable<FeedEntry | Heartbeat> {
  return store.feed.watch(after, new AbortController().signal, { everyMs: 1_000, kinds })
}

async function count(entries: AsyncIterable<FeedEntry>): Promise<number> {
  let seen = 0
  for await (const _ of entries) seen++
  return seen
}
