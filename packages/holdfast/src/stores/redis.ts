import type { ConnectionOptions } from 'node:tls'
import type { Duration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { PARTITIONS } from '../core/ids.ts'
import { clock, duration, flag, func, passing, withDefault, words } from '../core/option-kinds.ts'
import { checked, isObject, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { Store } from '../core/store.ts'
import { FEED_FIELDS, type FeedOptions, feedBoundOf } from './feed/bound.ts'
import { type RedisAsk, redisAsk } from './redis/ask.ts'
import { invalidOption, type RedisClient, type RedisSubscriber, redisPort } from './redis/client.ts'
import { redisConnection } from './redis/connection.ts'
import { redisKeys } from './redis/keys.ts'
import { refuseChangedReplies } from './redis/replies-check.ts'
import { refuseServer } from './redis/server-check.ts'
import { storeIn } from './redis/store.ts'
import { wakeSecrets } from './redis/wake-secrets.ts'
import { redisWake, subscriptionOf } from './redis/wake-ups.ts'
import { writeState } from './redis/write-state.ts'
import { writeProof } from './write-proof.ts'

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
   * `redis://user:password@host:6379/0`, `rediss://host` for TLS, or `unix:/run/redis.sock`;
   * `valkey:` and `valkeys:` are the same. That needs no package, and hears wake-ups without a
   * `subscriber`.
   */
  readonly url?: string
  /** Settings of TLS for a `rediss:` or `valkeys:` URL, for example `ca`. */
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
  /** Longest wait for one command, at most 1 minute. Default 1 s. */
  readonly timeout?: Duration
  /**
   * Accepts a Redis that evicts keys when its memory is full. Once a tombstone is evicted, a write
   * in flight can bring a revoked session back: set it only where losing a revocation is no harm.
   */
  readonly allowEviction?: boolean
  /**
   * Hears once of what could not be checked, and of a Redis that answers and refuses writes: once
   * with cause and mend, and once when it is over. Default: `process.emitWarning`.
   */
  readonly onWarning?: (message: string) => void
}

const CLIENT = 'an ioredis or node-redis client'

const isClient = (value: unknown): boolean => isObject(value) || typeof value === 'function'

/** The options of `redisStore()`. */
export const REDIS_OPTIONS = {
  of: 'redisStore()',
  fields: {
    ...FEED_FIELDS,
    client: passing<RedisClient>(CLIENT, isClient),
    url: words('the URL of a Redis, as in redis://127.0.0.1:6379'),
    tls: passing<ConnectionOptions>('an object with settings of TLS', isObject),
    subscriber: passing<RedisSubscriber>(`${CLIENT} of its own`, isClient),
    now: clock,
    prefix: withDefault(
      passing<string>(
        'up to 64 letters, digits and : . _ - alone',
        (value) => typeof value === 'string' && /^[\w:.-]{0,64}$/.test(value),
      ),
      'hf:',
    ),
    timeout: withDefault(duration({ max: 60_000 }), 1_000),
    allowEviction: withDefault(flag, false),
    onWarning: func<(message: string) => void>(
      'it hears of what could not be checked, and of refused writes',
    ),
  } satisfies OptionsOf<RedisOptions>,
  aliases: {
    redis: 'client',
    connection: 'client',
    host: "write url: 'redis://host:6379'",
    port: "write url: 'redis://host:6379'",
    connectionString: 'url',
    keyPrefix: 'prefix',
    namespace: 'prefix',
    timeoutMs: 'timeout',
    commandTimeout: 'timeout',
    storeTimeout: 'timeout',
    ttl: 'absoluteTimeout of createSessions() says how long a session lives',
  },
} satisfies OptionTable

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
export function redisStore(options: RedisOptions): Store {
  const { client, url, tls, subscriber, prefix, allowEviction, ...given } = checked(
    REDIS_OPTIONS,
    options,
  )
  const { timeout: timeoutMs, now = () => Date.now() } = given
  const { onWarning = (message) => process.emitWarning(message) } = given
  const feed = feedBoundOf(given)
  if ((client === undefined) === (url === undefined)) {
    throw new SessionError(
      'config_invalid',
      client === undefined
        ? "redisStore(): url is missing. Write for example url: 'redis://host:6379', or client."
        : 'redisStore(): client and url are both there. Leave one of them out.',
    )
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
  /** One on a single server, one in each partition of a Cluster. */
  const marks = Array.from({ length: port.cluster ? PARTITIONS : 1 }, (_, partition) =>
    keys.mark(partition),
  )
  const state = writeState({
    mark: () => ask.mark(marks),
    cluster: port.cluster,
    onWarning,
  })
  const proof = writeProof(() => askChecked.mark(marks))
  const ask = redisAsk(port, { timeoutMs, state, onFailure: proof.doubt })

  const askChecked = afterCheck(ask, async () => {
    // First what the server is: one that is a part of a Cluster refuses the keys of the next.
    await refuseServer(ask, { cluster: port.cluster, allowEviction, onWarning })
    if (own === undefined) await refuseChangedReplies(ask, keys.feed(0))
  })
  const secrets = wakeSecrets({ ask: askChecked, keys }, port)
  const subscription =
    own?.subscription(keys.wake) ?? (subscriber && subscriptionOf(subscriber, keys.wake))
  const listen = subscription && redisWake(subscription, { onWarning, secrets })
  const store = storeIn(
    { ask: askChecked, keys, now, feed },
    { cluster: port.cluster, state, ...(listen === undefined ? {} : { listen }) },
  )
  return {
    ...store,
    proveWritable: proof.prove,
    async close() {
      state.close()
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
    failure: ask.failure,
    // The other way round: before a mark has passed, a server that was a replica is asked nothing.
    async mark(keys) {
      await ask.mark(keys)
      if (!passed) await ready()
    },
  }
}
