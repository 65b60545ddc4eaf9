import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import type { Store } from '../../src/core/store.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { type Compiled, compiled } from '../support/compiled.ts'
import { type RedisServer, startCluster, startRedis } from '../support/redis.ts'

const make = samples(fakeHost())
const open: { close(): Promise<void> | void }[] = []
let made = 0

// no timer ever fires: the poll that finds lost wake-ups cannot be what these tests see
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] }))
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
  vi.useRealTimers()
})

/** A follower that waits already, and what it has heard. */
async function following(store: Store): Promise<{ until(count: number): Promise<string[]> }> {
  const stop = new AbortController()
  open.push({ close: () => stop.abort() })
  const heard: string[] = []
  let changed = (): void => {}
  const start = await store.feed.head()
  void (async () => {
    for await (const entry of store.feed.follow(start, stop.signal)) {
      heard.push(entry.kind === 'subject' ? entry.subject : 'session' in entry ? entry.session : '')
      changed()
    }
  })()
  return {
    async until(count) {
      while (heard.length < count) {
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
      return heard
    },
  }
}

async function hearsAll(listener: Store, writer: Store, ready: () => Promise<unknown>) {
  const [changed, ended] = [make.entry(), make.entry()]
  const subject = make.subject()
  for (const entry of [changed, ended]) await writer.entries.write(entry)
  const { until } = await following(listener)
  await ready()

  await writer.entries.revoke(ended.id, { reason: 'test', at: Date.now() })
  expect(await until(1)).toEqual([ended.id])
  await writer.subjects.revoke(subject, { at: Date.now(), reason: 'test' })
  expect((await until(2))[1]).toBe(subject)
  await writer.entries.write(nextOf(changed, make.bytes()))
  expect((await until(3))[2]).toBe(changed.id)
  await writer.entries.write(nextOf(nextOf(changed, make.bytes()), make.bytes()), {
    attributes: { version: 1, sealed: make.bytes() },
  })
  expect((await until(4))[3]).toBe(changed.id)
}

describe('Redis', () => {
  let server: RedisServer
  let client: Redis

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis({ port: server.port })
  })
  afterAll(async () => {
    client?.disconnect()
    await server?.close()
  })

  const prefixed = (): string => `w${made++}:`
  const subscribed = (channel: string) => async (): Promise<void> => {
    for (;;) {
      const [, count] = (await client.pubsub('NUMSUB', channel)) as [string, number]
      if (count > 0) return
    }
  }

  test('a follower is woken by what another process writes, through ioredis', async () => {
    const prefix = prefixed()
    const subscriber = client.duplicate()
    open.push({ close: () => subscriber.disconnect() })
    const listener = redisStore({ client, subscriber, prefix })
    const writer = redisStore({ client, prefix })
    open.push(listener, writer)

    await hearsAll(listener, writer, subscribed(`${prefix}wake`))
  })

  test('a follower is woken by what another process writes, through node-redis', async () => {
    const prefix = prefixed()
    const subscriber = await createClient({ socket: { port: server.port } }).connect()
    open.push({ close: () => subscriber.destroy() })
    const listener = redisStore({ client, subscriber, prefix })
    const writer = redisStore({ client, prefix })
    open.push(listener, writer)

    await hearsAll(listener, writer, subscribed(`${prefix}wake`))
  })

  test('a wake-up that is not true does no harm, and is not believed twice', async () => {
    const prefix = prefixed()
    const subscriber = client.duplicate()
    open.push({ close: () => subscriber.disconnect() })
    const listener = redisStore({ client, subscriber, prefix })
    const writer = redisStore({ client, prefix })
    open.push(listener, writer)
    const { until } = await following(listener)
    await subscribed(`${prefix}wake`)()

    for (const lie of ['3 999999999', '63 1', '64 7', 'x', '', '5 -1']) {
      await client.publish(`${prefix}wake`, lie)
    }
    const subject = make.subject(3)
    await writer.subjects.revoke(subject, { at: Date.now(), reason: 'test' })

    expect(await until(1)).toEqual([subject])
  })

  test('a change is published once, however much it writes', async () => {
    const prefix = prefixed()
    const writer = redisStore({ client, prefix })
    open.push(writer)
    const subscriber = client.duplicate()
    open.push({ close: () => subscriber.disconnect() })
    const messages: string[] = []
    subscriber.on('message', (_, message) => messages.push(message))
    await subscriber.subscribe(`${prefix}wake`)
    const entry = make.entry({ subject: make.subject(9) })

    await writer.entries.write(entry, { events: [make.event()] })
    await writer.entries.touch([{ id: entry.id, at: entry.createdAt + 1 }])
    const end = { reason: 'test', at: Date.now() }
    await writer.entries.revoke(entry.id, { ...end, events: [make.event(), make.event()] })
    await writer.entries.revoke(entry.id, end)
    await subscriber.ping()

    expect(messages).toEqual(['9 4'])
  })

  test('a user that may not publish writes all the same', async () => {
    const prefix = prefixed()
    await client.call('ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', '+@all', 'resetchannels')
    const mute = client.duplicate({ username: 'mute', password: 'secret' })
    open.push({ close: () => mute.disconnect() })
    const store = redisStore({ client: mute, prefix })
    open.push(store)
    const entry = make.entry()
    await store.entries.write(entry)

    const end = { reason: 'test', at: Date.now() }
    expect(await store.entries.revoke(entry.id, end)).toBe(true)

    expect(await store.entries.read(entry.id)).toBeUndefined()
  })

  test.each([
    ['the connection that asks', () => ({ client, subscriber: client })],
    ['something that is no client', () => ({ client, subscriber: {} as unknown as Redis })],
    [
      'a key prefix',
      () => ({ client, subscriber: new Redis({ keyPrefix: 'x', lazyConnect: true }) }),
    ],
  ])('%s is refused as subscriber', (_, options) => {
    expect(() => redisStore(options())).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describe('Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>

  beforeAll(async () => {
    vi.useRealTimers()
    cluster = await startCluster()
  })
  afterAll(() => cluster?.close())

  test('a follower is woken from whichever node the change was made on', async () => {
    vi.useRealTimers()
    const nodes = cluster.ports.map((port) => ({ host: '127.0.0.1', port }))
    const client = new Cluster(nodes)
    const subscriber = new Cluster(nodes)
    const rootNodes = nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }))
    const other = await createCluster({ rootNodes }).connect()
    open.push({ close: () => client.disconnect() }, { close: () => subscriber.disconnect() })
    open.push({ close: () => other.destroy() })
    const writer = redisStore({ client, prefix: 'c:', timeout: 5_000 })
    const listeners = [
      redisStore({ client, subscriber, prefix: 'c:', timeout: 5_000 }),
      redisStore({ client, subscriber: other, prefix: 'c:', timeout: 5_000 }),
    ]
    open.push(writer, ...listeners)
    await Promise.all([subscriber.subscribe('c:wake'), other.subscribe('c:wake', () => {})])
    await writer.feed.head()
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] })

    const followers = await Promise.all(listeners.map(following))
    const subjects = Array.from({ length: 12 }, (_, partition) => make.subject(partition))
    for (const subject of subjects) {
      await writer.subjects.revoke(subject, { at: Date.now(), reason: 'test' })
    }

    for (const { until } of followers) {
      expect((await until(12)).toSorted()).toEqual(subjects.toSorted())
    }
  })
})

describe('LMDB', () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-wake-'))
  let code: Compiled

  beforeAll(() => {
    code = compiled('stores/lmdb.ts')
  })
  afterAll(() => {
    code?.remove()
    rmSync(directory, { recursive: true, force: true })
  })

  test('a follower is woken by what another process of the machine writes', async () => {
    const store = lmdbStore({ path: join(directory, 'store') })
    open.push(store)
    const { until } = await following(store)
    const subjects = [make.subject(), make.subject(), make.subject()]
    const script = code.script('revoker.js', REVOKER)

    const writer = spawn(process.execPath, [script, join(directory, 'store'), ...subjects], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = new Promise((resolve) => writer.once('exit', resolve))

    expect(await until(3)).toEqual(subjects)
    await ended
  })
})

const REVOKER = `
import { lmdbStore } from './stores/lmdb.js'
const [path, ...subjects] = process.argv.slice(2)
const store = lmdbStore({ path })
for (const subject of subjects) {
  await store.subjects.revoke(subject, { at: Date.now(), reason: 'elsewhere' })
}
await store.close()
`
