import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterEach, describe, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import type { Entry, Store } from '../../src/core/store.ts'
import { type RedisOptions, redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** Long enough that a busy machine is no outage. */
const TIMEOUT_MS = 1_000
const UNAVAILABLE = { code: 'store_unavailable', name: 'SessionError' }

const endings: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

type Connected = Pick<RedisOptions, 'client' | 'url'>

const clients = {
  async ioredis(port: number): Promise<Connected> {
    const client = new Redis({ port, retryStrategy: () => 50 })
    client.on('error', () => {})
    endings.push(() => client.disconnect())
    return { client }
  },
  async 'node-redis'(port: number): Promise<Connected> {
    const client = createClient({ socket: { port, reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    endings.push(() => client.destroy())
    return { client }
  },
  async 'a connection of its own'(port: number): Promise<Connected> {
    return { url: `redis://127.0.0.1:${port}` }
  },
}

describe.each(Object.entries(clients))('when Redis fails, through %s', (_, connect) => {
  async function setUp(
    options: readonly string[] = [],
  ): Promise<{ server: RedisServer; store: Store; entry: Entry }> {
    const server = await startRedis(options)
    endings.push(() => server.close())
    const store = redisStore({ ...(await connect(server.port)), timeout: TIMEOUT_MS })
    endings.push(() => store.close())
    const entry = make.entry()
    await until('the store works', () => works(store, entry))
    return { server, store, entry }
  }

  test('a stopped Redis is unavailable, never an empty one', async () => {
    const { server, store, entry } = await setUp()

    await server.stop()

    await expectOutage(store, entry)
  })

  test('a Redis that hangs is given up in time, and serves again when it wakes', async () => {
    const { server, store, entry } = await setUp()

    server.pause()
    const messages = await expectOutage(store, entry)
    server.resume()

    await until('the store recovers', () => works(store, entry))
    expect(await store.entries.read(entry.id)).toMatchObject({ id: entry.id })
    for (const message of messages) {
      expect(message).toContain(`within ${TIMEOUT_MS} ms`)
    }
  })

  test('a Redis that is restarted serves again by itself, scripts and all', async () => {
    const { server, store, entry } = await setUp()

    await server.stop()
    await expectOutage(store, entry)
    await server.restart()

    await until('the store recovers', () => works(store, make.entry()))
    const session = make.entry()
    expect(await store.entries.write(session)).toBe('written')
    expect(await store.entries.write(nextOf(session, make.bytes()))).toBe('written')
    expect(await store.replays.once('after the outage', host.now() + AN_HOUR_MS)).toBe(true)
  })

  test('under load nobody is told "not found" while Redis hangs', async () => {
    const { server, store, entry } = await setUp()
    const load = reading(store, entry)
    await until('reads go through', async () => load.answers.found > 100)

    server.pause()
    await until('the outage is seen', async () => load.answers.unavailable >= 40)
    const before = load.answers.found
    server.resume()
    await until('reads go through again', async () => load.answers.found > before + 100)

    await load.end()
    expect(load.answers).toMatchObject({ notFound: 0, other: 0 })
  })

  test('under load nobody is told "not found" while a kept Redis is restarted', async () => {
    const { server, store, entry } = await setUp(['--appendonly', 'yes'])
    const load = reading(store, entry)
    await until('reads go through', async () => load.answers.found > 100)

    await server.stop()
    await until('the outage is seen', async () => load.answers.unavailable >= 40)
    const before = load.answers.found
    await server.restart()
    await until('reads go through again', async () => load.answers.found > before + 100)

    await load.end()
    expect(load.answers).toMatchObject({ notFound: 0, other: 0 })
  })

  test('a follower learns of the outage and can go on from where it was', async () => {
    const { server, store, entry } = await setUp()
    const start = await store.feed.head()
    const stop = new AbortController()
    const broken = (async () => {
      for await (const _ of store.feed.follow(start, stop.signal))
        throw new Error('nothing to tell')
    })()

    server.pause()
    await expect(broken).rejects.toMatchObject(UNAVAILABLE)
    server.resume()
    await until('the store recovers', () => works(store, entry))
    await store.feed.append(entry.id, [make.event()])

    expect((await store.feed.read(start, 10)).items).toHaveLength(1)
  })

  test('a feed that Redis lost is a gap, not a quiet feed', async () => {
    const { server, store, entry } = await setUp()
    await store.feed.append(entry.id, [make.event()])
    const cursor = await store.feed.head()

    await server.restart()
    await until('the store recovers', () => works(store, make.entry()))

    await expect(store.feed.read(cursor, 10)).rejects.toMatchObject({ code: 'feed_gap' })
  })
})

test('a client that was never connected is unavailable from the first call on', async () => {
  const client = new Redis({ port: 1, retryStrategy: () => 50, lazyConnect: true })
  client.on('error', () => {})
  endings.push(() => client.disconnect())
  const store = redisStore({ client, timeout: TIMEOUT_MS })

  await expectOutage(store, make.entry())
})

test('commands that wait for an answer do not pile up without end', async () => {
  const server = await startRedis()
  endings.push(() => server.close())
  const client = new Redis({ port: server.port })
  endings.push(() => client.disconnect())
  const store = redisStore({ client, timeout: TIMEOUT_MS })
  const subject = make.subject()
  await store.subjects.read(subject)
  server.pause()

  const reads = Array.from({ length: 12_000 }, () => store.subjects.read(subject))
  const settled = await Promise.allSettled(reads)

  const reasons = settled.flatMap((read) => (read.status === 'rejected' ? [read.reason] : []))
  expect(reasons.every(isUnavailable)).toBe(true)
  expect(reasons.filter((reason) => /was not sent/.test(String(reason)))).toHaveLength(2_000)
})

const host = fakeHost({ seed: 'outage' })
/** The clock here stands still, and that of Redis goes on, for longer where the machine is busy. */
const AN_HOUR_MS = 3_600_000
const make = samples(host)

/** Every kind of operation comes back, and fails as "could not ask". What each says. */
async function expectOutage(store: Store, entry: Entry): Promise<readonly string[]> {
  const { id, deadline } = entry
  const at = host.now()
  const sealed = make.bytes()
  const subject = make.subject()
  const operations = [
    store.entries.read(id),
    store.entries.read(make.entry().id),
    store.entries.write(make.entry(), { limit: 3 }),
    store.entries.write(nextOf(entry, sealed), { attributes: { version: 1, sealed } }),
    store.entries.revoke(make.entry().id, { reason: 'test', at }),
    store.entries.touch([{ id, at: at + 1 }]),
    store.entries.list({ subject, limit: 10 }),
    store.entries.list({ partition: 1, limit: 10 }),
    store.subjects.read(subject),
    store.subjects.write(subject, { version: 1, sealed, until: deadline }),
    store.subjects.revoke(subject, { at, reason: 'test' }),
    store.replays.once('during the outage', at + AN_HOUR_MS),
    store.feed.head(),
    store.feed.append(subject, [make.event()]),
    store.feed.read(undefined, 10),
  ]

  const outcomes = await Promise.allSettled(operations)

  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: UNAVAILABLE })
  }
  return outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : ''))
}

interface Load {
  readonly answers: { found: number; unavailable: number; notFound: number; other: number }
  /** Ends the load, once every read has come back. */
  end(): Promise<void>
}

/** Twenty readers of one session, without a pause. */
function reading(store: Store, entry: Entry): Load {
  const answers = { found: 0, unavailable: 0, notFound: 0, other: 0 }
  let done = false
  const readers = Array.from({ length: 20 }, async () => {
    while (!done) {
      try {
        const found = await store.entries.read(entry.id)
        answers[found === undefined ? 'notFound' : 'found']++
      } catch (error) {
        answers[isUnavailable(error) ? 'unavailable' : 'other']++
        // a client that is refused at once must not keep this process from doing anything else
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  })
  return {
    answers,
    async end() {
      done = true
      await Promise.all(readers)
    },
  }
}

async function works(store: Store, entry: Entry): Promise<boolean> {
  try {
    const outcome = await store.entries.write(entry)
    return outcome === 'written' || outcome === 'conflict'
  } catch (error) {
    if (isUnavailable(error)) return false
    throw error
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'store_unavailable'
}
