import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { everything, positionBeforeMuch } from '../../src/contracts/stores/feed-entries.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import type { FeedHold } from '../../src/core/feed.ts'
import { PARTITIONS } from '../../src/core/ids.ts'
import type { Store } from '../../src/core/store.ts'
import { redisKeys } from '../../src/stores/redis/keys.ts'
import { type RedisOptions, redisStore } from '../../src/stores/redis.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const make = samples(fakeHost())
let server: RedisServer
let client: Redis
let made = 0

beforeAll(async () => {
  server = await startRedis()
  client = new Redis({ port: server.port })
})
afterAll(async () => {
  client?.disconnect()
  await server?.close()
})

function opened(options: Partial<RedisOptions> = {}): {
  readonly store: Store
  readonly hold: FeedHold
  readonly prefix: string
} {
  const prefix = `h${made++}:`
  const store = redisStore({ client, prefix, feedLimit: 50, timeout: 5_000, ...options })
  onTestFinished(() => store.close())
  const { hold } = store.feed
  if (hold === undefined) throw new Error('The store does not hold its feed.')
  return { store, hold, prefix }
}

test('a confirmation costs two reads, and one script for each partition that moved', async () => {
  const { store, hold } = opened()
  await hold.confirm(await store.feed.head())
  for (const partition of [7, 8, 9]) {
    await store.feed.append(make.subject(partition), [make.event()])
  }
  const head = await store.feed.head()

  expect(await commandsOf(() => hold.confirm(head))).toEqual({ mget: 2, evalsha: 3 })
  expect(await commandsOf(() => hold.confirm(head))).toEqual({ mget: 2, evalsha: 0 })
})

test('events whose acknowledgement was lost are not appended again by the client', async () => {
  const line = await faultProxy()
  line.lead(server.port)
  const cut = new Redis({ port: line.port, retryStrategy: () => 10 })
  onTestFinished(async () => {
    cut.disconnect()
    await line.close()
  })
  const { store, prefix } = opened({ client: cut, timeout: 30_000 })
  const subject = make.subject(7)
  await store.feed.append(subject, [make.event()])
  cut.on('error', () => {})

  line.weather({ kind: 'slow', delayMs: 500 })
  const appended = store.feed.append(subject, [make.event(), make.event()])
  const counter = redisKeys(prefix).counter(7)
  await until('it is in the feed', async () => (await client.get(counter)) === '3')
  line.reset()
  line.weather({ kind: 'clear' })
  await appended
  await store.feed.append(subject, [make.event()])

  expect(await client.get(counter)).toBe('4')
})

test('a mark that a fail-over set back holds more, and one that it lost is set again', async () => {
  const { store, hold, prefix } = opened()
  const keys = redisKeys(prefix)
  const early = await positionBeforeMuch(store, make)
  await hold.confirm(await store.feed.head())
  const head = await store.feed.head()

  await client.set(keys.confirmed(5), '390')
  await positionBeforeMuch(store, make)
  const kept = await everything(store, await hold.confirmed())
  await client.del(keys.confirmed(5))
  const unknown = await hold.confirmed()
  await store.feed.append(make.subject(5), [make.event()])
  await hold.confirm(head)
  const again = await hold.confirmed()
  await positionBeforeMuch(store, make)

  const here = kept.filter(({ partition }) => partition === 5)
  expect(here.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 410 }, (_, i) => 391 + i),
  )
  expect(unknown).toBeUndefined()
  expect(again).toBe(head)
  await expect(store.feed.read(early, 10)).rejects.toMatchObject({ code: 'feed_gap' })
})

test('the marks are one key a partition, and a release takes them away', async () => {
  const { store, hold, prefix } = opened()

  await hold.confirm(await store.feed.head())
  const held = await client.keys(`${prefix}a*`)
  await hold.release()

  expect(held).toHaveLength(PARTITIONS)
  expect(await client.keys(`${prefix}a*`)).toEqual([])
})

test('where the size of a key may not be asked for, no more waits without end either', async () => {
  await client.call('ACL', 'SETUSER', 'sizeless', 'on', '>secret', '~*', '&*', '+@all', '-memory')
  const other = new Redis({ port: server.port, username: 'sizeless', password: 'secret' })
  onTestFinished(() => other.disconnect())
  const { store, hold } = opened({ client: other, auditBacklogBytes: 6_400_000 })
  await hold.confirm(await store.feed.head())
  const subject = make.subject(5)
  let appended = 0

  const filling = (async () => {
    for (; appended < 2_000; appended++) await store.feed.append(subject, [make.event()])
  })()

  await expect(filling).rejects.toMatchObject({ code: 'store_unavailable' })
  // 100 kB of entries that count 400 bytes each, beyond the 50 that are kept anyway
  expect(appended).toBe(301)
})

/** Commands that Redis has run meanwhile. */
async function commandsOf(
  work: () => Promise<void>,
): Promise<{ readonly mget: number; readonly evalsha: number }> {
  await client.config('RESETSTAT')
  await work()
  const told = await client.info('commandstats')
  const calls = (name: string): number =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(told)?.[1] ?? 0)
  return { mget: calls('mget'), evalsha: calls('evalsha') }
}
