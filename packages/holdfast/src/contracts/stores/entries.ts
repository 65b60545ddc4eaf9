import { expect, test } from 'vitest'
import { subjectOf } from '../../core/ids.ts'
import { EXPIRED_READABLE_MS } from '../../core/store.ts'
import { nextOf, plain, SAMPLE_IDLE_MS, SAMPLE_LIFE_MS } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

/** Reading, writing, attributes and activity of one session. */
export function entriesContract(open: Open): void {
  test('an entry is read back exactly as it was written', async () => {
    const { store, make } = await open()
    const entry = make.entry({ generation: 7, sealed: Uint8Array.of(0, 255, 13, 10, 0, 128) })

    expect(await store.entries.write(entry)).toBe('written')

    const found = await store.entries.read(entry.id)
    const expected = { ...entry, lastActivity: entry.createdAt, attributes: undefined }
    expect(plain(found)).toEqual(plain(expected))
  })

  test('an unknown id is not found, which is no error', async () => {
    const { store, make } = await open()

    expect(await store.entries.read(make.entry().id)).toBeUndefined()
  })

  test('what is no session id is refused before it becomes a key', async () => {
    const { store, make } = await open()
    const bad = ['', 'x', '*', `${'A'.repeat(42)}}`, `${make.entry().id}=`]

    for (const id of bad) {
      await expect(store.entries.read(id)).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(store.entries.write(make.entry({ id }))).rejects.toMatchObject({
        code: 'invalid_input',
      })
    }
  })

  test('a new entry must be new', async () => {
    const { store, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)

    expect(await store.entries.write({ ...entry, sealed: make.bytes() })).toBe('conflict')
    expect(plain(await store.entries.read(entry.id))).toMatchObject({ sealed: [...entry.sealed] })
  })

  test('each version follows the one before, and no other', async () => {
    const { store, make } = await open()
    const first = make.entry()
    const second = nextOf(first, make.bytes())
    const third = nextOf(second, make.bytes())
    await store.entries.write(first)

    expect(await store.entries.write(third)).toBe('conflict')
    expect(await store.entries.write(second)).toBe('written')
    expect(await store.entries.write(second)).toBe('conflict')
    expect(await store.entries.write(first)).toBe('conflict')
    expect(await store.entries.write(third)).toBe('written')
    expect(plain(await store.entries.read(first.id))).toMatchObject({
      version: 3,
      sealed: [...third.sealed],
    })
  })

  test('a later version of something that is not there is gone', async () => {
    const { store, make } = await open()
    const second = nextOf(make.entry(), make.bytes())

    expect(await store.entries.write(second)).toBe('gone')
    expect(await store.entries.read(second.id)).toBeUndefined()
  })

  test('from its deadline on an entry is found as expired for a day', async () => {
    const { store, host, make } = await open()
    const entry = make.entry({ idleMs: 2 * SAMPLE_LIFE_MS })
    await store.entries.write(entry)

    host.advance(SAMPLE_LIFE_MS - 1)
    expect(await store.entries.read(entry.id)).toMatchObject({ lastActivity: entry.createdAt })
    host.advance(1)
    const expired = plain({ ...entry, lastActivity: undefined, attributes: undefined })
    expect(plain(await store.entries.read(entry.id))).toEqual(expired)
    host.advance(EXPIRED_READABLE_MS - 1)
    expect(plain(await store.entries.read(entry.id))).toEqual(expired)
    host.advance(1)
    expect(await store.entries.read(entry.id)).toBeUndefined()
  })

  test.each([
    ['its deadline', SAMPLE_LIFE_MS, 2 * SAMPLE_LIFE_MS],
    ['a silence', SAMPLE_IDLE_MS, SAMPLE_IDLE_MS],
  ])('nothing is written over an entry that has expired by %s', async (_, after, idleMs) => {
    const { store, host, make } = await open()
    const entry = make.entry({ idleMs })
    const later = { deadline: entry.deadline + SAMPLE_LIFE_MS, idleMs: SAMPLE_LIFE_MS }
    await store.entries.write(entry)
    host.advance(after)

    const second = { ...nextOf(entry, make.bytes()), ...later }
    expect(await store.entries.write(second, { seenAt: host.now() - 1 })).toBe('gone')
    expect(await store.entries.write({ ...entry, ...later })).toBe('gone')
    await store.entries.touch([{ id: entry.id, at: host.now() }])

    const found = await store.entries.read(entry.id)
    expect(found).toMatchObject({ version: 1, deadline: entry.deadline })
    expect(found?.lastActivity).toBeUndefined()
  })

  test('that an entry has expired is told once, and it is still found', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)
    host.advance(SAMPLE_IDLE_MS)
    const start = await store.feed.head()
    const event = make.event()
    const end = { reason: 'idle_timeout', at: host.now(), events: [event] }

    const told = await Promise.all([1, 2, 3].map(() => store.entries.expire(entry.id, end)))

    expect(told.toSorted()).toEqual([false, false, true])
    const found = await store.entries.read(entry.id)
    expect(found).toMatchObject({ id: entry.id, version: 1 })
    expect(found?.lastActivity).toBeUndefined()
    const { items } = await store.feed.read(start, 10)
    expect(items).toMatchObject([
      { kind: 'revoked', session: entry.id, reason: 'idle_timeout' },
      { kind: 'event', id: event.id },
    ])
  })

  test('what was told of as expired stays so, whatever the clocks say', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)

    await store.entries.expire(entry.id, { reason: 'idle_timeout', at: host.now() })

    expect((await store.entries.read(entry.id))?.lastActivity).toBeUndefined()
    await store.entries.touch([{ id: entry.id, at: host.now() + 1 }])
    expect((await store.entries.read(entry.id))?.lastActivity).toBeUndefined()
    const second = nextOf(entry, make.bytes())
    expect(await store.entries.write(second, { seenAt: host.now() })).toBe('gone')
  })

  test('only what is there can be told of as expired', async () => {
    const { store, host, make } = await open()
    const [unknown, revoked, outlived] = [make.entry(), make.entry(), make.entry()]
    await store.entries.write(revoked)
    await store.entries.write(outlived)
    const end = { reason: 'test', at: host.now() }
    await store.entries.revoke(revoked.id, end)
    await store.subjects.revoke(subjectOf(outlived.id), end)

    for (const { id } of [unknown, revoked, outlived]) {
      expect(await store.entries.expire(id, end)).toBe(false)
      expect(await store.entries.read(id)).toBeUndefined()
    }
  })

  test('a write may move the deadline', async () => {
    const { store, host, make } = await open()
    const entry = make.entry({ idleMs: 4 * SAMPLE_LIFE_MS })
    await store.entries.write(entry)
    const later = { ...nextOf(entry, make.bytes()), deadline: entry.deadline + SAMPLE_LIFE_MS }

    expect(await store.entries.write(later)).toBe('written')

    host.advance(SAMPLE_LIFE_MS)
    expect(await store.entries.read(entry.id)).toMatchObject({ deadline: later.deadline })
    host.advance(SAMPLE_LIFE_MS)
    expect((await store.entries.read(entry.id))?.lastActivity).toBeUndefined()
  })

  test('an entry that was silent for too long is found without a last activity', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)

    host.advance(SAMPLE_IDLE_MS - 1)
    expect(await store.entries.read(entry.id)).toMatchObject({ lastActivity: entry.createdAt })
    host.advance(1)
    const found = await store.entries.read(entry.id)
    expect(found).toMatchObject({ id: entry.id })
    expect(found?.lastActivity).toBeUndefined()
  })

  test('a write notes activity when it is told to, and keeps it when it is not', async () => {
    const { store, host, make } = await open()
    const first = make.entry()
    await store.entries.write(first)
    host.advance(1_000)
    const second = nextOf(first, make.bytes())

    await store.entries.write(second, { seenAt: host.now() })
    expect(await store.entries.read(first.id)).toMatchObject({ lastActivity: host.now() })
    await store.entries.write(nextOf(second, make.bytes()), { seenAt: host.now() - 500 })
    expect(await store.entries.read(first.id)).toMatchObject({ lastActivity: host.now() })
    await store.entries.write(nextOf(nextOf(second, make.bytes()), make.bytes()))
    expect(await store.entries.read(first.id)).toMatchObject({
      version: 4,
      lastActivity: host.now(),
    })
  })

  test('touch moves the last activity of many forward, and never back', async () => {
    const { store, host, make } = await open()
    const entries = Array.from({ length: 20 }, () => make.entry())
    for (const entry of entries) await store.entries.write(entry)
    const start = host.now()
    host.advance(5_000)

    await store.entries.touch(entries.map(({ id }) => ({ id, at: start + 5_000 })))
    await store.entries.touch(entries.map(({ id }) => ({ id, at: start + 2_000 })))
    await store.entries.touch([])

    for (const { id } of entries) {
      expect(await store.entries.read(id)).toMatchObject({
        lastActivity: start + 5_000,
        version: 1,
      })
    }
  })

  test('touch changes nothing else: version, sealed bytes and attributes stay', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry, { attributes: { version: 1, sealed: make.bytes() } })
    const before = await store.entries.read(entry.id)
    host.advance(1_000)

    await store.entries.touch([{ id: entry.id, at: host.now() }])

    const after = await store.entries.read(entry.id)
    expect(after?.lastActivity).toBe(host.now())
    expect(plain(after && { ...after, lastActivity: undefined })).toEqual(
      plain(before && { ...before, lastActivity: undefined }),
    )
  })

  test('touch creates nothing and wakes nothing that is dead or idle-expired', async () => {
    const { store, host, make } = await open()
    const unknown = make.entry()
    const revoked = make.entry()
    const idle = make.entry()
    await store.entries.write(revoked)
    await store.entries.write(idle)
    await store.entries.revoke(revoked.id, {
      reason: 'test',
      at: host.now(),
    })
    host.advance(SAMPLE_IDLE_MS + 1)

    await store.entries.touch([unknown, revoked, idle].map(({ id }) => ({ id, at: host.now() })))

    expect(await store.entries.read(unknown.id)).toBeUndefined()
    expect(await store.entries.read(revoked.id)).toBeUndefined()
    expect((await store.entries.read(idle.id))?.lastActivity).toBeUndefined()
    expect(await store.entries.write(unknown)).toBe('written')
    expect(await store.entries.write(revoked)).toBe('gone')
  })

  test('attributes come with a write, and stay where a write brings none', async () => {
    const { store, make } = await open()
    const entry = make.entry()
    const second = nextOf(entry, make.bytes())
    const third = nextOf(second, make.bytes())
    const [first, next] = [make.bytes(), make.bytes(600)]
    const event = make.event()

    const attributes = { version: 1, sealed: first }
    expect(await store.entries.write(entry, { attributes, events: [event] })).toBe('written')
    const { items } = await store.feed.read(undefined, 10)
    expect(items.map(({ kind }) => kind)).toEqual(['event'])
    expect(await store.entries.write(second)).toBe('written')
    expect(plain(await store.entries.read(entry.id))).toMatchObject({
      version: 2,
      sealed: [...second.sealed],
      attributes: { version: 1, sealed: [...first] },
    })

    const others = { attributes: { version: 2, sealed: next } }
    expect(await store.entries.write(second, others)).toBe('conflict')
    expect(await store.entries.write(third, others)).toBe('written')
    expect(plain(await store.entries.read(entry.id))).toMatchObject({
      version: 3,
      sealed: [...third.sealed],
      attributes: { version: 2, sealed: [...next] },
    })
  })

  test('an entry that began without attributes gets its first with a later write', async () => {
    const { store, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)
    const sealed = make.bytes()

    const write = { attributes: { version: 1, sealed }, events: [make.event()] }
    expect(await store.entries.write(nextOf(entry, make.bytes()), write)).toBe('written')

    expect(plain(await store.entries.read(entry.id))).toMatchObject({
      version: 2,
      attributes: { version: 1, sealed: [...sealed] },
    })
    const { items } = await store.feed.read(undefined, 10)
    expect(items.map(({ kind }) => kind)).toEqual(['changed', 'event'])
  })

  test.each([0, 1.5, 2 ** 32])('attributes of version %d are refused', async (version) => {
    const { store, make } = await open()
    const attributes = { version, sealed: make.bytes() }

    await expect(store.entries.write(make.entry(), { attributes })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })
}
