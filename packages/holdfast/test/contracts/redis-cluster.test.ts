import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { createCluster as createCluster4 } from 'redis4'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { allIds, nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import { locate, suffixOf } from '../../src/stores/partition.ts'
import { redisKeys } from '../../src/stores/redis/keys.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { recordOfBefore } from '../support/record-of-before.ts'
import { startCluster } from '../support/redis.ts'

let cluster: Awaited<ReturnType<typeof startCluster>>
let client: Cluster
let made = 0

beforeAll(async () => {
  cluster = await startCluster()
  client = new Cluster(cluster.ports.map((port) => ({ host: '127.0.0.1', port })))
})

afterAll(async () => {
  client?.disconnect()
  await cluster?.close()
})

storeContract('Redis Cluster of three masters through ioredis', (bounds) =>
  redisStore({ client, ...bounds, prefix: `t${made++}:`, timeout: 5_000 }),
)

test('one node of a Cluster behind a client of a single server is refused', async () => {
  const port = cluster.ports[0] ?? 0
  const one = new Redis({ port })
  const stores = [
    redisStore({ client: one, timeout: 5_000 }),
    redisStore({ url: `redis://127.0.0.1:${port}`, timeout: 5_000 }),
  ]

  for (const store of stores) {
    await expect(store.feed.head()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('redis+cluster://'),
    })
    await store.close()
  }
  one.disconnect()
})

test('the partitions are spread over all three masters', async () => {
  const store = redisStore({ client, prefix: 'spread:', timeout: 5_000 })
  const make = samples(fakeHost())
  for (let partition = 0; partition < 64; partition++) {
    const entry = make.entry({ subject: make.subject(partition) })
    expect(await store.entries.write(entry)).toBe('written')
  }

  const sizes = await Promise.all(client.nodes('master').map((node) => node.dbsize()))

  expect(sizes).toHaveLength(3)
  for (const size of sizes) expect(size).toBeGreaterThan(20)
  await store.close()
})

test('a record of before and its attributes come together where they are', async () => {
  const host = fakeHost()
  const make = samples(host)
  const keys = redisKeys('apart:')
  const store = redisStore({ client, now: host.now, prefix: 'apart:', timeout: 5_000 })
  for (let partition = 0; partition < 64; partition++) {
    const entry = make.entry({ subject: make.subject(partition) })
    const { id, createdAt } = entry
    const attributes = { version: 3, sealed: Buffer.from(make.bytes()) }
    const location = locate(id)
    const [record, apart] = recordOfBefore({ ...entry, attributes, lastActivity: createdAt })
    await client.set(keys.record(location, id), record)
    await client.set(keys.apart(location, id), apart ?? '')
    await client.zadd(keys.index(location), createdAt, suffixOf(id))
    const listed = await store.entries.list({ subject: location.subject, limit: 10 })
    expect(listed.items).toMatchObject([{ id, attributes }])
    expect(await store.entries.read(id)).toMatchObject({ version: 1, attributes })

    if (partition % 2 === 0) {
      expect(await store.entries.write(nextOf(entry, make.bytes()))).toBe('written')
      expect(await store.entries.read(id)).toMatchObject({ version: 2, attributes })
    } else {
      const next = { version: 4, sealed: Buffer.from(make.bytes()) }
      const second = nextOf(entry, make.bytes())
      expect(await store.entries.write(second, { attributes: next })).toBe('written')
      expect(await store.entries.read(id)).toMatchObject({ version: 2, attributes: next })
    }

    expect(await client.exists(keys.apart(location, id))).toBe(0)
  }
  await store.close()
})

type RootNodes = { url: string }[]

const CLIENTS = {
  'node-redis': async (rootNodes: RootNodes) => {
    const other = createCluster({ rootNodes })
    await other.connect()
    return { other, close: async () => other.destroy() }
  },
  'redis 4': async (rootNodes: RootNodes) => {
    const other = createCluster4({ rootNodes })
    await other.connect()
    return { other, close: () => other.disconnect() }
  },
}

test.each(Object.entries(CLIENTS))(
  'a %s cluster client does the same work on the same data',
  async (name, connected) => {
    const rootNodes = cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }))
    const { other, close } = await connected(rootNodes)
    const ours = redisStore({ client, prefix: `${name}:`.replaceAll(' ', '-'), timeout: 5_000 })
    const theirs = redisStore({
      client: other,
      prefix: `${name}:`.replaceAll(' ', '-'),
      timeout: 5_000,
    })
    const host = fakeHost()
    const make = samples(host)

    try {
      for (let partition = 0; partition < 8; partition++) {
        const entry = make.entry({ subject: make.subject(partition) })
        expect(await ours.entries.write(entry, { events: [make.event()] })).toBe('written')
        expect(await theirs.entries.write(nextOf(entry, make.bytes()))).toBe('written')
        expect(await theirs.entries.read(entry.id)).toMatchObject({ version: 2 })
        expect(await allIds(theirs, { partition })).toEqual([entry.id])
        const end = { reason: 'test', at: host.now() }
        expect(await theirs.entries.revoke(entry.id, end)).toBe(true)
        expect(await ours.entries.read(entry.id)).toBeUndefined()
      }
      const [mine, others] = await Promise.all([
        ours.feed.read(undefined, 100),
        theirs.feed.read(undefined, 100),
      ])
      expect(others).toEqual(mine)
      expect(mine.items).toHaveLength(24)
    } finally {
      await ours.close()
      await theirs.close()
      await close()
    }
  },
)
