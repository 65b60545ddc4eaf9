import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { startSentinel } from '../support/redis.ts'
import { until } from '../support/until.ts'

let watched: Awaited<ReturnType<typeof startSentinel>>
let client: Redis
let made = 0

beforeAll(async () => {
  watched = await startSentinel()
  client = new Redis({
    sentinels: [{ host: '127.0.0.1', port: watched.port }],
    name: 'main',
    sentinelRetryStrategy: () => 50,
    retryStrategy: () => 50,
  })
  client.on('error', () => {})
})

afterAll(async () => {
  client?.disconnect()
  await watched?.close()
})

storeContract('Redis behind a Sentinel through ioredis', (bounds) =>
  redisStore({ client, ...bounds, prefix: `t${made++}:`, timeout: 5_000 }),
)

test('a node-redis sentinel client does the same work', async () => {
  const sentinelRootNodes = [{ host: '127.0.0.1', port: watched.port }]
  const other = await createSentinel({ name: 'main', sentinelRootNodes }).connect()
  const store = redisStore({ client: other, prefix: 'other:', timeout: 5_000 })
  const host = fakeHost()
  const entry = samples(host).entry()

  expect(await store.entries.write(entry)).toBe('written')
  expect(await store.entries.read(entry.id)).toMatchObject({ version: 1 })
  await store.entries.revoke(entry.id, { reason: 'test', at: host.now() })
  expect(await store.entries.read(entry.id)).toBeUndefined()

  await store.close()
  other.destroy()
})

test('after the master is killed the promoted replica serves what it had', async () => {
  const store = redisStore({ client, prefix: 'over:', timeout: 1_000 })
  const make = samples(fakeHost())
  const entry = make.entry()
  expect(await store.entries.write(entry)).toBe('written')
  expect(await client.wait(1, 5_000)).toBe(1)

  await watched.killMaster()
  await expect(store.entries.read(entry.id)).rejects.toMatchObject({ code: 'store_unavailable' })

  await watched.failOver()
  await until('the replica is promoted', () =>
    store.entries.write(make.entry()).then(
      (outcome) => outcome === 'written',
      () => false,
    ),
  )
  expect(await store.entries.read(entry.id)).toMatchObject({ id: entry.id })
  await store.close()
})
