import { expect, onTestFinished, test } from 'vitest'
import { type IndexFollower, indexFollower } from '../../../src/audit/desk/index-follower.ts'
import type { PostgresAddress } from '../../../src/audit/search/shared/postgres.ts'
import { openSharedIndex, type SharedIndex } from '../../../src/audit/search/shared/shared-index.ts'
import {
  ADA,
  addLine,
  entries,
  host,
  PERSONAL,
  type Place,
  place,
  segmentsIn,
} from '../log/support.ts'
import { ask, sharedPostgres } from '../search/postgres-server.ts'

const upTo = (last: number, first = 1): readonly number[] =>
  Array.from({ length: last + 1 - first }, (_, at) => first + at)

async function database(): Promise<PostgresAddress> {
  return (await sharedPostgres()).database()
}

interface Following {
  readonly follower: IndexFollower
  readonly index: SharedIndex
  readonly told: string[]
  count(): Promise<number>
}

function following({ directory, vault }: Place, address: PostgresAddress): Following {
  const index = openSharedIndex({ address, now: host.now })
  const told: string[] = []
  const tell = (_: object, text: string): void => void told.push(text)
  const follower = indexFollower({
    ...{ directory, vault, index, retryMs: 1, lookEveryMs: 20 },
    log: { warn: tell, error: tell },
  })
  onTestFinished(async () => {
    await follower.close()
    await index.close()
  })
  return {
    ...{ follower, index, told },
    count: async () => (await index.searches.events({ limit: 1_000 })).items.length,
  }
}

test('the log comes into the index, what is there and what comes, with who it was', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(1, upTo(30), PERSONAL))
  const { follower, index, count } = following(at, await database())

  follower.begin()
  await expect.poll(follower.isCaughtUp).toBe(true)
  log.append(entries(1, [31, 32], PERSONAL))
  follower.wake()
  expect(follower.isCaughtUp()).toBe(false)
  await expect.poll(follower.isCaughtUp).toBe(true)

  expect(await count()).toBe(32)
  expect((await index.searches.events({ limit: 1 })).items).toMatchObject([{ personal: PERSONAL }])
})

test('a log of many parts and segments is read as a whole', async () => {
  const at = place()
  const log = at.open({ segmentBytes: 200_000 })
  for (let from = 1; from < 2_600; from += 100) log.append(entries(1, upTo(from + 99, from)))
  expect(segmentsIn(at.directory).length).toBeGreaterThan(3)
  const { follower, index } = following(at, await database())

  follower.begin()
  await expect.poll(follower.isCaughtUp).toBe(true)

  expect((await index.searches.subjects({})).items).toMatchObject([{ events: 2_600 }])
})

test('without a database it tells once, and goes on when it is there', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(1, upTo(3)))
  const address = await database()
  await ask(address, 'CREATE SCHEMA holdfast')
  await ask(address, 'CREATE TABLE holdfast.invoices (total INTEGER)')
  const { follower, told, count } = following(at, address)
  follower.begin()
  await expect.poll(() => told.length).toBe(1)

  await ask(address, 'DROP SCHEMA holdfast CASCADE')

  await expect.poll(follower.isCaughtUp).toBe(true)
  expect(await count()).toBe(3)
  expect(told).toEqual([
    'The index in PostgreSQL gets no events: they wait in the log.',
    'The index in PostgreSQL gets events again.',
  ])
})

test('an index that was emptied is filled again, though nothing happens', async () => {
  const at = place()
  at.open().append(entries(1, upTo(5)))
  const { follower, index, count } = following(at, await database())
  follower.begin()
  await expect.poll(follower.isCaughtUp).toBe(true)

  await index.renew()

  await expect.poll(count).toBe(5)
})

test('an erasure comes between what was before it and what comes then', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(1, [1, 2], PERSONAL))
  const { follower, index } = following(at, await database())
  follower.begin()
  await expect.poll(follower.isCaughtUp).toBe(true)

  // Nobody but the log says so: the database was away.
  log.erase(ADA)
  host.advance(1_000)
  log.append(entries(1, [3], PERSONAL))
  follower.wake()
  await expect.poll(follower.isCaughtUp).toBe(true)

  const { items } = await index.searches.events({})
  expect(items.map(({ personal }) => personal)).toEqual([PERSONAL, null, null])
  expect((await index.searches.subjects({})).items).toMatchObject([{ name: 'ada', events: 3 }])
})

test('who was succeeded in its directory reads what counts there, and nothing else', async () => {
  const at = place()
  const first = at.open()
  first.append(entries(1, upTo(3)))
  const address = await database()
  const old = following(at, address)
  old.follower.begin()
  await expect.poll(old.follower.isCaughtUp).toBe(true)
  const [own = ''] = segmentsIn(at.directory)
  const second = at.open()
  second.append(entries(1, upTo(5, 4)))
  const fresh = following(at, address)
  fresh.follower.begin()
  await expect.poll(fresh.follower.isCaughtUp).toBe(true)

  // As one that was paused: it does not know yet.
  addLine(own, {
    ...{ kind: 'event', partition: 1, after: 3, sequence: 4 },
    event: entries(1, [4])[0]?.event as never,
  })
  old.follower.wake()
  await expect.poll(old.follower.isCaughtUp).toBe(true)

  expect(await fresh.count()).toBe(5)
  expect(old.told).toEqual([])
})

test('what ends while it runs goes on where it was', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(1, upTo(2_500)))
  const address = await database()
  const one = following(at, address)
  one.follower.begin()
  await expect.poll(() => one.count().catch(() => 0)).toBeGreaterThan(0)
  await one.follower.close()

  const next = following(at, address)
  next.follower.begin()
  await expect.poll(next.follower.isCaughtUp).toBe(true)

  expect((await next.index.searches.subjects({})).items).toMatchObject([{ events: 2_500 }])
})
