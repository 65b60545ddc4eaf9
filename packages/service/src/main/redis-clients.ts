import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { SessionError } from 'holdfast'
import { Cluster, Redis } from 'ioredis'
import type { Config } from '../config/schema.ts'
import type { RedisAddress, RedisHost } from '../config/store-address.ts'

export type RedisSettings = Pick<
  Config,
  | 'storeUser'
  | 'storePassword'
  | 'storeSentinelUser'
  | 'storeSentinelPassword'
  | 'storeCa'
  | 'storeCertificate'
  | 'storeCertificateKey'
  | 'storeTimeout'
>

const LONGEST_PAUSE_MS = 2_000
/** A connection that has answered nothing for so many times the longest wait is given up. */
const UNANSWERED = 3
/** On a connection that is silent, because it only waits for messages. */
const KEEP_ALIVE_MS = 10_000

/** As a command meets it, and as a script does. */
const DEMOTED = /(?:^|: -)(?:READONLY|MASTERDOWN) /

/** Pause before attempt number `times`: 100 ms more each time, at most 2 s. */
const pauseBefore = (times: number): number => Math.min(times * 100, LONGEST_PAUSE_MS)

/**
 * Makes clients of `ioredis` for the Redis that the configuration names. One that only waits for
 * messages keeps its subscription while it is not connected; for all others a command fails at once
 * then. `onDemoted` hears of a server that is no master any more: the client connects anew, and
 * asks anew where the name leads.
 */
export function redisClients(
  address: RedisAddress,
  settings: RedisSettings,
  onDemoted: () => void,
): (use: 'commands' | 'messages') => Redis | Cluster {
  const { form, hosts, socket, master, database } = address
  const tls = address.tls ? { tls: tlsOf(settings) } : {}
  const { storeTimeout: timeoutMs, storeSentinelUser, storeSentinelPassword } = settings
  const [username, password] = [
    settings.storeUser ?? address.user,
    settings.storePassword ?? address.password,
  ]
  const common = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...tls,
    connectTimeout: timeoutMs,
    // A connection that is gone without a word is given up, and not asked for a quarter of an hour.
    socketTimeout: UNANSWERED * timeoutMs,
    keepAlive: KEEP_ALIVE_MS,
    reconnectOnError(error: Error) {
      if (!DEMOTED.test(error.message)) return false
      onDemoted()
      return true
    },
  }

  const forUse = {
    commands: { enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy: pauseBefore },
    messages: { enableOfflineQueue: true, maxRetriesPerRequest: null, retryStrategy: pauseBefore },
  }

  return (use) => inStep(clientFor(use))

  function clientFor(use: 'commands' | 'messages'): Redis | Cluster {
    if (form === 'cluster') {
      return new Cluster([...hosts], {
        enableOfflineQueue: use === 'messages',
        clusterRetryStrategy: pauseBefore,
        slotsRefreshTimeout: timeoutMs,
        // Sixteen times, and then it says that the Cluster is down, while there is time to say so.
        retryDelayOnClusterDown: Math.ceil(timeoutMs / 32),
        redisOptions: common,
        // A certificate names a host, and a look-up would put an address in the place of the name.
        ...(address.tls ? { dnsLookup: (name, done) => done(null, name) } : {}),
      })
    }
    const place = { ...common, ...forUse[use], db: database }
    if (form === 'sentinel') {
      return new Redis({
        ...place,
        sentinels: hosts.map((host) => ({ ...host })),
        ...(master === undefined ? {} : { name: master }),
        ...(storeSentinelUser === undefined ? {} : { sentinelUsername: storeSentinelUser }),
        ...(storeSentinelPassword === undefined ? {} : { sentinelPassword: storeSentinelPassword }),
        ...(tls.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tls.tls } : {}),
        sentinelRetryStrategy: pauseBefore,
        sentinelCommandTimeout: timeoutMs,
      })
    }
    if (socket !== undefined) return new Redis({ ...place, path: socket })
    return new Redis({ ...place, ...hosts[0] })
  }
}

/** A connection to one Sentinel. Unless it `lasts` it is not made again when it breaks. */
export function sentinelClient(
  host: RedisHost,
  address: RedisAddress,
  { lasts, ...settings }: RedisSettings & { readonly lasts: boolean },
): Redis {
  const { storeSentinelUser, storeSentinelPassword, storeTimeout } = settings
  return new Redis({
    ...host,
    ...(storeSentinelUser === undefined ? {} : { username: storeSentinelUser }),
    ...(storeSentinelPassword === undefined ? {} : { password: storeSentinelPassword }),
    ...(address.tls ? { tls: tlsOf(settings) } : {}),
    connectTimeout: storeTimeout,
    commandTimeout: storeTimeout,
    keepAlive: KEEP_ALIVE_MS,
    ...(lasts
      ? { maxRetriesPerRequest: null, retryStrategy: pauseBefore }
      : { lazyConnect: true, retryStrategy: () => null }),
  })
}

const REPLACED = '+switch-master'

/**
 * Hears from every Sentinel that the master was replaced, and by whom. Nobody else says so in time:
 * an orderly fail-over leaves the old master one for eight seconds, and what it takes meanwhile is
 * lost. The answer ends it.
 */
export function watchSentinels(
  address: RedisAddress,
  settings: RedisSettings,
  onReplaced: (by: RedisHost) => void,
): () => void {
  const clients = address.hosts.map((host) => {
    const client = sentinelClient(host, address, { ...settings, lasts: true })
    // One that is away is no news: the others tell.
    client.on('error', () => {})
    client.on('message', (_, message: string) => {
      const [name, , , host = '', port] = message.split(' ')
      if (name === address.master) onReplaced({ host, port: Number(port) })
    })
    client.on('ready', () => client.subscribe(REPLACED).catch(() => {}))
    return client
  })
  return () => {
    for (const client of clients) client.disconnect()
  }
}

/**
 * Breaks a connection, so that it is made anew. One that is being made is left alone: `ioredis` 6
 * gives a client up for good that is told so while it asks a Sentinel where the master is.
 */
export function renew(client: Redis | Cluster): void {
  if (client.status === 'ready' || client.status === 'connect') client.disconnect(true)
}

/** A client that has given up begins again, until the answer is called. */
export function keepGoing(client: Redis | Cluster): () => void {
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    timer = setTimeout(() => client.connect().catch(() => {}), LONGEST_PAUSE_MS)
    timer.unref()
  }
  client.on('end', begin)
  return () => {
    clearTimeout(timer)
    client.off('end', begin)
  }
}

/** Whether commands go there already. Of a host that goes by a name nobody can tell. */
export function isConnectedTo(client: Redis | Cluster, { host, port }: RedisHost): boolean {
  if (client instanceof Cluster || client.status !== 'ready') return false
  const { remoteAddress, remotePort }: Partial<Socket> = client.stream
  return remoteAddress === host && remotePort === port
}

/** What `ioredis` tells of an answer to nothing. */
const OUT_OF_STEP = /^Command queue state error/

/** After an answer to nothing, answers are those of other commands: the connection is made anew. */
function inStep<Client extends Redis | Cluster>(client: Client): Client {
  const watch = (one: Redis): void => {
    one.on('error', (error: Error) => {
      if (OUT_OF_STEP.test(error.message)) renew(one)
    })
  }
  if (client instanceof Cluster) client.on('+node', watch)
  else watch(client)
  return client
}

function tlsOf({ storeCa, storeCertificate, storeCertificateKey }: RedisSettings): {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
} {
  return {
    ...(storeCa === undefined ? {} : { ca: bytesOf('storeCa', storeCa) }),
    ...(storeCertificate === undefined
      ? {}
      : { cert: bytesOf('storeCertificate', storeCertificate) }),
    ...(storeCertificateKey === undefined
      ? {}
      : { key: bytesOf('storeCertificateKey', storeCertificateKey) }),
  }
}

function bytesOf(name: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new SessionError(
      'config_invalid',
      `${name}: the file ${path} cannot be read. Name one that this user may read.`,
      { cause },
    )
  }
}
