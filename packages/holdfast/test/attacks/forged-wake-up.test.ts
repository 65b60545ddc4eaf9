import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { nextOf, samples } from '../../src/contracts/stores/sample-entry.ts'
import type { Cursor, FeedEntry } from '../../src/core/feed.ts'
import { subjectOf } from '../../src/core/ids.ts'
import type { Store } from '../../src/core/store.ts'
import { locate } from '../../src/stores/partition.ts'
import { redisKeys } from '../../src/stores/redis/keys.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

/**
 * Somebody who may publish on the channel of the wake-ups, or who sends again what was published.
 * Nobody believes what was made up, and nothing that happened stays unknown.
 */
describe('forged and old wake-ups', () => {
  const make = samples(fakeHost())
  const open: { close(): unknown }[] = []
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
  // no timer ever fires: the poll that finds lost wake-ups cannot be what these tests see
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] }))
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close()
    vi.useRealTimers()
  })

  /** A store that listens, one that writes, and all that is published. */
  async function scene() {
    const prefix = `f${made++}:`
    const keys = redisKeys(prefix)
    const [subscriber, tap] = [client.duplicate(), client.duplicate()]
    for (const one of [subscriber, tap]) open.push({ close: () => one.disconnect() })
    const listener = redisStore({ client, subscriber, prefix })
    const writer = redisStore({ client, prefix })
    open.push(listener, writer)
    const published: Buffer[] = []
    tap.on('messageBuffer', (_, message: Buffer) => published.push(message))
    await tap.subscribe(keys.wake)
    return { keys, listener, writer, published }
  }

  /** Follows once the secrets are there, and both subscriptions. */
  async function following(store: Store, { keys }: { keys: ReturnType<typeof redisKeys> }) {
    const follower = follow(store, await store.feed.head())
    for (;;) {
      const [, count] = (await client.pubsub('NUMSUB', keys.wake)) as [string, number]
      if (count === 2 && (await client.exists(keys.secret(63))) === 1) break
    }
    // The listener reads the secrets with the same connection, so this comes after.
    for (let i = 0; i < 3; i++) await client.ping()
    return follower
  }

  const reads = async (): Promise<number> =>
    Number(/cmdstat_xrange:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)

  const end = (id: string, reason = 'test') => ({ reason, at: 1, id })

  test('an ending comes with its wake-up: nothing is read', async () => {
    const { keys, listener, writer } = await scene()
    const [entry, other] = [make.entry(), make.entry()]
    const login = make.event()
    await writer.entries.write(other)
    const follower = await following(listener, { keys })
    const before = await reads()

    await writer.entries.write(entry, { events: [login] })
    await writer.entries.revoke(entry.id, { ...end(entry.id), events: [make.event()] })
    await writer.subjects.revoke(subjectOf(other.id), { at: 5, reason: 'all', except: other.id })
    const told = await follower.until(4)

    expect(told).toMatchObject([
      { kind: 'event', id: login.id, sequence: 1 },
      { kind: 'revoked', session: entry.id, reason: 'test', at: 1, sequence: 2 },
      { kind: 'event', sequence: 3 },
      { kind: 'subject', subject: subjectOf(other.id), except: other.id, reason: 'all' },
    ])
    expect(await reads()).toBe(before)
  })

  test('what somebody makes up who may only publish is not believed', async () => {
    const { keys, listener, writer, published } = await scene()
    const [entry, victim] = [make.entry(), make.entry()]
    for (const one of [entry, victim]) await writer.entries.write(one)
    const follower = await following(listener, { keys })
    await writer.entries.revoke(entry.id, end(entry.id))
    await follower.until(1)
    const [real = Buffer.alloc(0)] = published
    const { partition } = locate(victim.id)
    const body = Buffer.concat([Buffer.from('r'), Buffer.alloc(6), raw(victim.id)])
    const item = Buffer.concat([Buffer.from([0, body.length]), body])

    const forged = [
      Buffer.concat([Buffer.from(`${partition} 1 ${'a'.repeat(40)}`), item]),
      Buffer.concat([Buffer.from(`99 1 ${'a'.repeat(40)}`), item]),
      Buffer.from(`${partition} 1 ${'a'.repeat(40)}`),
      Buffer.from(`${partition} 1 ${'é'.repeat(40)}`),
      Buffer.concat([Buffer.from(`${partition} 1 ${'0'.repeat(40)}`), Buffer.alloc(100_000)]),
      changed(real, real.length - 1),
      changed(real, 0),
      ...Array.from({ length: real.length }, (_, size) => real.subarray(0, size)),
    ]
    for (const message of forged) await client.publish(keys.wake, message)
    await writer.entries.revoke(victim.id, end(victim.id, 'true'))

    expect((await follower.until(2)).slice(1)).toMatchObject([
      { kind: 'revoked', session: victim.id, reason: 'true' },
    ])
  })

  test('what was published before changes nothing when it is sent again', async () => {
    const { keys, listener, writer, published } = await scene()
    const subject = make.subject()
    const entries = Array.from({ length: 20 }, () => make.entry({ subject }))
    for (const entry of entries) await writer.entries.write(entry)
    const follower = await following(listener, { keys })

    for (const { id } of entries) {
      await writer.entries.revoke(id, end(id))
      for (const message of published.slice(0, 2)) await client.publish(keys.wake, message)
    }
    for (const message of [...published]) await client.publish(keys.wake, message)

    const told = await follower.until(20)
    expect(told.map((one) => 'session' in one && one.session)).toEqual(entries.map(({ id }) => id))
  })

  test('what a store has lost hides nothing that took its place', async () => {
    const { keys, listener, writer, published } = await scene()
    const subject = make.subject()
    const [lost, next] = [make.entry({ subject }), make.entry({ subject })]
    for (const one of [lost, next]) await writer.entries.write(one)
    const { partition } = locate(subject)
    const follower = await following(listener, { keys })
    await writer.entries.revoke(lost.id, end(lost.id))
    await follower.until(1)

    await client.del(keys.feed(partition), keys.counter(partition))
    for (const message of [...published]) await client.publish(keys.wake, message)
    await writer.entries.revoke(next.id, end(next.id))

    await expect(follower.until(2)).rejects.toMatchObject({ code: 'feed_gap' })
  })

  test('a process that publishes positions alone is heard of', async () => {
    const { keys, listener, writer } = await scene()
    const entry = make.entry()
    await writer.entries.write(entry)
    const follower = await following(listener, { keys })

    await writer.entries.write(nextOf(entry, make.bytes()))

    expect(await follower.until(1)).toMatchObject([{ kind: 'changed', session: entry.id }])
  })

  test('where the secrets are gone, endings are read', async () => {
    const { keys, listener, writer } = await scene()
    const entry = make.entry()
    await writer.entries.write(entry)
    const follower = await following(listener, { keys })
    const { partition } = locate(entry.id)
    await client.set(keys.secret(partition), 'another secret')
    const before = await reads()

    await writer.entries.revoke(entry.id, end(entry.id))

    expect(await follower.until(1)).toMatchObject([{ kind: 'revoked', session: entry.id }])
    expect(await reads()).toBe(before + 1)
  })

  function follow(store: Store, start: Cursor): { until(count: number): Promise<FeedEntry[]> } {
    const stop = new AbortController()
    open.push({ close: () => stop.abort() })
    const heard: FeedEntry[] = []
    let failed: unknown
    let changed = (): void => {}
    const run = async (): Promise<void> => {
      for await (const entry of store.feed.follow(start, stop.signal)) {
        heard.push(entry)
        changed()
      }
    }
    run().catch((error: unknown) => {
      failed = error
      changed()
    })
    return {
      async until(count) {
        while (heard.length < count) {
          if (failed !== undefined) throw failed
          await new Promise<void>((resolve) => {
            changed = resolve
          })
        }
        return heard
      },
    }
  }
})

function raw(id: string): Buffer {
  return Buffer.from(id, 'base64url')
}

function changed(message: Buffer, at: number): Buffer {
  const other = Buffer.from(message)
  other[at] = (other[at] ?? 0) ^ 1
  return other
}
