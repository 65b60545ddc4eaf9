import { expect, test } from 'vitest'
import type { SessionId } from '../../core/ids.ts'
import type { Entry, Store } from '../../core/store.ts'
import type { FakeHost } from '../fake-host.ts'
import { allIds, nextOf, type Samples } from './sample-entry.ts'
import type { Open } from './store-contract.ts'

const reason = 'test'

/** Promises that hold in whichever order concurrent calls arrive. */
export function racesContract(open: Open): void {
  test('of 50 logins at once exactly 3 pass a limit of 3', async () => {
    const { store, make } = await open()
    const subject = make.subject()
    const logins = Array.from({ length: 50 }, () => make.entry({ subject }))

    const outcomes = await Promise.all(
      logins.map((entry) => store.entries.write(entry, { limit: 3 })),
    )

    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(3)
    expect(outcomes.filter((outcome) => outcome === 'limit')).toHaveLength(47)
    expect(await allIds(store, { subject })).toHaveLength(3)
  })

  test('of 20 writers of one version exactly one wins, and its bytes are kept', async () => {
    const { store, make } = await open()
    const first = make.entry()
    await store.entries.write(first)
    const rivals = Array.from({ length: 20 }, () => nextOf(first, make.bytes()))

    const outcomes = await Promise.all(rivals.map((entry) => store.entries.write(entry)))

    const won = outcomes.flatMap((outcome, i) => (outcome === 'written' ? (rivals[i] ?? []) : []))
    expect(won).toHaveLength(1)
    const found = await store.entries.read(first.id)
    expect([...(found?.sealed ?? [])]).toEqual([...(won[0]?.sealed ?? [])])
  })

  test('of 20 who make one session exactly one does', async () => {
    const { store, make } = await open()
    const entry = make.entry()

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.entries.write(entry)))

    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1)
  })

  test('of 20 who revoke one session exactly one has ended it', async () => {
    const { store, host, make } = await open()
    const entry = make.entry()
    await store.entries.write(entry)
    const end = { reason, at: host.now() }

    const ended = await Promise.all(
      Array.from({ length: 20 }, () => store.entries.revoke(entry.id, end)),
    )

    expect(ended.filter((it) => it)).toHaveLength(1)
  })

  test('no two revocations of a subject get the same generation', async () => {
    const { store, host, make } = await open()
    const subject = make.subject()

    const generations = await Promise.all(
      Array.from({ length: 20 }, () => store.subjects.revoke(subject, { at: host.now(), reason })),
    )

    expect(new Set(generations).size).toBe(20)
  })

  test('a write that races a revocation never brings the session back', async () => {
    const { store, host, make } = await open()

    for (let round = 0; round < 10; round++) {
      const first = make.entry()
      await store.entries.write(first)
      const end = { reason, at: host.now() }
      const steps = [
        () => store.entries.write(nextOf(first, make.bytes())),
        () => store.entries.revoke(first.id, end),
        () =>
          store.entries.write(nextOf(first, make.bytes()), {
            attributes: { version: 1, sealed: make.bytes() },
          }),
        () => store.entries.touch([{ id: first.id, at: host.now() + 1 }]),
        () => store.entries.write(first),
      ]
      for (let turn = 0; turn < round % steps.length; turn++) steps.push(...steps.splice(0, 1))

      await Promise.all(steps.map((step) => step()))

      expect(await store.entries.read(first.id)).toBeUndefined()
      expect(await allIds(store, { partition: 0 })).not.toContain(first.id)
    }
  })

  test('a login that races "log out everywhere" is dead or was refused', async () => {
    const { store, host, make } = await open()

    for (let round = 0; round < 10; round++) {
      const subject = make.subject()
      const logins = Array.from({ length: 4 }, () => make.entry({ subject }))
      const steps = logins.map((entry) => async () => void (await store.entries.write(entry)))
      steps.splice(round % 5, 0, async () => {
        await store.subjects.revoke(subject, { at: host.now(), reason })
      })

      await Promise.all(steps.map((step) => step()))

      for (const { id } of logins) expect(await store.entries.read(id)).toBeUndefined()
    }
  })

  test('a feed written by many at once has no gap and no repeat', async () => {
    const { store, make } = await open()
    const subject = make.subject(9)

    await Promise.all(
      Array.from({ length: 40 }, () => store.feed.append(subject, [make.event(), make.event()])),
    )

    const { items } = await store.feed.read(undefined, 100)
    expect(items.map(({ sequence }) => sequence)).toEqual(items.map((_, i) => i + 1))
    expect(new Set(items.map((item) => item.kind === 'event' && item.id)).size).toBe(80)
  })

  test('no order of operations makes a revoked session readable again', async () => {
    const { store, host, make } = await open()

    for (let round = 0; round < 12; round++) await wander(store, host, make)
  })
}

/** A random walk over one subject's sessions, checked against a model of which are dead. */
async function wander(store: Store, host: FakeHost, make: Samples): Promise<void> {
  const subject = make.subject()
  const known = new Map<SessionId, Entry>()
  const dead = new Set<SessionId>()
  let generation = 0

  const pick = (): Entry => {
    const entries = [...known.values()]
    return entries[dice(host, entries.length)] ?? make.entry({ subject })
  }
  const moves = [
    async () => {
      const entry = make.entry({ subject, generation })
      if ((await store.entries.write(entry)) === 'written') known.set(entry.id, entry)
    },
    async () => {
      const before = pick()
      const next = nextOf(before, make.bytes())
      const attributes = { version: 1, sealed: make.bytes(16) }
      const outcome = await store.entries.write(next, {
        seenAt: host.now(),
        ...(dice(host, 2) === 1 ? { attributes } : {}),
      })
      if (outcome === 'written') known.set(next.id, next)
      if (dead.has(next.id)) expect(outcome).toBe('gone')
    },
    async () => {
      const { id } = pick()
      await store.entries.revoke(id, { reason, at: host.now() })
      dead.add(id)
    },
    async () => {
      const { id } = pick()
      const keep = dice(host, 2) === 1
      const end = { at: host.now(), reason, ...(keep ? { except: id } : {}) }
      generation = await store.subjects.revoke(subject, end)
      for (const other of known.keys()) if (!keep || other !== id) dead.add(other)
    },
    async () => store.entries.touch([{ id: pick().id, at: host.now() }]),
    async () => {
      const replay = { ...pick(), version: 1 }
      if ((await store.entries.write(replay)) === 'written') known.set(replay.id, replay)
    },
    async () => host.advance(dice(host, 10_000)),
  ]

  for (let step = 0; step < 30; step++) {
    await moves[dice(host, moves.length)]?.()
  }
  const found = await Promise.all([...known.keys()].map((id) => store.entries.read(id)))
  const live = [...known.keys()].filter((id) => !dead.has(id))
  expect(found.flatMap((entry) => entry?.id ?? [])).toEqual(live)
  expect((await allIds(store, { subject }, 3)).toSorted()).toEqual(live.toSorted())
}

function dice(host: FakeHost, sides: number): number {
  return Math.floor(((host.random(1)[0] ?? 0) * sides) / 256)
}
