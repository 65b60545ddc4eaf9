import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError, type Store } from 'holdfast'
import type { LmdbOptions } from 'holdfast/lmdb'
import { memoryStore } from 'holdfast/memory'
import type { RedisOptions } from 'holdfast/redis'
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

type StoreConfig = Pick<Config, 'store' | 'storeTimeout' | 'feedLimit' | 'feedBytes'>

/**
 * Opens the store that the configuration names; only its own client is loaded. Redis may be away at
 * first: calls are answered 503 until it is there.
 */
export async function openStore(
  { store: wanted, storeTimeout, feedLimit, feedBytes }: StoreConfig,
  { log, existing = false, now = () => Date.now() }: StoreOptions,
): Promise<OpenedStore> {
  const bounds = { now, feedLimit, feedBytes }
  const options = { ...bounds, onWarning: (text: string) => log.warn(text) }
  switch (wanted.kind) {
    case 'memory': {
      log.warn('The store is in memory: every session ends with this process.')
      return opened(memoryStore(bounds))
    }
    case 'lmdb':
      if (existing && !existsSync(join(wanted.path, LMDB_FILE))) {
        throw new SessionError(
          'config_invalid',
          `There is no store at ${wanted.path}. Correct HOLDFAST_STORE.`,
        )
      }
      return opened(await openLmdb({ ...options, path: wanted.path }))
    case 'redis':
      return openRedis(wanted.url, { ...options, timeout: storeTimeout }, log)
  }
}

const LMDB_FILE = 'data.mdb'

function opened(store: Store): OpenedStore {
  return { store, close: () => store.close() }
}

async function openLmdb(options: LmdbOptions): Promise<Store> {
  const { lmdbStore } = await import('holdfast/lmdb')
  try {
    return lmdbStore(options)
  } catch (cause) {
    throw new SessionError(
      'config_invalid',
      `The store ${options.path} cannot be opened. Name a folder that this user may write.`,
      { cause },
    )
  }
}

async function openRedis(
  url: string,
  options: Omit<RedisOptions, 'client'> & { readonly timeout: number },
  log: Logger,
): Promise<OpenedStore> {
  const { timeout: timeoutMs } = options
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
  const store = redisStore({ ...options, client, subscriber })
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
