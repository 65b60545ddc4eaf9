import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { inMemory, type OpenStore } from './harness.ts'
import { type RedisServer, startRedis } from './redis.ts'

/** A fresh LMDB database, removed when the test ends. */
const onDisk: OpenStore = async (now) => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return lmdbStore({ path, now })
}

/** Runs a suite once for each store: memory, LMDB, and a real Redis. */
export function describeOnEveryStore(title: string, suite: (open: OpenStore) => void): void {
  describe(`${title}: memory`, () => suite(inMemory))
  describe(`${title}: LMDB`, () => suite(onDisk))
  describe(`${title}: Redis`, () => suite(inRedis()))
}

/** One server for a suite, other keys for each test. */
function inRedis(): OpenStore {
  let server: RedisServer | undefined
  let client: Redis | undefined
  let opened = 0

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis({ port: server.port })
  })
  afterAll(async () => {
    client?.disconnect()
    await server?.close()
  })

  return async (now) => {
    if (client === undefined) throw new Error('Redis is not running')
    // a test machine under load must not look like an outage
    return redisStore({ client, now, prefix: `t${opened++}:`, timeout: 10_000 })
  }
}
