import type { SecondaryStorage } from 'better-auth'
import { Redis } from 'ioredis'

/** As the documentation of better-auth has it. */
export async function redisStorage(port: number): Promise<SecondaryStorage> {
  const client = new Redis({ host: '127.0.0.1', port })
  await client.ping()
  return {
    get: (key) => client.get(key),
    set: (key, value, ttl) =>
      ttl === undefined ? client.set(key, value) : client.set(key, value, 'EX', ttl),
    delete: (key) => client.del(key),
  }
}
