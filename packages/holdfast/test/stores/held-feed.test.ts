import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { everything } from '../../src/contracts/stores/feed-entries.ts'
import { type Samples, samples } from '../../src/contracts/stores/sample-entry.ts'
import type { FeedEntry, SealedEvent } from '../../src/core/feed.ts'
import { PARTITIONS } from '../../src/core/ids.ts'
import type { Store } from '../../src/core/store.ts'
import { decodeCursor, encodeCursor } from '../../src/stores/feed/cursor.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

/** Some kilobytes for a partition. */
const FEW = { feedLimit: 20, feedBytes: 1_000_000, auditBacklogBytes: 1_000_000 }

const directory = mkdtempSync(join(tmpdir(), 'holdfast-held-'))
let server: RedisServer
let made = 0

beforeAll(async () => {
  server = await startRedis()
})
afterAll(async () => {
  await server?.close()
  rmSync(directory, { recursive: true, force: true })
})

type Step =
  | { readonly do: 'append'; readonly partition: number; readonly sizes: readonly number[] }
  | { readonly do: 'end'; readonly partition: number }
  /** How much of what waits the audit log takes, of 8 parts. */
  | { readonly do: 'confirm'; readonly parts: number }

const partition = fc.constantFrom(3, 3, 3, 60)
const steps: fc.Arbitrary<readonly (Step & { readonly by: number })[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        partition,
        sizes: fc.array(fc.nat(600), { minLength: 10, maxLength: 40 }),
        by: fc.nat(1),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('end' as const), partition, by: fc.nat(1) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('confirm' as const),
        parts: fc.constantFrom(0, 1, 7, 8, 8),
        by: fc.nat(1),
      }),
    },
  ),
  { minLength: 20, maxLength: 60 },
)

test.each<[string, number, () => Store[]]>([
  [
    'memory',
    60,
    () => {
      const store = memoryStore(FEW)
      return [store, store]
    },
  ],
  [
    'LMDB, opened twice',
    15,
    () => {
      const path = join(directory, String(made++))
      return [lmdbStore({ path, ...FEW }), lmdbStore({ path, ...FEW })]
    },
  ],
  [
    'Redis, by two who use it',
    30,
    () => {
      const url = `redis://127.0.0.1:${server.port}`
      const prefix = `h${made++}:`
      return [redisStore({ url, prefix, ...FEW }), redisStore({ url, prefix, ...FEW })]
    },
  ],
])('nothing is ever dropped while it is held, whatever comes: %s', async (_, numRuns, open) => {
  const seen = { refused: 0, dropped: 0 }

  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const stores = open()
      await walk(stores, all, seen)
      for (const store of new Set(stores)) await store.close()
    }),
    { numRuns },
  )

  expect(seen.refused).toBeGreaterThan(0)
  expect(seen.dropped).toBeGreaterThan(0)
})

async function walk(
  stores: readonly Store[],
  all: readonly (Step & { readonly by: number })[],
  seen: { refused: number; dropped: number },
): Promise<void> {
  const make = samples(fakeHost())
  const kept = new Map<number, string[]>([
    [3, []],
    [60, []],
  ])
  const confirmed = Array.from({ length: PARTITIONS }, () => 0)
  const [first] = stores
  if (first === undefined) throw new Error('no store')
  await first.feed.hold?.confirm(encodeCursor(confirmed))

  for (const step of all) {
    const store = stores[step.by] ?? first
    if (step.do === 'confirm') {
      for (const [of, entries] of kept) {
        const waiting = entries.length - (confirmed[of] ?? 0)
        confirmed[of] = (confirmed[of] ?? 0) + Math.floor((waiting * step.parts) / 8)
      }
      await store.feed.hold?.confirm(encodeCursor(confirmed))
    } else if (step.do === 'end') {
      kept.get(step.partition)?.push(...(await end(store, step.partition, make)))
    } else {
      const entries = kept.get(step.partition) ?? []
      const events = step.sizes.map((size) => ({ ...make.event(), sealed: Buffer.alloc(size) }))
      const passed = await appended(store, step.partition, { events, make })
      if (passed) entries.push(...events.map(({ id }) => id))
      else {
        seen.refused++
        expect(entries.length - (confirmed[step.partition] ?? 0)).toBeGreaterThanOrEqual(64)
      }
    }
    const told = await everything(stores[1 - step.by] ?? first, encodeCursor(confirmed), 1_000)
    for (const [of, entries] of kept) {
      const here = told.filter((entry) => entry.partition === of)
      expect(here.map(nameOf)).toEqual(entries.slice(confirmed[of]))
    }
  }
  const { items } = await first.feed.read(undefined, 1)
  for (const { partition: of, cursor } of items) seen.dropped += (decodeCursor(cursor)[of] ?? 1) - 1
}

async function appended(
  store: Store,
  of: number,
  { events, make }: { readonly events: readonly SealedEvent[]; readonly make: Samples },
): Promise<boolean> {
  const before = await store.feed.head()
  try {
    await store.feed.append(make.subject(of), events)
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'store_unavailable' })
    expect(await store.feed.head()).toBe(before)
    return false
  }
}

/** Logs a subject out everywhere. Answers what the feed has of it. */
async function end(store: Store, of: number, make: Samples): Promise<readonly string[]> {
  const subject = make.subject(of)
  const event = make.event()
  await store.subjects.revoke(subject, { at: event.at, reason: 'test', events: [event] })
  return [subject, event.id]
}

function nameOf(entry: FeedEntry): string {
  if (entry.kind === 'event') return entry.id
  return entry.kind === 'subject' ? entry.subject : entry.session
}
