import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import type { Store } from '../../src/core/store.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const DOCUMENT = new URL('../../../../docs/stores.md', import.meta.url)

/** The rules of the documented user, but for its name and password. */
const RULES = (
  /^ACL SETUSER holdfast on >PASSWORD (.*)$/m.exec(readFileSync(DOCUMENT, 'utf8'))?.[1] ?? ''
).split(' ')

const host = fakeHost()
const make = samples(host)
let server: RedisServer
let admin: Redis
let made = 0

beforeAll(async () => {
  server = await startRedis()
  admin = new Redis({ port: server.port })
  await admin.call('ACL', 'SETUSER', 'holdfast', 'on', '>sesame', ...RULES)
})
afterAll(async () => {
  admin?.disconnect()
  await server?.close()
})

const urlOf = (user: string): string => `redis://${user}:sesame@127.0.0.1:${server.port}`

storeContract('Redis as a user with the documented rights alone', (bounds) =>
  redisStore({ url: urlOf('holdfast'), ...bounds, prefix: `hf:${made++}:`, timeout: 5_000 }),
)

describe('a user with the documented rights alone', () => {
  test('it hears of changes, proves a write, and is warned of nothing', async () => {
    const told: string[] = []
    const client = new Redis(urlOf('holdfast'))
    const subscriber = client.duplicate()
    const store = redisStore({ client, subscriber, onWarning: (text) => told.push(text) })
    onTestFinished(async () => {
      await store.close()
      for (const one of [client, subscriber]) one.disconnect()
    })
    const stop = new AbortController()
    onTestFinished(() => stop.abort())

    const heard = store.feed.follow(await store.feed.head(), stop.signal)[Symbol.asyncIterator]()
    const next = heard.next()
    await until('it listens', async () => {
      const [, count] = (await admin.pubsub('NUMSUB', 'hf:wake')) as [string, number]
      return count === 1
    })
    const entry = make.entry()
    await store.entries.write(entry, { events: [make.event()] })

    expect((await next).value).toMatchObject({ kind: 'event' })
    await store.proveWritable?.()
    expect(told).toEqual([])
  })

  test('it can read and write nothing else', async () => {
    const other = new Redis(urlOf('holdfast'), { enableReadyCheck: false })
    onTestFinished(() => other.disconnect())

    await expect(other.get('other:key')).rejects.toThrow('NOPERM')
    for (const [command, ...args] of [
      ['FLUSHALL'],
      ['KEYS', '*'],
      ['CONFIG', 'GET', 'dir'],
      ['ACL', 'LIST'],
      ['SAVE'],
      ['REPLICAOF', 'NO', 'ONE'],
    ] as const) {
      await expect(other.call(command, ...args)).rejects.toThrow('NOPERM')
    }
  })
})

describe('a right that is missing is named', () => {
  async function without(...rules: string[]): Promise<{ store: Store; told: string[] }> {
    const user = `u${made++}`
    await admin.call('ACL', 'SETUSER', user, 'on', '>sesame', ...RULES, ...rules)
    const told: string[] = []
    const onWarning = (text: string) => told.push(text)
    const store = redisStore({ url: urlOf(user), timeout: 5_000, onWarning })
    onTestFinished(() => store.close())
    return { store, told }
  }

  test.each([
    ['a command', ['-evalsha', '-eval'], /NOPERM.*may not run EVALSHA/],
    [
      'a command within a script',
      ['-xadd'],
      /NOPERM.*may not run (?:XADD|a command of the script)/,
    ],
    ['the keys', ['resetkeys', '~other:*'], /NOPERM.*may not touch the keys/],
  ])('%s', async (_, rules, message) => {
    const { store } = await without(...rules)

    const writing = store.entries.write(make.entry(), { events: [make.event()] })

    await expect(writing).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(message),
    })
    await expect(writing).rejects.toThrow(/ACL SETUSER/)
  })

  test('the channel: wake-ups are polled for, and it is told', async () => {
    const { store, told } = await without('resetchannels', '&other')
    const stop = new AbortController()
    onTestFinished(() => stop.abort())

    const heard = store.feed.follow(await store.feed.head(), stop.signal)[Symbol.asyncIterator]()
    const next = heard.next()
    await until('it is told', () => told.length > 0)
    await store.entries.write(make.entry(), { events: [make.event()] })

    expect((await next).value).toMatchObject({ kind: 'event' })
    expect(told).toEqual([expect.stringMatching(/polled for.*NOPERM/)])
  })
})
