import { expect, test } from 'vitest'
import { partitionOf } from '../../core/ids.ts'
import { allIds, nextOf, plain, SAMPLE_IDLE_MS, SAMPLE_LIFE_MS } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

/** Many sessions: of a subject, of a partition, and the limit on them. */
export function listsContract(open: Open): void {
  test("a subject's sessions are listed whole, oldest first", async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const old = make.entry({ subject, createdAt: host.now() - 2_000 })
    const young = make.entry({ subject })
    const middle = make.entry({ subject, createdAt: host.now() - 1_000 })
    const attributes = { version: 1, sealed: make.bytes() }
    for (const entry of [young, middle]) await store.entries.write(entry)
    await store.entries.write(old, { attributes })
    await store.entries.write(make.entry())

    const page = await store.entries.list({ subject, limit: 10 })

    expect(page.items.map(({ id }) => id)).toEqual([old.id, middle.id, young.id])
    expect(page.next).toBeUndefined()
    expect(plain(page.items[0])).toEqual(plain(await store.entries.read(old.id)))
  })

  test('pages join without a gap or a repeat, also among sessions of one instant', async () => {
    const { store, make } = await open()
    const subject = make.subject()
    const entries = Array.from({ length: 23 }, () => make.entry({ subject }))
    for (const entry of entries) await store.entries.write(entry)

    const ids = await allIds(store, { subject }, 5)

    expect(ids).toHaveLength(23)
    expect(new Set(ids)).toEqual(new Set(entries.map(({ id }) => id)))
    for (const limit of [1, 22, 23, 100]) {
      expect(await allIds(store, { subject }, limit)).toEqual(ids)
    }
  })

  test('a list goes on where it was although the session it stood at has ended', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    for (let i = 0; i < 6; i++) {
      await store.entries.write(make.entry({ subject }))
      host.advance(1_000)
    }
    const all = await allIds(store, { subject })
    const first = await store.entries.list({ subject, limit: 3 })
    const last = first.items[2]?.id ?? ''
    await store.entries.revoke(last, { reason: 'test', at: host.now() })

    const rest = await store.entries.list({ subject, limit: 10, after: first.next ?? '' })

    expect(rest.items.map(({ id }) => id)).toEqual(all.slice(3))
  })

  test('the revoked, the expired and the idle-expired are not listed', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const revoked = make.entry({ subject })
    const short = make.entry({ subject, deadline: host.now() + 1_000 })
    const idle = make.entry({ subject, idleMs: 1_000 })
    const live = make.entry({ subject })
    for (const entry of [revoked, short, idle, live]) await store.entries.write(entry)
    await store.entries.revoke(revoked.id, {
      reason: 'test',
      at: host.now(),
    })
    host.advance(1_001)

    expect(await allIds(store, { subject })).toEqual([live.id])
    expect(await allIds(store, { partition: partitionOf(subject) })).toEqual([live.id])
  })

  test('no late write brings an idle-expired session back into the list', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const entry = make.entry({ subject })
    await store.entries.write(entry)
    host.advance(SAMPLE_IDLE_MS)
    expect(await allIds(store, { subject })).toEqual([])

    await store.entries.write(nextOf(entry, make.bytes()), { seenAt: host.now() - 1 })
    await store.entries.touch([{ id: entry.id, at: host.now() - 1 }])

    expect(await allIds(store, { subject })).toEqual([])
    expect(await allIds(store, { partition: partitionOf(subject) })).toEqual([])
  })

  test('what was told of as expired leaves all lists at once', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const entry = make.entry({ subject })
    await store.entries.write(entry)

    await store.entries.expire(entry.id, { reason: 'test', at: host.now() })

    expect(await allIds(store, { subject })).toEqual([])
    expect(await allIds(store, { partition: partitionOf(subject) })).toEqual([])
    expect(await store.entries.write(make.entry({ subject }), { limit: 1 })).toBe('written')
  })

  test.each([1, 3])(
    'a write that was judged 1 ms before idling and comes late exceeds no limit of %d',
    async (limit) => {
      const { store, host, make } = await open()
      const subject = make.subject()
      const first = Array.from({ length: limit }, () => make.entry({ subject }))
      for (const entry of first) await store.entries.write(entry, { limit })
      host.advance(SAMPLE_IDLE_MS - 1)
      const seenAt = host.now()
      expect(await store.entries.write(make.entry({ subject }), { limit })).toBe('limit')
      host.advance(1)

      for (const _ of first) {
        expect(await store.entries.write(make.entry({ subject }), { limit })).toBe('written')
      }
      for (const entry of first) {
        expect(await store.entries.write(nextOf(entry, make.bytes()), { seenAt })).toBe('gone')
      }

      expect(await allIds(store, { subject })).toHaveLength(limit)
      expect(await store.entries.write(make.entry({ subject }), { limit })).toBe('limit')
    },
  )

  test('a partition is listed whole, each session once, and no other partition', async () => {
    const { store, make } = await open()
    const inside: string[] = []
    for (let i = 0; i < 12; i++) {
      const subject = make.subject(17)
      for (let j = 0; j <= i % 3; j++) {
        const entry = make.entry({ subject })
        await store.entries.write(entry)
        inside.push(entry.id)
      }
      await store.entries.write(make.entry({ subject: make.subject(18) }))
    }

    for (const limit of [1, 4, 100]) {
      const ids = await allIds(store, { partition: 17 }, limit)
      expect(ids.toSorted()).toEqual(inside.toSorted())
    }
    expect(await allIds(store, { partition: 19 })).toEqual([])
  })

  test('a position that the store has not given out is refused', async () => {
    const { store, make } = await open()

    for (const after of ['?', 'x'.repeat(500), '-inf.', '1.2.3.4.5']) {
      for (const of of [{ subject: make.subject() }, { partition: 3 }]) {
        const page = store.entries.list({ ...of, limit: 10, after })
        await expect(page).rejects.toMatchObject({ code: 'invalid_input' })
      }
    }
  })

  test('a limit refuses one session too many and counts each subject for itself', async () => {
    const { store, make } = await open()
    const subject = make.subject()
    const limit = 2
    const next = (): Promise<string> => store.entries.write(make.entry({ subject }), { limit })

    expect([await next(), await next(), await next()]).toEqual(['written', 'written', 'limit'])
    expect(await store.entries.write(make.entry(), { limit })).toBe('written')
    expect(await allIds(store, { subject })).toHaveLength(2)
  })

  test('a limit does not hold up a session that is there already', async () => {
    const { store, make } = await open()
    const subject = make.subject()
    const first = make.entry({ subject })
    await store.entries.write(first)
    await store.entries.write(make.entry({ subject }))

    expect(await store.entries.write(nextOf(first, make.bytes()), { limit: 1 })).toBe('written')
  })

  test('the revoked, the expired and the idle-expired free their place under a limit', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const limit = 1
    const first = make.entry({ subject })
    await store.entries.write(first, { limit })
    await store.entries.revoke(first.id, { reason: 'test', at: host.now() })

    expect(await store.entries.write(make.entry({ subject }), { limit })).toBe('written')
    host.advance(SAMPLE_IDLE_MS + 1)
    const second = make.entry({ subject, idleMs: SAMPLE_LIFE_MS })
    expect(await store.entries.write(second, { limit })).toBe('written')
    host.advance(SAMPLE_LIFE_MS)
    expect(await store.entries.write(make.entry({ subject }), { limit })).toBe('written')
    expect(await store.entries.write(make.entry({ subject }), { limit })).toBe('limit')
  })
}
