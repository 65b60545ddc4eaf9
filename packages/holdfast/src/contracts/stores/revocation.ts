import { expect, test } from 'vitest'
import { subjectOf } from '../../core/ids.ts'
import { UNKNOWN_ENDED_MS } from '../../core/store.ts'
import { nextOf, SAMPLE_IDLE_MS, SAMPLE_LIFE_MS } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

const reason = 'test'

/** What has ended stays ended. */
export function revocationContract(open: Open): void {
  test('revoking ends a live session once, and says so once', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)
    const end = { reason, at: host.now() }

    expect(await store.entries.revoke(entry.id, end)).toBe(true)
    expect(await store.entries.read(entry.id)).toBeUndefined()
    expect(await store.entries.revoke(entry.id, end)).toBe(false)
  })

  test('no write goes over a tombstone', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    const attributes = { version: 1, sealed: make.bytes() }
    await store.entries.write(entry, { attributes })
    await store.entries.revoke(entry.id, { reason, at: host.now() })

    expect(await store.entries.write(nextOf(entry, make.bytes()))).toBe('gone')
    expect(await store.entries.write(entry)).toBe('gone')
    expect(await store.entries.write(nextOf(entry, make.bytes()), { attributes })).toBe('gone')
    await store.entries.touch([{ id: entry.id, at: host.now() + 1 }])
    expect(await store.entries.read(entry.id)).toBeUndefined()
  })

  test('revoking an unknown id keeps a login in flight from making it', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()

    const end = { reason, at: host.now() }
    expect(await store.entries.revoke(entry.id, end)).toBe(false)

    expect(await store.entries.write(entry)).toBe('gone')
    expect(await store.entries.read(entry.id)).toBeUndefined()
  })

  test('a tombstone stands until the deadline of its session, and is gone after that', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)
    await store.entries.revoke(entry.id, { reason, at: host.now() })
    const replay = { ...entry, deadline: entry.deadline + SAMPLE_LIFE_MS }

    host.advance(SAMPLE_LIFE_MS - 1)
    await store.entries.revoke(entry.id, { reason, at: host.now() })
    expect(await store.entries.write(replay)).toBe('gone')
    expect(await store.entries.write(nextOf(replay, make.bytes()))).toBe('gone')
    host.advance(1)
    expect(await store.entries.write(replay)).toBe('written')
  })

  test('the tombstone of an unknown id stands for its time, and is gone after that', async () => {
    const { store, host, make } = await open()
    const entry = make.entry({ deadline: host.now() + 2 * UNKNOWN_ENDED_MS })
    await store.entries.revoke(entry.id, { reason, at: host.now() })

    host.advance(UNKNOWN_ENDED_MS - 1)
    await store.entries.revoke(entry.id, { reason, at: host.now() })
    expect(await store.entries.write(entry)).toBe('gone')
    host.advance(1)
    expect(await store.entries.write(entry)).toBe('written')
  })

  test('revoking a subject ends every session that it had', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const entries = Array.from({ length: 30 }, () => make.entry({ subject }))
    const other = make.entry()
    for (const entry of [...entries, other]) await store.entries.write(entry)
    const first = entries[0] ?? other

    await store.subjects.revoke(subject, { at: host.now(), reason })

    for (const { id } of entries) expect(await store.entries.read(id)).toBeUndefined()
    expect(await store.entries.write(nextOf(first, make.bytes()))).toBe('gone')
    expect(await store.entries.write(first)).toBe('gone')
    expect((await store.entries.list({ subject, limit: 10 })).items).toEqual([])
    expect(await store.entries.read(other.id)).toBeDefined()
  })

  test('a login that began before its subject was revoked comes too late', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const late = make.entry({ subject })
    const generation = await store.subjects.revoke(subject, { at: host.now(), reason })

    expect(await store.entries.write(late)).toBe('gone')
    expect(await store.entries.write({ ...late, generation })).toBe('written')
    expect(await store.entries.read(late.id)).toMatchObject({ generation })
  })

  test('revoking a subject frees all places under a limit', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    for (let i = 0; i < 3; i++) await store.entries.write(make.entry({ subject }))

    const generation = await store.subjects.revoke(subject, { at: host.now(), reason })

    const login = make.entry({ subject, generation })
    expect(await store.entries.write(login, { limit: 1 })).toBe('written')
    const another = make.entry({ subject, generation })
    expect(await store.entries.write(another, { limit: 1 })).toBe('limit')
  })

  test('the one session that is kept lives on in every way', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const kept = make.entry({ subject })
    const other = make.entry({ subject })
    await store.entries.write(kept)
    await store.entries.write(other)
    host.advance(1_000)

    const first = await store.subjects.revoke(subject, { at: host.now(), reason, except: kept.id })
    const second = await store.subjects.revoke(subject, { at: host.now(), reason, except: kept.id })

    expect(second).toBeGreaterThan(first)
    expect(await store.entries.read(kept.id)).toMatchObject({ generation: second, version: 1 })
    expect(await store.entries.read(other.id)).toBeUndefined()
    const attributes = { version: 1, sealed: make.bytes() }
    expect(await store.entries.write(nextOf(kept, make.bytes()), { attributes })).toBe('written')
    await store.entries.touch([{ id: kept.id, at: host.now() }])
    const { items } = await store.entries.list({ subject, limit: 10 })
    expect(items).toMatchObject([{ id: kept.id, version: 2, lastActivity: host.now() }])
  })

  test('a kept session still counts under a limit and dies with the next revocation', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const kept = make.entry({ subject })
    await store.entries.write(kept)
    const generation = await store.subjects.revoke(subject, {
      at: host.now(),
      reason,
      except: kept.id,
    })

    const login = make.entry({ subject, generation })
    expect(await store.entries.write(login, { limit: 1 })).toBe('limit')
    await store.entries.write(nextOf(kept, make.bytes()))
    await store.subjects.revoke(subject, { at: host.now(), reason })
    expect(await store.entries.read(kept.id)).toBeUndefined()
    const third = nextOf(nextOf(kept, make.bytes()), make.bytes())
    expect(await store.entries.write(third)).toBe('gone')
  })

  test('what was dead is not brought back by being the one to keep', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const revoked = make.entry({ subject })
    const outlived = make.entry({ subject })
    const unknown = make.entry({ subject })
    await store.entries.write(revoked)
    await store.entries.write(outlived)
    await store.entries.revoke(revoked.id, { reason, at: host.now() })
    await store.subjects.revoke(subject, { at: host.now(), reason })

    for (const { id } of [revoked, outlived, unknown]) {
      await store.subjects.revoke(subject, { at: host.now(), reason, except: id })
      expect(await store.entries.read(id)).toBeUndefined()
    }
    expect(await store.entries.write(nextOf(outlived, make.bytes()))).toBe('gone')
    expect(await store.entries.write(unknown)).toBe('gone')
    expect((await store.entries.list({ subject, limit: 10 })).items).toEqual([])
  })

  test('what has expired is not brought back by being the one to keep', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const idle = make.entry({ subject })
    const over = make.entry({ subject, deadline: host.now() + SAMPLE_IDLE_MS })
    await store.entries.write(idle)
    await store.entries.write(over)
    host.advance(SAMPLE_IDLE_MS)

    for (const { id } of [idle, over]) {
      await store.subjects.revoke(subject, { at: host.now(), reason, except: id })
      expect(await store.entries.read(id)).toBeUndefined()
    }
    expect((await store.entries.list({ subject, limit: 10 })).items).toEqual([])
  })

  test('an expired session can be revoked, and is then not found even as expired', async () => {
    const { store, host, make } = await open()
    const [idle, over] = [make.entry(), make.entry({ deadline: host.now() + SAMPLE_IDLE_MS })]
    for (const entry of [idle, over]) await store.entries.write(entry)
    host.advance(SAMPLE_IDLE_MS)
    await store.entries.expire(idle.id, { reason: 'idle_timeout', at: host.now() })

    for (const { id } of [idle, over]) {
      const end = { reason, at: host.now() }
      expect(await store.entries.revoke(id, end)).toBe(true)
      expect(await store.entries.revoke(id, end)).toBe(false)
      expect(await store.entries.read(id)).toBeUndefined()
      expect(await store.entries.expire(id, end)).toBe(false)
    }
    expect(await store.entries.write(nextOf(idle, make.bytes()))).toBe('gone')
    expect(await store.entries.write(nextOf(over, make.bytes()))).toBe('gone')
  })

  test("another subject's session cannot be the one to keep", async () => {
    const { store, host, make } = await open()
    const [mine, other] = [make.entry(), make.entry()]
    await store.entries.write(mine)
    await store.entries.write(other)
    const [subject, stranger] = [subjectOf(mine.id), subjectOf(other.id)]
    const before = await store.feed.head()

    await store.subjects.revoke(subject, { at: host.now(), reason, except: other.id })

    const { items: told } = await store.feed.read(before, 10)
    expect(told).toMatchObject([{ kind: 'subject', subject, except: null }])
    expect((await store.entries.list({ subject, limit: 10 })).items).toEqual([])
    const { items: theirs } = await store.entries.list({ subject: stranger, limit: 10 })
    expect(theirs).toMatchObject([{ id: other.id, generation: 0, version: 1 }])
    expect(await store.entries.read(other.id)).toMatchObject({ generation: 0, version: 1 })
    expect(await store.subjects.read(stranger)).toMatchObject({ generation: 0 })
    expect(await store.entries.write(nextOf(other, make.bytes()))).toBe('written')
  })
}
