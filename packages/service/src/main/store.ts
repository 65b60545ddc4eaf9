import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SessionError, type Store } from 'holdfast'
import type { LmdbOptions } from 'holdfast/lmdb'
import { memoryStore } from 'holdfast/memory'
import type { RedisOptions } from 'holdfast/redis'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import type { RedisAddress, RedisHost } from '../config/store-address.ts'
import { connectionLog } from './connection-log.ts'
import type { RedisSettings } from './redis-clients.ts'

export interface OpenedStore {
  readonly store: Store
  /** Where the store is and what became of its connection, without who logs in. */
  whereabouts(): string
  /** Makes the connection anew, where there is one. */
  reconnect(): void
  /** Closes the store and the connection that was made for it. */
  close(): Promise<void>
}

export interface StoreOptions {
  readonly log: Logger
  /** Refuse an embedded store that is not there, instead of making one. */
  readonly existing?: boolean
  readonly now?: () => number
}

type StoreConfig = RedisSettings &
  Pick<
    Config,
    | 'store'
    | 'feedLimit'
    | 'feedBytes'
    | 'auditBacklogBytes'
    | 'storePrefix'
    | 'storeWakeUps'
    | 'allowEviction'
  >

/**
 * Opens the store that the configuration names; only its own client is loaded. Redis may be away at
 * first: calls are answered 503 until it is there.
 */
export async function openStore(
  config: StoreConfig,
  { log, existing = false, now = () => Date.now() }: StoreOptions,
): Promise<OpenedStore> {
  const { store: wanted, feedLimit, feedBytes, auditBacklogBytes } = config
  const bounds = {
    now,
    feedLimit,
    feedBytes,
    ...(auditBacklogBytes === undefined ? {} : { auditBacklogBytes }),
  }
  const options = { ...bounds, onWarning: (text: string) => log.warn(text) }
  switch (wanted.kind) {
    case 'memory': {
      log.warn('The store is in memory: every session ends with this process.')
      return opened(memoryStore(bounds), 'memory:')
    }
    case 'lmdb':
      if (existing && !existsSync(join(wanted.path, LMDB_FILE))) {
        throw new SessionError(
          'config_invalid',
          `There is no store at ${wanted.path}. Correct HOLDFAST_STORE.`,
        )
      }
      return opened(await openLmdb({ ...options, path: wanted.path }), `lmdb:${wanted.path}`)
    case 'redis':
      return openRedis(wanted, config, { options, log })
  }
}

const LMDB_FILE = 'data.mdb'

function opened(store: Store, where: string): OpenedStore {
  return { store, whereabouts: () => where, reconnect: () => {}, close: () => store.close() }
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
  address: RedisAddress,
  config: StoreConfig,
  { options, log }: { readonly options: RedisOptions; readonly log: Logger },
): Promise<OpenedStore> {
  const { storeTimeout: timeout, storePrefix: prefix, allowEviction } = config
  const { isConnectedTo, keepGoing, redisClients, renew, watchSentinels } = await import(
    './redis-clients.ts'
  )
  const { redisStore } = await import('holdfast/redis')
  const make = redisClients(address, config, () => subscriber && renew(subscriber))
  const client = make('commands')
  const connection = connectionLog(client, { address, config, log })
  const connected = new Promise<void>((resolve) => {
    client.once('ready', resolve)
    setTimeout(resolve, timeout).unref()
  })
  const subscriber = config.storeWakeUps ? make('messages') : undefined
  // The client of the commands tells of the same server.
  subscriber?.on('error', (error: Error) => log.debug({ err: error.message }, 'redis: wake-ups'))
  const store = redisStore({
    ...options,
    ...{ client, timeout, prefix, allowEviction },
    ...(subscriber === undefined ? {} : { subscriber }),
  })
  // a moment for the first connection: until then every command fails at once
  await connected
  const connections = subscriber === undefined ? [client] : [client, subscriber]
  const restless = connections.map(keepGoing)
  function reconnect(): void {
    for (const one of connections) renew(one)
  }
  /** Each Sentinel tells it, at a time of its own. */
  function follow(master: RedisHost): void {
    for (const one of connections) if (!isConnectedTo(one, master)) renew(one)
  }
  const unwatch = address.form === 'sentinel' ? watchSentinels(address, config, follow) : undefined
  return {
    store,
    whereabouts: connection.whereabouts,
    reconnect,
    async close() {
      unwatch?.()
      for (const rest of restless) rest()
      await store.close()
      for (const one of connections) one.disconnect()
    },
  }
}
