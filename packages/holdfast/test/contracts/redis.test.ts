import fc from 'fast-check'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import { type SessionId, subjectOf } from '../../src/core/ids.ts'
import { EXPIRED_READABLE_MS } from '../../src/core/store.ts'
import { locate, suffixOf } from '../../src/stores/partition.ts'
import { redisKeys } from '../../src/stores/redis/keys.ts'
import { SCRIPTS } from '../../src/stores/redis/scripts.ts'
import { type RedisClient, redisStore } from '../../src/stores/redis.ts'
import { encodeRecord } from '../../src/stores/stored-record.ts'
import { FEW_BYTES, keptOfTooMuch, SHARE } from '../support/full-feed.ts'
import { recordOfBefore } from '../support/record-of-before.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

/** A sealed record that is shorter than the others. */
const SHORT = Buffer.from('short')

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

storeContract('Redis through ioredis', (bounds) =>
  redisStore({ client, ...bounds, prefix: `t${made++}:`, timeout: 5_000 }),
)

describe('Redis', () => {
  const host = fakeHost()
  const make = samples(host)

  test('reading a session costs one command', async () => {
    const store = redisStore({ client, prefix: 'one:' })
    const entry = make.entry()
    await store.entries.write(entry, { attributes: { version: 1, sealed: make.bytes() } })
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

  test('writes of one turn of the event loop travel together, each fails for itself', async () => {
    const store = redisStore({ client, prefix: 'together:', timeout: 5_000 })
    const entries = Array.from({ length: 100 }, (_, i) => {
      return make.entry({ subject: make.subject(i === 70 ? 1 : 2) })
    })
    const keys = redisKeys('together:')
    await client.set(keys.feed(1), 'no stream')
    const before = await readsOf(client)

    const outcomes = await Promise.allSettled(
      entries.map((entry) => store.entries.write(entry, { events: [make.event()] })),
    )

    // Redis reads 16 kB at a time
    expect((await readsOf(client)) - before).toBeLessThan(20)
    for (const [i, outcome] of outcomes.entries()) {
      if (i !== 70) expect(outcome).toEqual({ status: 'fulfilled', value: 'written' })
      else {
        expect(outcome).toMatchObject({
          reason: { code: 'store_unavailable', message: expect.stringContaining('WRONGTYPE') },
        })
      }
    }
    await store.close()
  })

  test('updates of one turn are few runs of their script, and what fails fails alone', async () => {
    const prefix = `updates${made++}:`
    const keys = redisKeys(prefix)
    const store = redisStore({ client, prefix, timeout: 5_000 })
    const entries = Array.from({ length: 70 }, () => make.entry())
    for (const entry of entries) await store.entries.write(entry)
    const updates = entries.map((entry) => nextOf(entry, make.bytes()))
    const [first, second] = updates
    const broken = (first?.id ?? '') as SessionId
    await client.del(keys.record(locate(broken), broken))
    await client.lpush(keys.record(locate(broken), broken), 'no record')
    if (second !== undefined) updates.push(second)
    const runs = await commandsOf(client, 'evalsha')

    const answers = await Promise.all(
      updates.map((update) =>
        store.entries.write(update, { events: [make.event()] }).catch(({ message }) => message),
      ),
    )

    expect((await commandsOf(client, 'evalsha')) - runs).toBe(2)
    expect(answers).toEqual([
      'Redis could not do "write": WRONGTYPE.',
      ...entries.slice(1).map(() => 'written'),
      'conflict',
    ])
    await store.close()
  })

  test('every key of a session has a time to live; generations and feed stay', async () => {
    const store = redisStore({ client, prefix: 'ttl:' })
    const [kept, ended] = [make.entry(), make.entry()]
    for (const entry of [kept, ended]) {
      const attributes = { version: 1, sealed: make.bytes() }
      await store.entries.write(entry, { attributes, events: [make.event()] })
      await store.entries.write(nextOf(entry, make.bytes()))
    }
    await store.entries.touch([{ id: kept.id, at: host.now() + 5 }])
    await store.entries.revoke(ended.id, { reason: 'test', at: host.now() })
    await store.replays.once('nonce', host.now() + 3_600_000)
    const history = { version: 1, sealed: make.bytes(), until: host.now() + 3_600_000 }
    await store.subjects.write(make.subject(), history)
    await store.subjects.revoke(make.subject(), { at: host.now(), reason: 'test' })

    const keys = await client.keys('ttl:*')
    const immortal: string[] = []
    for (const key of keys) if ((await client.pttl(key)) === -1) immortal.push(key.slice(4, 5))

    expect(keys.length).toBeGreaterThan(9)
    expect(new Set(immortal)).toEqual(new Set(['g', 'f', 'n']))
    await store.close()
  })

  test('record and indexes live as long as a session whose deadline has moved', async () => {
    const store = redisStore({ client, prefix: 'moved:' })
    const entry = make.entry()
    await store.entries.write(entry, { attributes: { version: 1, sealed: make.bytes() } })
    const deadline = entry.deadline + 60_000

    await store.entries.write({ ...nextOf(entry, make.bytes()), deadline })

    const keys = await client.keys('moved:[stip]{*')
    expect(keys).toHaveLength(3)
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
    const attributes = make.bytes()
    await store.entries.write(entry, { attributes: { version: 1, sealed: attributes } })

    await store.entries.expire(entry.id, { reason: 'idle_timeout', at: host.now() })

    const [record = ''] = await client.keys('told:s*')
    const kept = (await client.getBuffer(record)) ?? Buffer.alloc(0)
    expect(await client.pttl(record)).toBeLessThanOrEqual(EXPIRED_READABLE_MS)
    expect(kept.includes(Buffer.from(entry.sealed))).toBe(true)
    expect(kept.includes(Buffer.from(attributes))).toBe(false)
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

  test('an update of a session is one script, writes in place what fits, and wakes', async () => {
    const store = redisStore({ client, prefix: 'short:' })
    const entry = make.entry()
    await store.entries.write(entry, { attributes: { version: 1, sealed: make.bytes() } })
    await store.entries.write(nextOf(entry, make.bytes()))
    const counted = ['evalsha', 'zadd', 'set', 'setrange', 'publish'] as const
    const [second, third] = [
      nextOf(entry, make.bytes()),
      nextOf(nextOf(entry, entry.sealed), SHORT),
    ]

    for (const [next, set, inPlace] of [
      [nextOf(second, make.bytes()), 0, 1],
      [nextOf(third, SHORT), 1, 0],
    ] as const) {
      const before = await Promise.all(counted.map((name) => commandsOf(client, name)))

      await store.entries.write(next, { events: [make.event()] })

      const after = await Promise.all(counted.map((name) => commandsOf(client, name)))
      const calls = after.map((count, i) => count - (before[i] ?? 0))
      expect(calls).toEqual([1, 0, set, inPlace, 1])
    }
    await store.close()
  })

  test('the short script for updates does as the one for all, whatever it finds', async () => {
    const at = host.now()
    const id = make.entry().id
    const location = locate(id)
    const long = at + 2 * EXPIRED_READABLE_MS
    const deadline = fc.constantFrom(
      at + 60_000,
      at + 60_000,
      at + 60_000,
      long,
      at + 1,
      at,
      at - 1,
    )
    const idleMs = fc.constantFrom(60_000, 60_000, 60_000, 30_000, 1, 4 * at)
    const past = fc.constantFrom(at, at - 1, at - 20_000, at - 60_000, 0)
    const generation = fc.constantFrom(0, 5, 5, at)
    const version = fc.constantFrom(1, 1, 1, 2, 3)
    const createdAt = at - 60_000
    const kept = { version: 7, sealed: Buffer.from('attributes') }
    const attributes = fc.constantFrom(undefined, kept, { ...kept, sealed: Buffer.alloc(70_000) })
    const apart = fc.constantFrom(false, false, true)
    // As long as the next one, which is written in its place, or not.
    const sealed = fc.constantFrom(Buffer.from('old'), Buffer.from('start'), Buffer.from('before'))
    const live = fc
      .record({
        version,
        generation,
        deadline,
        idleMs,
        lastActivity: past,
        attributes,
        apart,
        sealed,
      })
      .map(({ apart, ...given }) => {
        const record = { createdAt, ...given }
        return apart ? recordOfBefore(record) : [encodeRecord({ kind: 'live', ...record })]
      })
    const dead = deadline.map((until) => [encodeRecord({ kind: 'dead', until })])
    const stored = fc.oneof({ weight: 8, arbitrary: live }, dead, fc.constant([]))
    const raised = fc.constantFrom(undefined, undefined, 5, at)
    const written = fc.record({
      version: version.map((before) => before + 1),
      generation,
      deadline,
      idleMs,
    })
    const options = fc.record({
      seenAt: past,
      events: fc.integer({ min: 0, max: 3 }).map((n) => Array.from({ length: n }, make.event)),
    })
    const reached = new Set<unknown>()

    await fc.assert(
      fc.asyncProperty(stored, raised, written, options, async (values, generation, next, also) => {
        const [record, beside] = values
        const entry = { id, createdAt, sealed: Buffer.from('after'), ...next }
        const results: unknown[] = []
        for (const short of [true, false]) {
          const prefix = `${short ? 'x' : 'y'}${made++}:`
          const keys = redisKeys(prefix)
          if (beside !== undefined) await client.set(keys.apart(location, id), beside)
          if (record !== undefined) {
            const readable = 2 * EXPIRED_READABLE_MS
            const until = record[0] === 0 ? at + readable : record.readUIntBE(17, 6) + readable / 2
            await client.set(keys.record(location, id), record, 'PXAT', until)
            await client.zadd(keys.index(location), createdAt, suffixOf(id))
            await client.pexpireat(keys.index(location), at + EXPIRED_READABLE_MS)
          }
          if (generation !== undefined) await client.set(keys.generation(location), `${generation}`)
          const { client: watched, answers } = updatesOf(client, short)
          const store = redisStore({ client: watched, prefix, now: () => at })
          const outcome = await store.entries.write(entry, also)
          await store.close()
          results.push([outcome, await contentOf(client, prefix)])
          if (short) reached.add(answers[0])
        }
        expect(results[0]).toEqual(results[1])
      }),
      { numRuns: 400 },
    )
    expect([...reached].map(Number).sort()).toEqual([-1, 0, 1, 2])
  })

  test('an update brings back to the lists what a clock that is ahead took out', async () => {
    const idleMs = 10 * 60_000
    const ahead = redisStore({ client, prefix: 'ahead:', now: () => host.now() + 5 * 60_000 })
    const store = redisStore({ client, prefix: 'ahead:', now: host.now })
    const entry = make.entry({ idleMs })
    const of = { subject: subjectOf(entry.id), limit: 10 }
    await store.entries.write(entry)
    host.advance(6 * 60_000)
    expect((await ahead.entries.list(of)).items).toEqual([])

    expect(await store.entries.write(nextOf(entry, make.bytes()))).toBe('written')

    expect((await store.entries.list(of)).items).toMatchObject([{ id: entry.id }])
    await ahead.close()
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
    const warnings: string[] = []
    const onWarning = (text: string) => warnings.push(text)
    const accepted = redisStore({ client: other, allowEviction: true, onWarning })
    expect(await accepted.entries.write(entry)).toBe('written')
    expect(warnings).toEqual([expect.stringMatching(/allkeys-lru.*allowEviction accepts it/)])

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
    const store = redisStore({ client: other, timeout: 5_000 })
    const [one, two, kept] = [make.entry(), make.entry(), make.entry()]
    for (const entry of [one, two, kept]) await store.entries.write(entry)
    const limit = Number(/used_memory:(\d+)/.exec(await other.info('memory'))?.[1]) - 1_000
    await other.config('SET', 'maxmemory', String(limit))

    await expect(store.entries.write(make.entry())).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('OOM'),
    })
    const end = { reason: 'test', at: host.now(), events: [make.event()] }
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
    [
      'a client that would make pipelines of its own',
      () => redisStore({ client: lazy({ enableAutoPipelining: true }) }),
    ],
    ['a prefix that would break the hash tag', () => redisStore({ client, prefix: '{x}' })],
    ['something that is no client', () => redisStore({ client: {} as unknown as RedisClient })],
    ['nothing', () => redisStore({ client: undefined as unknown as RedisClient })],
  ])('%s is refused at once', (_, makeStore) => {
    expect(makeStore).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  test.each([
    ['keyPrefix', 'x:'],
    ['enableAutoPipelining', true],
    ['stringNumbers', true],
    ['replyMapping', 'resp3'],
  ])('the option %s of a client is refused by name, of a Cluster, too', (name, value) => {
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], {
      redisOptions: { [name]: value },
      lazyConnect: true,
    })

    for (const made of [lazy({ [name]: value }), cluster]) {
      expect(() => redisStore({ client: made })).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          message: expect.stringContaining(`make the client without "${name}"`),
        }),
      )
    }
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

  test.each<[string, (reply: unknown) => unknown]>([
    ['numbers as text', (reply) => (typeof reply === 'number' ? String(reply) : reply)],
    ['bytes as text', (reply) => (Buffer.isBuffer(reply) ? reply.toString() : reply)],
    ['nothing as undefined', (reply) => reply ?? undefined],
    ['numbers as BigInt', (reply) => (typeof reply === 'number' ? BigInt(reply) : reply)],
  ])('a client that hands on %s is found out at the first use', async (_, change) => {
    const changed = (reply: unknown): unknown =>
      Array.isArray(reply) ? reply.map(changed) : change(reply)
    const own: RedisClient = {
      options: {},
      callBuffer: async (command, ...args) => changed(await client.callBuffer(command, ...args)),
    }

    const read = redisStore({ client: own, onWarning: () => {} }).entries.read(make.entry().id)

    await expect(read).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('changes replies'),
    })
  })
})

function lazy(options: object): Redis {
  return new Redis({ ...options, lazyConnect: true })
}

/** How often Redis has read from a socket. */
async function readsOf(redis: Redis): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
}

/** Commands that Redis has run: all that came from outside, or each of one name. */
async function commandsOf(redis: Redis, name?: string): Promise<number> {
  const [told, pattern] =
    name === undefined
      ? [await redis.info('stats'), /total_commands_processed:(\d+)/]
      : [await redis.info('commandstats'), new RegExp(`cmdstat_${name}:calls=(\\d+)`)]
  return Number(pattern.exec(told)?.[1] ?? 0)
}

/**
 * A client that tells what the short script for updates answered. Unless `short`, the script is not
 * run, and the answer is to ask the one for all writes.
 */
function updatesOf(redis: Redis, short: boolean): { client: RedisClient; answers: unknown[] } {
  const answers: unknown[] = []
  const client: RedisClient = {
    options: redis.options,
    async callBuffer(command, ...args) {
      const updates = args[0] === SCRIPTS.update.sha || args[0] === SCRIPTS.update.source
      if (updates && !short) return [2]
      const answer = await redis.callBuffer(command, ...args)
      if (updates) answers.push(...(answer as unknown[]))
      return answer
    },
  }
  return { client, answers }
}

/** Everything under a prefix, with its expiry; the feed without the names of its keys. */
async function contentOf(redis: Redis, prefix: string): Promise<unknown> {
  const keys = (await redis.keys(`${prefix}*`)).sort()
  return Promise.all(
    keys.map(async (key) => {
      const kind = await redis.type(key)
      const value =
        kind === 'string'
          ? await redis.getBuffer(key)
          : kind === 'zset'
            ? await redis.zrange(key, '0', '-1', 'WITHSCORES')
            : await redis.callBuffer('XRANGE', key, '-', '+')
      return [key.slice(prefix.length), textOf(value), await redis.pexpiretime(key)]
    }),
  )
}

/** Bytes as text: `toEqual` compares those one by one, which takes long for many. */
function textOf(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(textOf)
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : reply
}
