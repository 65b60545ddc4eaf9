import { createClient } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { redisStore } from '../../src/stores/redis.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
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

storeContract('Redis through node-redis', ({ now, feedLimit }) =>
  redisStore({ client, now, feedLimit, prefix: `t${made++}:`, timeoutMs: 5_000 }),
)
