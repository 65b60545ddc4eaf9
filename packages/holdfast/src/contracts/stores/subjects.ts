import { expect, test } from 'vitest'
import type { KeptHistory, Store } from '../../core/store.ts'
import { SAMPLE_LIFE_MS } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

const reason = 'test'

/** The records of a subject, and the replay guard. */
export function subjectsContract(open: Open): void {
  test('an unknown subject has generation 0 and no history', async () => {
    const { store, make } = await open()

    const entry = await store.subjects.read(make.subject())

    expect(entry).toEqual({ generation: 0, version: 0, sealed: undefined })
  })

  test('a history is compared and set by version, from 1', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const until = host.now() + SAMPLE_LIFE_MS
    const sealed = make.bytes(3_000)

    expect(await store.subjects.write(subject, { version: 2, sealed, until })).toBe('conflict')
    expect(await store.subjects.write(subject, { version: 1, sealed, until })).toBe('written')
    expect(await store.subjects.write(subject, { version: 1, sealed, until })).toBe('conflict')
    expect(await store.subjects.write(subject, { version: 2, sealed, until })).toBe('written')

    const found = await store.subjects.read(subject)
    expect(found).toMatchObject({ generation: 0, version: 2 })
    expect([...(found.sealed ?? [])]).toEqual([...sealed])
  })

  test('a history is kept until its time, then starts anew', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const until = host.now() + SAMPLE_LIFE_MS
    await store.subjects.write(subject, { version: 1, sealed: make.bytes(), until })

    host.advance(SAMPLE_LIFE_MS - 1)
    expect(await store.subjects.read(subject)).toMatchObject({ version: 1 })
    host.advance(1)
    expect(await store.subjects.read(subject)).toMatchObject({ version: 0, sealed: undefined })
    const anew = { version: 1, sealed: make.bytes(), until: until + SAMPLE_LIFE_MS }
    expect(await store.subjects.write(subject, anew)).toBe('written')
  })

  test('histories of a partition are listed whole, with all that replaces them', async () => {
    const { store, host, make } = await open()
    const until = host.now() + SAMPLE_LIFE_MS
    const inside = Array.from({ length: 13 }, () => make.subject(17))
    const sealed = make.bytes(3_000)
    for (const [i, subject] of inside.entries()) {
      await store.subjects.write(subject, { version: 1, sealed, until: until + (i % 3) })
      await store.subjects.write(make.subject(18), { version: 1, sealed, until })
    }

    for (const limit of [1, 5, 13, 100]) {
      const kept = await allHistories(store, 17, limit)
      expect(kept.map(({ subject }) => subject).toSorted()).toEqual(inside.toSorted())
    }
    const [first] = await allHistories(store, 17, 100)
    if (first === undefined) throw new Error('nothing was listed')
    expect(first.version).toBe(1)
    expect([...first.sealed]).toEqual([...sealed])
    const again = { version: 2, sealed: make.bytes(), until: first.until }
    expect(await store.subjects.write(first.subject, again)).toBe('written')
    expect(await allHistories(store, 17, 4)).toHaveLength(13)
    expect(await allHistories(store, 19, 4)).toEqual([])
  })

  test('a history is listed until its time, whether its subject has sessions or not', async () => {
    const { store, host, make } = await open()
    const [brief, long] = [make.subject(5), make.subject(5)]
    const sealed = make.bytes()
    await store.entries.write(make.entry({ subject: brief }))
    await store.subjects.write(brief, { version: 1, sealed, until: host.now() + 1_000 })
    await store.subjects.write(long, { version: 1, sealed, until: host.now() + SAMPLE_LIFE_MS })
    expect(await allHistories(store, 5, 1)).toHaveLength(2)

    host.advance(1_000)

    expect((await allHistories(store, 5, 1)).map(({ subject }) => subject)).toEqual([long])
    for (const after of ['?', 'x'.repeat(500), '-inf.']) {
      const page = store.subjects.list({ partition: 5, limit: 10, after })
      await expect(page).rejects.toMatchObject({ code: 'invalid_input' })
    }
  })

  test('the generation rises with every revocation, also when the clock does not', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const at = host.now()

    expect(await store.subjects.revoke(subject, { at, reason })).toBe(at)
    expect(await store.subjects.revoke(subject, { at, reason })).toBe(at + 1)
    expect(await store.subjects.revoke(subject, { at: at - 5_000, reason })).toBe(at + 2)
    expect(await store.subjects.revoke(subject, { at: at + 9_000, reason })).toBe(at + 9_000)
    expect(await store.subjects.read(subject)).toMatchObject({ generation: at + 9_000 })
  })

  test('generation and history do not disturb each other', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const until = host.now() + SAMPLE_LIFE_MS
    await store.subjects.write(subject, { version: 1, sealed: make.bytes(), until })

    const generation = await store.subjects.revoke(subject, { at: host.now(), reason })

    expect(await store.subjects.read(subject)).toMatchObject({ generation, version: 1 })
    await store.subjects.write(subject, { version: 2, sealed: make.bytes(), until })
    expect(await store.subjects.read(subject)).toMatchObject({ generation, version: 2 })
  })

  test('a generation never expires', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()
    const generation = await store.subjects.revoke(subject, { at: host.now(), reason })

    host.advance(1_000 * 24 * 3_600_000)

    expect(await store.subjects.read(subject)).toMatchObject({ generation })
  })

  test('what is no subject key is refused before it becomes a key', async () => {
    const { store, make } = await open()

    for (const subject of ['', 'ada', `${make.subject()}A`, '}'.repeat(22)]) {
      const read = store.subjects.read(subject)
      await expect(read).rejects.toMatchObject({ code: 'invalid_input' })
      const list = store.entries.list({ subject, limit: 1 })
      await expect(list).rejects.toMatchObject({ code: 'invalid_input' })
    }
  })

  test('a key passes the replay guard once, however many ask at once', async () => {
    const { store, host } = await open()
    const until = host.now() + 60_000

    const answers = await Promise.all(
      Array.from({ length: 20 }, () => store.replays.once('nonce one', until)),
    )

    expect(answers.filter((first) => first)).toHaveLength(1)
    expect(await store.replays.once('nonce two', until)).toBe(true)
    expect(await store.replays.once('nonce one', until)).toBe(false)
  })

  test('a key is refused until its time and no longer', async () => {
    const { store, host } = await open()
    const key = `\u0000 {any} key: ${'k'.repeat(2_000)}`
    await store.replays.once(key, host.now() + 60_000)

    host.advance(59_999)
    expect(await store.replays.once(key, host.now() + 60_000)).toBe(false)
    host.advance(1)
    expect(await store.replays.once(key, host.now() + 60_000)).toBe(true)
    expect(await store.replays.once(key, host.now() + 60_000)).toBe(false)
  })

  test('a key whose time is past never passes', async () => {
    const { store, host } = await open()

    expect(await store.replays.once('late', host.now())).toBe(false)
  })
}

async function allHistories(
  store: Store,
  partition: number,
  limit: number,
): Promise<readonly KeptHistory[]> {
  const all: KeptHistory[] = []
  for (let after: string | undefined; ; ) {
    const query = { partition, limit, ...(after === undefined ? {} : { after }) }
    const page = await store.subjects.list(query)
    expect(page.items.length).toBeLessThanOrEqual(limit)
    all.push(...page.items)
    if (page.next === undefined) return all
    after = page.next
  }
}
