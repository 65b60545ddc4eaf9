import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import type { Store } from '../../src/core/store.ts'
import { checkKeyring } from '../../src/maintenance/check-keyring.ts'
import { resealAll } from '../../src/maintenance/reseal.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { memoryTables } from '../../src/stores/local/memory-tables.ts'
import { SWEEP_SLICE, sweepSlice } from '../../src/stores/local/sweep.ts'
import type { Tables } from '../../src/stores/local/tables.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { mostInOneTurn } from '../support/turns.ts'

/** Walks over a whole table are done in pieces, with a turn of the event loop between them. */

const DAY_MS = 86_400_000

function expiring(count: number): Tables {
  const tables = memoryTables()
  for (let i = 0; i < count; i++) tables.queueExpiry(1_000 + i, { kind: 'replay', key: `${i}` })
  return tables
}

test('a transaction of a sweep takes a bounded number of items, and the next ones the rest', () => {
  const tables = expiring(150)
  const taken: number[] = []

  do taken.push(sweepSlice(tables, DAY_MS))
  while (taken.at(-1) !== 0)

  expect(taken).toEqual([SWEEP_SLICE, SWEEP_SLICE, 150 - 2 * SWEEP_SLICE, 0])
})

test('a transaction of a sweep ends when its time is over, and has always done something', () => {
  const tables = expiring(150)
  let asked = 0

  const taken = sweepSlice(tables, DAY_MS, { isOver: () => ++asked === 3 })
  const least = sweepSlice(tables, DAY_MS, { isOver: () => true })

  expect(taken).toBe(12)
  expect(least).toBe(4)
})

test('items that wait in one minute of the queue of a store in memory are taken once each', () => {
  const tables = expiring(10)
  const keys: string[] = []

  for (let i = 0; i < 5; i++) keys.push(...tables.takeExpired(DAY_MS, 3).map(({ key }) => key))
  tables.queueExpiry(500, { kind: 'replay', key: 'from a clock that was set back' })
  keys.push(...tables.takeExpired(DAY_MS, 3).map(({ key }) => key))

  expect(keys).toHaveLength(11)
  expect(new Set(keys).size).toBe(11)
})

test('two sweeps of LMDB at once are one', async () => {
  const host = fakeHost()
  const make = samples(host)
  const store = lmdbStore({ path: folder(), now: host.now })
  const short = Array.from({ length: 300 }, () => make.entry({ deadline: host.now() + 1_000 }))
  await Promise.all(short.map((entry) => store.entries.write(entry)))
  host.advance(2_000)

  const swept = await Promise.all([store.sweep(), store.sweep()])

  expect(swept).toEqual([300, 300])
  await store.close()
})

test.each(['memory', 'LMDB'])('a walk over all of %s reads one page a turn', async (kind) => {
  const host = fakeHost()
  const make = samples(host)
  const store =
    kind === 'memory'
      ? memoryStore({ now: host.now })
      : lmdbStore({ path: folder(), now: host.now })
  for (let partition = 0; partition < 64; partition++) {
    const entries = Array.from({ length: partition === 0 ? 500 : 8 }, () =>
      make.entry({ subject: make.subject(partition) }),
    )
    await Promise.all(entries.map((entry) => store.entries.write(entry)))
    const subject = make.subject(partition)
    await store.subjects.write(subject, { version: 1, sealed: make.bytes(), until: DAY_MS * 1e6 })
  }
  const keyring = newKeyring()

  const checked = await mostInOneTurn((count) =>
    expect(checkKeyring({ store: counting(store, count), keyring })).rejects.toMatchObject({
      code: 'config_invalid',
    }),
  )
  const resealed = await mostInOneTurn((count) =>
    resealAll({ store: counting(store, count), keyring }),
  )

  expect(checked).toEqual({ most: 9, total: 64 * 9 })
  expect(resealed).toEqual({ most: 200, total: 500 + 63 * 8 + 64 })
  await store.close()
})

test.each(['memory', 'LMDB'])(
  'who is far behind in the feed of %s gets a page a turn',
  async (kind) => {
    const host = fakeHost()
    const make = samples(host)
    const store =
      kind === 'memory'
        ? memoryStore({ now: host.now })
        : lmdbStore({ path: folder(), now: host.now })
    const start = await store.feed.head()
    await Promise.all(
      Array.from({ length: 400 }, (_, i) =>
        store.feed.append(make.subject(i % 64), Array.from({ length: 10 }, make.event)),
      ),
    )
    const wanted = { everyMs: 1_000, kinds: ['event'] as const }

    const all = await mostInOneTurn(async (count) => {
      for await (const one of store.feed.watch(start, NEVER, { everyMs: 1_000 })) {
        if (one.kind === 'heartbeat') break
        count(1)
      }
    })
    const some = await mostInOneTurn(async (count) => {
      for await (const one of store.feed.watch(start, NEVER, wanted)) {
        if (one.kind === 'heartbeat') break
        count(1)
      }
    })

    const pages = await mostInOneTurn(async (count) => {
      for (let at = start; ; ) {
        const { items, cursor } = await store.feed.read(at, 500)
        if (items.length === 0) break
        count(items.length)
        at = cursor
      }
    })

    expect(pages.total).toBe(4_000)
    expect(pages.most).toBeLessThanOrEqual(500)
    expect(all.total).toBe(4_000)
    expect(some.total).toBe(4_000)
    expect(all.most).toBeLessThanOrEqual(512)
    expect(some.most).toBeLessThanOrEqual(1_024)
    await store.close()
  },
)

const NEVER = new AbortController().signal

/** A store that tells how many items its pages have. */
function counting(store: Store, count: (items: number) => void): Store {
  return {
    ...store,
    entries: {
      ...store.entries,
      async list(query) {
        const page = await store.entries.list(query)
        count(page.items.length)
        return page
      },
    },
    subjects: {
      ...store.subjects,
      async list(query) {
        const page = await store.subjects.list(query)
        count(page.items.length)
        return page
      },
    },
  }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-walks-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
