import { join } from 'node:path'
import type { Store } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { memoryStore } from 'holdfast/memory'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { Place } from '../contender-process.ts'
import { PATIENCE_MS } from '../redis-server.ts'
import type { StoreName } from './names.ts'

/** Opens a store with the clock of its sessions, each by a name of its own. */
export type OpenStore = (name: string, now: () => number) => Store

/** What a process needs for its stores of a kind: one client for all of them. */
export const STORES: Readonly<Record<StoreName, (place: Place) => Promise<OpenStore>>> = {
  memory: async () => (_, now) => memoryStore({ now }),
  LMDB:
    async ({ folder }) =>
    (name, now) =>
      lmdbStore({ path: join(folder, name), now }),
  async Redis({ redisPort }) {
    const client = new Redis({ host: '127.0.0.1', port: redisPort })
    return (name, now) => redisStore({ client, prefix: `${name}:`, now, timeout: PATIENCE_MS })
  },
  async 'Redis (node-redis)'({ redisPort }) {
    const client = createClient({ socket: { host: '127.0.0.1', port: redisPort } })
    await client.connect()
    return (name, now) =>
      redisStore({ client, prefix: `node-redis:${name}:`, now, timeout: PATIENCE_MS })
  },
}
