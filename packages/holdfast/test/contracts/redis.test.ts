import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { redisStore } from '../../src/stores/redis.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
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
