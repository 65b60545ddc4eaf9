import { expect, test } from 'vitest'
import { essence, everything, followed, positionBeforeMuch } from './feed-entries.ts'
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
    const third = nextOf(nextOf(entry, make.bytes()), make.bytes())
    await store.entries.write(third, { attributes: { version: 1, sealed: make.bytes() } })
    await store.entries.revoke(entry.id, { reason, at, events: [end] })
    const told = await everything(store)
    const before = await store.feed.head()
    await store.subjects.revoke(subject, { at, reason, events: [all] })
    const after = await everything(store, before)

    expect(told.map(essence)).toEqual([
      { kind: 'event', id: login.id, at, sealed: [...login.sealed] },
      { kind: 'changed', session: entry.id, version: 2, at },
      { kind: 'event', id: change.id, at, sealed: [...change.sealed] },
      { kind: 'changed', session: entry.id, version: 3, at },
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
    const end = { reason, at: host.now(), events }
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
    const early = await positionBeforeMuch(store, make)

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
