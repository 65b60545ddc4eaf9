import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { subjectOf } from '../../src/core/ids.ts'
import { EXPIRED_READABLE_MS } from '../../src/core/store.ts'
import { type RedisClient, redisStore } from '../../src/stores/redis.ts'
import { fakeHost } from '../../src/testing/fake-host.ts'
import { nextOf, samples } from '../../src/testing/sample-entry.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import { FEW_BYTES, keptOfTooMuch, SHARE } from '../support/full-feed.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

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

storeContract('Redis through ioredis', ({ now, feedLimit }) =>
  redisStore({ client, now, feedLimit, prefix: `t${made++}:`, timeoutMs: 5_000 }),
)

describe('Redis', () => {
  const host = fakeHost()
  const make = samples(host)

  test('reading a session costs one command', async () => {
    const store = redisStore({ client, prefix: 'one:' })
    const entry = make.entry()
    await store.entries.write(entry)
    await store.entries.attach(entry.id, { version: 1, sealed: make.bytes() })
    const before = await commandsOf(client)

    for (let i = 0; i < 10; i++) await store.entries.read(entry.id)

    // INFO itself is counted as well
    expect((await commandsOf(client)) - before).toBe(11)
    await store.close()
  })

  test('reads of one turn of the event loop travel in one command', async () => {
    const store = redisStore({ client, prefix: 'turn:' })
    const entries = Array.from({ length: 100 }, () => make.entry())
    for (const entry of entries.slice(50)) await store.entries.write(entry)
    const before = await commandsOf(client)

    const found = await Promise.all(entries.map(({ id }) => store.entries.read(id)))

    expect(found.map((one) => one?.id)).toEqual(
      entries.map(({ id }, at) => (at < 50 ? undefined : id)),
    )
    expect((await commandsOf(client)) - before).toBe(3)
    await store.close()
  })

  test('every key of a session has a time to live; generations and feed stay', async () => {
    const store = redisStore({ client, prefix: 'ttl:' })
    const [kept, ended] = [make.entry(), make.entry()]
    for (const entry of [kept, ended]) {
      await store.entries.write(entry, { events: [make.event()] })
      await store.entries.attach(entry.id, { version: 1, sealed: make.bytes() })
      await store.entries.write(nextOf(entry, make.bytes()))
    }
    await store.entries.touch([{ id: kept.id, at: host.now() + 5 }])
    await store.entries.revoke(ended.id, { until: ended.deadline, reason: 'test', at: host.now() })
    await store.replays.once('nonce', host.now() + 60_000)
    const history = { version: 1, sealed: make.bytes(), until: host.now() + 60_000 }
    await store.subjects.write(make.subject(), history)
    await store.subjects.revoke(make.subject(), { at: host.now(), reason: 'test' })

    const keys = await client.keys('ttl:*')
    const immortal: string[] = []
    for (const key of keys) if ((await client.pttl(key)) === -1) immortal.push(key.slice(4, 5))

    expect(keys.length).toBeGreaterThan(9)
    expect(new Set(immortal)).toEqual(new Set(['g', 'f', 'n']))
    await store.close()
  })

  test('attributes and indexes live as long as a session whose deadline has moved', async () => {
    const store = redisStore({ client, prefix: 'moved:' })
    const entry = make.entry()
    await store.entries.write(entry)
    await store.entries.attach(entry.id, { version: 1, sealed: make.bytes() })
    const deadline = entry.deadline + 60_000

    await store.entries.write({ ...nextOf(entry, make.bytes()), deadline })

    const keys = await client.keys('moved:[stip]{*')
    expect(keys).toHaveLength(4)
    for (const key of keys) {
      const isRecord = key.startsWith('moved:s')
      const until = isRecord ? deadline + EXPIRED_READABLE_MS : deadline
      expect(await client.pexpiretime(key)).toBe(until)
    }
    await store.close()
  })

  test('what was told of as expired is kept for a day, however long it might live', async () => {
    const store = redisStore({ client, prefix: 'told:' })
    const entry = make.entry({ deadline: host.now() + 30 * EXPIRED_READABLE_MS, idleMs: 1 })
    await store.entries.write(entry)

    await store.entries.expire(entry.id, { reason: 'idle_timeout', at: host.now() })

    const [record = ''] = await client.keys('told:s*')
    expect(await client.pttl(record)).toBeLessThanOrEqual(EXPIRED_READABLE_MS)
    expect(await client.keys('told:i*')).toEqual([])
    await store.close()
  })

  test('the feed takes no more memory of Redis than it may', async () => {
    const store = redisStore({ client, prefix: 'bytes:', feedBytes: FEW_BYTES })

    const kept = await keptOfTooMuch(store, make)

    const [key = ''] = await client.keys('bytes:f*')
    // a node of a stream holds up to 4 kB, and 64 entries may come between two looks
    expect(await client.memory('USAGE', key)).toBeLessThan(SHARE + 8_192 + 64 * 550)
    expect(kept).toBeGreaterThan(SHARE / 800)
    await store.close()
  })

  test('where the size of a key may not be asked for, the bound of entries is left', async () => {
    await client.call('ACL', 'SETUSER', 'sizeless', 'on', '>secret', '~*', '&*', '+@all', '-memory')
    const other = new Redis({ port: server.port, username: 'sizeless', password: 'secret' })
    const bounds = { feedBytes: FEW_BYTES, feedLimit: 500 }
    const store = redisStore({ client: other, prefix: 'sizeless:', ...bounds })

    const kept = await keptOfTooMuch(store, make)

    expect(kept).toBeGreaterThanOrEqual(500)
    expect(kept).toBeLessThan(700)
    other.disconnect()
    await store.close()
  })

  test('scripts that Redis has forgotten are sent again', async () => {
    const store = redisStore({ client, prefix: 'flush:' })
    const entry = make.entry()
    await store.entries.write(entry)

    await client.script('FLUSH')

    expect(await store.entries.write(nextOf(entry, make.bytes()))).toBe('written')
    await store.close()
  })

  test('a Redis that may evict is refused, unless that is accepted', async () => {
    const evicting = await startRedis(['--maxmemory-policy', 'allkeys-lru'])
    const other = new Redis({ port: evicting.port })
    const entry = make.entry()

    const read = redisStore({ client: other }).entries.read(entry.id)
    await expect(read).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('allkeys-lru'),
    })
    const accepted = redisStore({ client: other, allowEviction: true })
    expect(await accepted.entries.write(entry)).toBe('written')

    other.disconnect()
    await evicting.close()
  })

  test('where INFO is forbidden it says so once, and works', async () => {
    await client.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all', '-info')
    const other = new Redis({
      port: server.port,
      username: 'app',
      password: 'secret',
      enableReadyCheck: false,
    })
    const warnings: string[] = []
    const store = redisStore({
      client: other,
      prefix: 'acl:',
      onWarning: (message) => warnings.push(message),
    })

    expect(await store.entries.write(make.entry())).toBe('written')
    expect(await store.entries.write(make.entry())).toBe('written')

    expect(warnings).toEqual([expect.stringContaining('maxmemory-policy')])
    other.disconnect()
  })

  test('a Redis whose memory is full takes no new session, but every revocation', async () => {
    const full = await startRedis(['--maxmemory-policy', 'noeviction'])
    const other = new Redis({ port: full.port })
    const store = redisStore({ client: other, timeoutMs: 5_000 })
    const [one, two, kept] = [make.entry(), make.entry(), make.entry()]
    for (const entry of [one, two, kept]) await store.entries.write(entry)
    const limit = Number(/used_memory:(\d+)/.exec(await other.info('memory'))?.[1]) - 1_000
    await other.config('SET', 'maxmemory', String(limit))

    await expect(store.entries.write(make.entry())).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('OOM'),
    })
    const end = { until: one.deadline, reason: 'test', at: host.now(), events: [make.event()] }
    expect(await store.entries.revoke(one.id, end)).toBe(true)
    await store.subjects.revoke(subjectOf(two.id), { at: host.now(), reason: 'test' })

    expect(await store.entries.read(one.id)).toBeUndefined()
    expect(await store.entries.read(two.id)).toBeUndefined()
    expect(await store.entries.read(kept.id)).toBeDefined()
    expect(await store.entries.write(nextOf(one, make.bytes())).catch(() => 'failed')).toBe('gone')

    other.disconnect()
    await full.close()
  })

  test.each([
    ['a key prefix of the client', () => redisStore({ client: lazy({ keyPrefix: 'x:' }) })],
    ['a prefix that would break the hash tag', () => redisStore({ client, prefix: '{x}' })],
    ['something that is no client', () => redisStore({ client: {} as unknown as RedisClient })],
    ['nothing', () => redisStore({ client: undefined as unknown as RedisClient })],
  ])('%s is refused at once', (_, makeStore) => {
    expect(makeStore).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  test('a cluster client that reads from replicas is refused: they may lag', () => {
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], {
      scaleReads: 'slave',
      lazyConnect: true,
    })

    expect(() => redisStore({ client: cluster })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
})

function lazy(options: object): Redis {
  return new Redis({ ...options, lazyConnect: true })
}

async function commandsOf(redis: Redis): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
}
