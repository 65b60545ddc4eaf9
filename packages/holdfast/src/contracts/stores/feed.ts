import { expect, test } from 'vitest'
import { partitionOf } from '../../core/ids.ts'
import type { Cursor, FeedEntry, FeedItem, Heartbeat, Store } from '../../core/store.ts'
import { nextOf } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

const reason = 'test'

/** The feed: what happened, in order. A gap never goes unnoticed. */
export function feedContract(open: Open): void {
  test('a new store has nothing to tell', async () => {
    const { store } = await open()
    const head = await store.feed.head()

    expect(await store.feed.read(undefined, 10)).toEqual({ items: [], cursor: head })
    expect(await store.feed.read(head, 10)).toEqual({ items: [], cursor: head })
  })

  test('changes, ends and events come in order, each with the step that made it', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    const subject = make.subject(entry.id.charCodeAt(0) % 64)
    const [login, change, end, all] = [make.event(), make.event(), make.event(), make.event()]
    const at = host.now()

    await store.entries.write(entry, { events: [login] })
    await store.entries.write(nextOf(entry, make.bytes()), { events: [change] })
    await store.entries.attach(entry.id, { version: 1, sealed: make.bytes() })
    await store.entries.revoke(entry.id, { until: entry.deadline, reason, at, events: [end] })
    const told = await everything(store)
    const before = await store.feed.head()
    await store.subjects.revoke(subject, { at, reason, events: [all] })
    const after = await everything(store, before)

    expect(told.map(essence)).toEqual([
      { kind: 'event', id: login.id, at, sealed: [...login.sealed] },
      { kind: 'changed', session: entry.id, version: 2, at },
      { kind: 'event', id: change.id, at, sealed: [...change.sealed] },
      { kind: 'changed', session: entry.id, version: 2, at },
      { kind: 'revoked', session: entry.id, reason, at },
      { kind: 'event', id: end.id, at, sealed: [...end.sealed] },
    ])
    expect(told.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
    expect(after.map(essence)).toEqual([
      { kind: 'subject', subject, generation: at, except: null, reason, at },
      { kind: 'event', id: all.id, at, sealed: [...all.sealed] },
    ])
  })

  test('the session that is kept is told only if it was there to be kept', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const [kept, unknown] = [make.entry({ subject }), make.entry({ subject })]
    await store.entries.write(kept)
    const at = host.now()

    await store.subjects.revoke(subject, { at, reason, except: kept.id })
    await store.subjects.revoke(subject, { at, reason, except: unknown.id })

    expect(await everything(store)).toMatchObject([{ except: kept.id }, { except: null }])
  })

  test('events are committed with a write that was done, and with no other', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const entry = make.entry({ subject })
    const events = [make.event()]
    await store.entries.write(entry)
    const before = await store.feed.head()

    await store.entries.write(entry, { events })
    await store.entries.write({ ...nextOf(entry, make.bytes()), version: 9 }, { events })
    await store.entries.write(make.entry({ subject }), { limit: 1, events })
    await store.entries.write(nextOf(make.entry(), make.bytes()), { events })
    const unknown = make.entry()
    const end = { until: unknown.deadline, reason, at: host.now(), events }
    await store.entries.revoke(unknown.id, end)
    await store.entries.revoke(unknown.id, end)

    expect(await everything(store, before)).toEqual([])
  })

  test('events that come with no change are told as well', async () => {
    const { store, make } = await open()
    const [one, two] = [make.event(), make.event()]

    await store.feed.append(make.subject(), [one])
    await store.feed.append(make.entry().id, [two])
    await store.feed.append(make.subject(), [])

    const ids = (await everything(store)).map((entry) => entry.kind === 'event' && entry.id)
    expect(ids.toSorted()).toEqual([one.id, two.id].toSorted())
  })

  test('each partition counts for itself, and reading merges them by time', async () => {
    const { store, host, make } = await open()
    const instants: number[] = []
    for (let i = 0; i < 30; i++) {
      await store.feed.append(make.subject(i % 7), [make.event()])
      instants.push(host.now())
      host.advance(10)
    }

    for (const limit of [1, 7, 1_000]) {
      const told = await everything(store, undefined, limit)
      expect(told.map(({ at }) => at)).toEqual(instants)
      for (const partition of [0, 3, 6]) {
        const sequences = told.filter((entry) => entry.partition === partition)
        expect(sequences.map(({ sequence }) => sequence)).toEqual(sequences.map((_, i) => i + 1))
      }
    }
  })

  test('reading goes on after any entry', async () => {
    const { store, host, make } = await open()
    for (let i = 0; i < 12; i++) {
      await store.feed.append(make.subject(i % 3), [make.event()])
      host.advance(1)
    }
    const told = await everything(store)

    for (const [i, entry] of told.entries()) {
      const { cursor } = { ...entry }
      const rest = await everything(store, cursor)
      expect(rest.map(essence)).toEqual(told.slice(i + 1).map(essence))
    }
  })

  test('the head is the position after all that has happened', async () => {
    const { store, make } = await open()
    await store.feed.append(make.subject(1), [make.event()])
    const head = await store.feed.head()
    const later = make.event()
    await store.feed.append(make.subject(2), [later])

    expect((await everything(store, head)).map(essence)).toMatchObject([{ id: later.id }])
    expect(await everything(store, await store.feed.head())).toEqual([])
  })

  test('who is behind what is kept learns that there is a gap', async () => {
    const { store, make } = await open({ feedLimit: 50 })
    const subject = make.subject(5)
    await store.feed.append(make.subject(6), [make.event()])
    const early = await store.feed.head()
    for (let i = 0; i < 8; i++) {
      await store.feed.append(subject, Array.from({ length: 50 }, make.event))
    }

    await expect(store.feed.read(early, 10)).rejects.toMatchObject({ code: 'feed_gap' })
    await expect(followed(store, early, 1)).rejects.toMatchObject({ code: 'feed_gap' })
    const kept = await everything(store)
    const sequences = kept.filter(({ partition }) => partition === 5).map((e) => e.sequence)
    expect(sequences.length).toBeGreaterThanOrEqual(50)
    expect(sequences.length).toBeLessThanOrEqual(200)
    expect(sequences.at(-1)).toBe(400)
    expect(sequences).toEqual(sequences.map((_, i) => 401 - sequences.length + i))
  })

  test('a position that is ahead of the store is a gap: the store has lost something', async () => {
    const { store: other, make } = await open()
    const { store } = await open()
    await other.feed.append(make.subject(), [make.event()])

    const ahead = await other.feed.head()

    await expect(store.feed.read(ahead, 10)).rejects.toMatchObject({ code: 'feed_gap' })
  })

  test('what is no position is refused', async () => {
    const { store } = await open()
    const head = await store.feed.head()

    for (const cursor of ['', 'x', '!', `${head}AAAA`, 'A'.repeat(5_000), '_'.repeat(40)]) {
      const read = store.feed.read(cursor, 10)
      await expect(read).rejects.toMatchObject({ code: 'invalid_input' })
    }
  })

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
      await store.entries.revoke(entry.id, { until: entry.deadline, reason, at: host.now() })
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
    const subject = make.subject(5)
    await store.feed.append(make.subject(6), [make.event()])
    const early = await store.feed.head()
    for (let i = 0; i < 8; i++) {
      await store.feed.append(subject, Array.from({ length: 50 }, make.event))
    }

    const heard = watched(store, early, ['revoked'])[Symbol.asyncIterator]().next()

    await expect(heard).rejects.toMatchObject({ code: 'feed_gap' })
  })

  test('a position by time is before what came from then on, and after what is past', async () => {
    const { store, host, make } = await open()
    const instants: number[] = []
    for (let i = 0; i < 60; i++) {
      await store.feed.append(make.subject(i % 3), [make.event(), make.event()])
      instants.push(host.now())
      host.advance(20_000)
    }

    for (const at of [0, instants[0], instants[20], instants[59], host.now() + 60_000]) {
      const { cursor, from } = await store.feed.position(at ?? 0)
      const told = (await everything(store, cursor)).map((entry) => entry.at)
      const wanted = instants.filter((instant) => instant >= (at ?? 0)).flatMap((one) => [one, one])
      expect(from).toBe(at)
      expect(told.slice(told.length - wanted.length)).toEqual(wanted)
      expect(told.length - wanted.length).toBeLessThanOrEqual(4)
    }
  })

  test('a position by time is right although events tell of what was minutes before', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    const late = { ...make.event(), at: host.now() - 240_000 }
    await store.entries.write(entry)
    host.advance(60_000)
    const at = host.now()
    await store.entries.revoke(entry.id, {
      until: entry.deadline,
      reason,
      at,
      events: [late, late],
    })
    await store.feed.append(entry.id, [late])

    const { cursor } = await store.feed.position(at)

    expect(await everything(store, cursor)).toMatchObject([{ kind: 'revoked' }, {}, {}, {}])
  })

  test('a position by time says since when the feed is whole where it was cut', async () => {
    const { store, host, make } = await open({ feedLimit: 50 })
    const start = host.now()
    for (let i = 0; i < 40; i++) {
      await store.feed.append(make.subject(5), Array.from({ length: 20 }, make.event))
      host.advance(1_000)
    }
    const [oldest] = await everything(store)

    const { cursor, from } = await store.feed.position(start)

    expect(from).toBeGreaterThanOrEqual(oldest?.at ?? Infinity)
    expect(from).toBeLessThan(host.now() + 10_000)
    expect((await everything(store, cursor))[0]).toEqual(oldest)
  })
}

/** The whole feed from a position, page by page. */
async function everything(store: Store, after?: Cursor, limit = 100): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = []
  for (let at = after; ; ) {
    const { items, cursor } = await store.feed.read(at, limit)
    if (items.length === 0) return entries
    entries.push(...items)
    at = cursor
  }
}

/** The next entries that a follower gets. */
async function followed(store: Store, after: Cursor, size: number): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = []
  const stop = new AbortController()
  for await (const entry of store.feed.follow(after, stop.signal)) {
    entries.push(entry)
    if (entries.length === size) stop.abort()
  }
  return entries
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

/** The content of feed items, without their positions. */
function essence({ partition: _, sequence: __, cursor: ___, ...item }: FeedEntry): unknown {
  const told: FeedItem = item
  return told.kind === 'event' ? { ...told, sealed: [...told.sealed] } : told
}
