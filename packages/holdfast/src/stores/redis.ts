import type { ConnectionOptions } from 'node:tls'
import { SessionError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { type FeedOptions, feedBoundOf } from './feed/bound.ts'
import { type RedisAsk, redisAsk } from './redis/ask.ts'
import { invalidOption, type RedisClient, type RedisSubscriber, redisPort } from './redis/client.ts'
import { redisConnection } from './redis/connection.ts'
import { refuseEviction } from './redis/eviction.ts'
import { redisKeys } from './redis/keys.ts'
import { refuseChangedReplies } from './redis/replies-check.ts'
import { storeIn } from './redis/store.ts'
import { wakeSecrets } from './redis/wake-secrets.ts'
import { redisWake, subscriptionOf } from './redis/wake-ups.ts'

export type {
  IoredisClient,
  NodeRedisClient,
  RedisClient,
  RedisSubscriber,
} from './redis/client.ts'

/** The client of a Redis store, its clock and its bounds. */
export interface RedisOptions extends FeedOptions {
  /**
   * Your own client of the package `ioredis` (5 or newer) or `redis` (4 or newer), for a single
   * server, Sentinel or Cluster. You close it. Leave it out where `url` is given.
   */
  readonly client?: RedisClient
  /**
   * A single server that the store connects to by itself, for example
   * `redis://user:password@host:6379/0`, `rediss://host` for TLS, or `unix:/run/redis.sock`. That
   * needs no package, and hears wake-ups without a `subscriber`.
   */
  readonly url?: string
  /** Settings of TLS for a `rediss:` URL, for example `ca`. */
  readonly tls?: ConnectionOptions
  /**
   * A second connection to the same Redis, for example `client.duplicate()`; you close it. With it,
   * followers of the feed hear of a change within a millisecond or two. Without it, or while it is
   * down, they hear of it within 200 ms.
   */
  readonly subscriber?: RedisSubscriber
  /** Must start at the real time and move forward: Redis expires keys by its own clock. */
  readonly now?: () => number
  /** In front of all keys. Default `hf:`. */
  readonly prefix?: string
  /** Longest wait for one command, ms. Default 1000. */
  readonly timeoutMs?: number
  /**
   * Accepts a Redis that evicts keys when its memory is full. Once a tombstone is evicted, a write
   * in flight can bring a revoked session back: set it only where losing a revocation is no harm.
   */
  readonly allowEviction?: boolean
  /** Hears once of what could not be checked. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void
}

/**
 * Keeps everything in Redis 7 or Valkey, for any number of processes and machines. Every step is
 * one script in one slot. Redis gives no consensus: a fail-over can lose the last writes,
 * revocations among them.
 *
 * At first use it throws `config_invalid` for a `maxmemory-policy` other than `noeviction`.
 *
 * @example
 * const store = redisStore({ url: 'redis://127.0.0.1:6379' })
 */
export function redisStore({
  client,
  url,
  tls,
  subscriber,
  now = () => Date.now(),
  prefix = 'hf:',
  timeoutMs = 1_000,
  allowEviction = false,
  onWarning = (message) => process.emitWarning(message),
  ...bounds
}: RedisOptions): Store {
  const feed = feedBoundOf(bounds)
  if (!/^[\w:.-]{0,64}$/.test(prefix)) {
    throw new SessionError(
      'config_invalid',
      'The Redis store takes a "prefix" of up to 64 letters, digits and : . _ - alone.',
    )
  }
  if ((client === undefined) === (url === undefined)) {
    throw invalidOption('needs either "client" or "url"')
  }
  if (subscriber !== undefined && url !== undefined) {
    throw invalidOption('listens by itself where "url" is given; leave "subscriber" out')
  }
  if (subscriber !== undefined && (subscriber as object) === client) {
    throw invalidOption(
      'needs a connection of its own as "subscriber": one that waits asks nothing',
    )
  }
  const own = url === undefined ? undefined : redisConnection({ url, tls, timeoutMs })
  const port = own ?? redisPort(client as RedisClient)
  const keys = redisKeys(prefix)
  const ask = redisAsk(port, timeoutMs)
  const checked = afterCheck(ask, async () => {
    await Promise.all([
      refuseEviction(ask, { allowEviction, onWarning }),
      own === undefined ? refuseChangedReplies(ask, keys.feed(0)) : undefined,
    ])
  })
  const secrets = wakeSecrets({ ask: checked, keys }, port)
  const subscription =
    own?.subscription(keys.wake) ?? (subscriber && subscriptionOf(subscriber, keys.wake))
  const listen = subscription && redisWake(subscription, { onWarning, secrets })
  const store = storeIn(
    { ask: checked, keys, now, feed },
    { cluster: port.cluster, ...(listen === undefined ? {} : { listen }) },
  )
  return {
    ...store,
    async close() {
      await store.close()
      own?.close()
    },
  }
}

/** Asks nothing before `check` has passed. A check that failed runs again at the next use. */
function afterCheck(ask: RedisAsk, check: () => Promise<void>): RedisAsk {
  let passed = false
  let checking: Promise<void> | undefined

  async function ready(): Promise<void> {
    checking ??= check().finally(() => {
      checking = undefined
    })
    await checking
    passed = true
  }

  const first = <T>(then: () => Promise<T>): Promise<T> => ready().then(then)

  return {
    command: (key, args) => (passed ? ask.command(key, args) : first(() => ask.command(key, args))),
    run: (script, keys, args) =>
      passed ? ask.run(script, keys, args) : first(() => ask.run(script, keys, args)),
    onEachMaster: (args) => (passed ? ask.onEachMaster(args) : first(() => ask.onEachMaster(args))),
  }
}
