import { expect, type TestContext, test } from 'vitest'
import type { AppendOptions, FeedHold, SealedEvent } from '../../core/feed.ts'
import { type SubjectKey, subjectOf } from '../../core/ids.ts'
import type { Store } from '../../core/store.ts'
import { essence, everything, positionBeforeMuch } from './feed-entries.ts'
import { nextOf, type Samples } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

const reason = 'test'
const FULL = { code: 'store_unavailable', message: expect.stringContaining('audit log') }

/** Bounds that are reached soon. */
const FEW = { feedLimit: 50, auditBacklogBytes: 1_000_000 }

/** Far more than may wait. */
const TOO_MANY = 2_000

/** A feed that is held for an audit log. A store that does not hold its feed skips it. */
export function heldFeedContract(open: Open): void {
  test('what was not confirmed is kept beyond the bounds, and no longer', async (context) => {
    const { store, make } = await open({ feedLimit: 50 })
    const hold = holdOf(store, context)
    await hold.confirm(await store.feed.head())
    const early = await positionBeforeMuch(store, make)

    const kept = (await everything(store, early)).map(({ sequence }) => sequence)
    await hold.confirm(await store.feed.head())
    await positionBeforeMuch(store, make)
    await hold.confirm(await store.feed.head())
    await positionBeforeMuch(store, make)

    expect(kept).toEqual(Array.from({ length: 400 }, (_, i) => i + 1))
    await expect(store.feed.read(early, 10)).rejects.toMatchObject({ code: 'feed_gap' })
    const left = await everything(store, await hold.confirmed())
    expect(left.filter(({ partition }) => partition === 5)).toHaveLength(400)
  })

  test('nothing is held before the first confirmation, nor after the release', async (context) => {
    const { store, make } = await open({ feedLimit: 50 })
    const hold = holdOf(store, context)
    expect(await hold.confirmed()).toBeUndefined()

    await hold.release()
    await hold.confirm(await store.feed.head())
    await hold.release()
    const early = await positionBeforeMuch(store, make)

    expect(await hold.confirmed()).toBeUndefined()
    await expect(store.feed.read(early, 10)).rejects.toMatchObject({ code: 'feed_gap' })
  })

  test('a confirmed position never goes back, whoever confirms again', async (context) => {
    const { store, make } = await open()
    const hold = holdOf(store, context)
    const first = await store.feed.head()
    await store.feed.append(make.subject(1), [make.event()])
    const second = await store.feed.head()
    await store.feed.append(make.subject(2), [make.event()])
    const third = await store.feed.head()

    for (const [cursor, confirmed] of [
      [first, first],
      [third, third],
      [third, third],
      [second, third],
      [first, third],
    ] as const) {
      await hold.confirm(cursor)
      expect(await hold.confirmed()).toBe(confirmed)
    }
    await Promise.all([second, third, first].map((cursor) => hold.confirm(cursor)))
    expect(await hold.confirmed()).toBe(third)
  })

  test('a position that is ahead of the store, or none, confirms nothing', async (context) => {
    const { store: other, make } = await open()
    const { store } = await open()
    const hold = holdOf(store, context)
    await other.feed.append(make.subject(), [make.event()])

    const ahead = hold.confirm(await other.feed.head())

    await expect(ahead).rejects.toMatchObject({ code: 'feed_gap' })
    await expect(hold.confirm('x')).rejects.toMatchObject({ code: 'invalid_input' })
    expect(await hold.confirmed()).toBeUndefined()
  })

  test('while no more may wait, nothing is changed, and all reads go on', async (context) => {
    const { store, host, make } = await open(FEW)
    const hold = holdOf(store, context)
    const subject = make.subject(5)
    const entry = make.entry({ subject })
    await store.entries.write(entry)
    await hold.confirm(await store.feed.head())
    const events = await fill(store, subject, make)
    const before = await store.feed.head()
    const fresh = make.entry({ subject })
    const attributes = { version: 1, sealed: make.bytes() }
    const more = { events: [make.event()] }

    await expect(store.entries.write(fresh, more)).rejects.toMatchObject(FULL)
    await expect(store.entries.write(fresh, { limit: 1 })).rejects.toMatchObject(FULL)
    await expect(store.entries.write(nextOf(entry, entry.sealed))).rejects.toMatchObject(FULL)
    await expect(
      store.entries.write(nextOf(entry, entry.sealed), { attributes }),
    ).rejects.toMatchObject(FULL)
    await expect(store.feed.append(subject, more.events)).rejects.toMatchObject(FULL)

    expect(await store.feed.head()).toBe(before)
    expect(await store.entries.read(fresh.id)).toBeUndefined()
    const kept = await store.entries.read(entry.id)
    expect(kept).toMatchObject({ version: 1, attributes: undefined })
    const told = (await everything(store, await hold.confirmed())).map(essence)
    expect(told).toMatchObject(events.map(({ id }) => ({ id })))
    expect(await store.entries.write(entry)).toBe('conflict')
    expect(await store.entries.write(nextOf(fresh, entry.sealed))).toBe('gone')
    host.advance(1_000)
    await store.entries.touch([{ id: entry.id, at: host.now() }])
    expect(await store.entries.read(entry.id)).toMatchObject({ lastActivity: host.now() })
    const history = { version: 1, sealed: make.bytes(), until: entry.deadline }
    expect(await store.subjects.write(subject, history)).toBe('written')
    expect(await store.replays.once('nonce', entry.deadline)).toBe(true)
  })

  test('samples are refused while changes still pass', async (context) => {
    const { store, make } = await open(FEW)
    const hold = holdOf(store, context)
    const subject = make.subject(5)
    await hold.confirm(await store.feed.head())
    const samples = await fill(store, subject, make, { sampled: true })
    const changes = await fill(store, subject, make)

    const more = store.feed.append(subject, [make.event()], { sampled: true })

    await expect(more).rejects.toMatchObject(FULL)
    expect(changes.length).toBeGreaterThan(samples.length / 3)
    const told = (await everything(store, await hold.confirmed())).map(essence)
    expect(told).toMatchObject([...samples, ...changes].map(({ id }) => ({ id })))
  })

  test('while no more may wait, every ending is done, told and kept', async (context) => {
    const { store, host, make } = await open(FEW)
    const hold = holdOf(store, context)
    const subject = make.subject(5)
    const [one, idle] = [make.entry({ subject }), make.entry({ subject })]
    const other = make.entry({ subject: make.subject(5) })
    for (const entry of [one, idle, other]) await store.entries.write(entry)
    await hold.confirm(await store.feed.head())
    await fill(store, subject, make)
    const full = await store.feed.head()
    const at = host.now()
    const [first, second, last] = [make.event(), make.event(), make.event()]
    const end = { reason, at }

    const ended = await store.entries.revoke(one.id, { ...end, events: [first] })
    const expired = await store.entries.expire(idle.id, { reason, at, events: [second] })
    await store.subjects.revoke(subjectOf(other.id), { at, reason, events: [last] })

    expect([ended, expired]).toEqual([true, true])
    for (const { id } of [one, other]) expect(await store.entries.read(id)).toBeUndefined()
    expect((await store.entries.read(idle.id))?.lastActivity).toBeUndefined()
    const told = await everything(store, full)
    expect(told).toMatchObject([
      { kind: 'revoked', session: one.id },
      { kind: 'event', id: first.id },
      { kind: 'revoked', session: idle.id },
      { kind: 'event', id: second.id },
      { kind: 'subject', subject: subjectOf(other.id) },
      { kind: 'event', id: last.id },
    ])
    const all = await everything(store, await hold.confirmed())
    expect(all.slice(-told.length)).toEqual(told)
  })

  test('other partitions pass, and all do after a confirmation or a release', async (context) => {
    const { store, make } = await open(FEW)
    const hold = holdOf(store, context)
    const subject = make.subject(5)
    await hold.confirm(await store.feed.head())

    for (const clear of [async () => hold.confirm(await store.feed.head()), hold.release]) {
      await fill(store, subject, make)
      expect(await store.entries.write(make.entry({ subject: make.subject(6) }))).toBe('written')
      await clear()
      const entry = make.entry({ subject })
      expect(await store.entries.write(entry, { events: [make.event()] })).toBe('written')
      expect(await store.entries.write(nextOf(entry, make.bytes()))).toBe('written')
    }
  })
}

function holdOf({ feed }: Store, { skip }: TestContext): FeedHold {
  return feed.hold ?? skip('This store does not hold its feed: what is dropped is told.')
}

/** Appends until no more may wait. Answers the events that were appended. */
async function fill(
  store: Store,
  subject: SubjectKey,
  make: Samples,
  options?: AppendOptions,
): Promise<SealedEvent[]> {
  const appended: SealedEvent[] = []
  while (appended.length < TOO_MANY) {
    const event = make.event()
    try {
      await store.feed.append(subject, [event], options)
    } catch (error) {
      expect(error).toMatchObject(FULL)
      return appended
    }
    appended.push(event)
  }
  throw new Error('The store lets wait whatever comes.')
}
