import { createClient } from 'redis'
import { createClient as createClient4 } from 'redis4'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import { storeContract } from '../../src/contracts/stores/store-contract.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let server: RedisServer
let client: ReturnType<typeof createClient>
let made = 0

beforeAll(async () => {
  server = await startRedis()
  client = createClient({ socket: { port: server.port } })
  await client.connect()
})

afterAll(async () => {
  client?.destroy()
  await server?.close()
})

storeContract('Redis through node-redis', (bounds) =>
  redisStore({ client, ...bounds, prefix: `t${made++}:`, timeout: 5_000 }),
)

describe('through redis 4', () => {
  let older: ReturnType<typeof createClient4>

  beforeAll(async () => {
    older = createClient4({ socket: { port: server.port } })
    await older.connect()
  })

  afterAll(() => older?.disconnect())

  storeContract('Redis through redis 4', (bounds) =>
    redisStore({ client: older, ...bounds, prefix: `f${made++}:`, timeout: 5_000 }),
  )

  test('hears wake-ups through a second client', async () => {
    const subscriber = older.duplicate()
    await subscriber.connect()
    const store = redisStore({ client: older, subscriber, prefix: 'wake4:', timeout: 5_000 })

    expect(await store.entries.write(samples(fakeHost()).entry())).toBe('written')

    await store.close()
    await subscriber.disconnect()
  })
})

test.each([
  ['RESP3', { RESP: 3 }],
  ['numbers as text', { commandOptions: { typeMapping: { 58: String } } }],
  ['both, and text as Buffers', { RESP: 3, commandOptions: { typeMapping: { 43: Buffer } } }],
] as const)('options that map replies change none here: %s', async (_, more) => {
  const other = createClient({ socket: { port: server.port }, ...(more as object) })
  await other.connect()
  const store = redisStore({ client: other, prefix: `o${made++}:`, timeout: 5_000 })
  const entry = samples(fakeHost()).entry()

  expect(await store.entries.write(entry)).toBe('written')
  expect(await store.entries.read(entry.id)).toMatchObject({ version: 1 })

  await store.close()
  other.destroy()
})

test.each([
  ['legacyMode', () => createClient4({ legacyMode: true })],
  ['legacy()', () => createClient().legacy()],
  ['redis 3', () => ({ send_command() {}, sendCommand() {} })],
])('what answers by callbacks is refused at once: %s', (name, makeClient) => {
  expect(() => redisStore({ client: makeClient() as never })).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringContaining(name === 'redis 3' ? 'redis 4 or newer' : name),
    }),
  )
})
