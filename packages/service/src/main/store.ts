import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError, type Store } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'

export interface OpenedStore {
  readonly store: Store
  /** Closes the store and the connection that was made for it. */
  close(): Promise<void>
}

export interface StoreOptions {
  readonly log: Logger
  /** Refuse an embedded store that is not there, instead of making one. */
  readonly existing?: boolean
  readonly now?: () => number
}

/**
 * Opens the store that the configuration names; only its own client is loaded. Redis may be away at
 * first: calls are answered 503 until it is there.
 */
export async function openStore(
  { store: wanted, storeTimeout }: Pick<Config, 'store' | 'storeTimeout'>,
  { log, existing = false, now = () => Date.now() }: StoreOptions,
): Promise<OpenedStore> {
  switch (wanted.kind) {
    case 'memory': {
      log.warn('The store is in memory: every session ends with this process.')
      return opened(memoryStore({ now }))
    }
    case 'lmdb':
      if (existing && !existsSync(join(wanted.path, LMDB_FILE))) {
        throw new SessionError(
          'config_invalid',
          `There is no store at ${wanted.path}. Correct HOLDFAST_STORE.`,
        )
      }
      return opened(await openLmdb(wanted.path, { log, now }))
    case 'redis':
      return openRedis(wanted.url, storeTimeout, { log, now })
  }
}

const LMDB_FILE = 'data.mdb'

function opened(store: Store): OpenedStore {
  return { store, close: () => store.close() }
}

async function openLmdb(
  path: string,
  { log, now }: { readonly log: Logger; readonly now: () => number },
): Promise<Store> {
  const { lmdbStore } = await import('holdfast/lmdb')
  try {
    return lmdbStore({ path, now, onWarning: (message) => log.warn(message) })
  } catch (cause) {
    throw new SessionError(
      'config_invalid',
      `The store ${path} cannot be opened. Name a folder that this user may write.`,
      { cause },
    )
  }
}

async function openRedis(
  url: string,
  timeoutMs: number,
  { log, now }: { readonly log: Logger; readonly now: () => number },
): Promise<OpenedStore> {
  const { Redis } = await import('ioredis')
  const { redisStore } = await import('holdfast/redis')
  const client = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    connectTimeout: timeoutMs,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  })
  const connected = new Promise<void>((resolve) => {
    client.once('ready', resolve)
    setTimeout(resolve, timeoutMs).unref()
  })
  // Without a listener a lost connection would end the process; the store answers for itself.
  client.on('error', (error: Error) => log.warn({ err: error }, 'redis'))
  const subscriber = client.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null })
  subscriber.on('error', (error: Error) => log.warn({ err: error }, 'redis: wake-ups'))
  const store = redisStore({
    client,
    subscriber,
    timeoutMs,
    now,
    onWarning: (message) => log.warn(message),
  })
  // a moment for the first connection: until then every command fails at once
  await connected
  return {
    store,
    async close() {
      await store.close()
      subscriber.disconnect()
      client.disconnect()
    },
  }
}
