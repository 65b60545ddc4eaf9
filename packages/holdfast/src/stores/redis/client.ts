import { SessionError } from '../../core/errors.ts'
import { batches } from './batches.ts'

/**
 * A client that the application made and closes: of the package `ioredis` or `redis`, for a single
 * server, Sentinel or Cluster.
 */
export type RedisClient = IoredisClient | NodeRedisClient

/** The part of an `ioredis` client that is used. */
export interface IoredisClient {
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>
  readonly options: object
}

/** The part of a `redis` client that is used. Its arguments depend on the kind of client. */
export interface NodeRedisClient {
  sendCommand(...args: never[]): Promise<unknown>
}

/** A second client, of the same kind, that only waits for messages. */
export interface RedisSubscriber {
  subscribe(...args: never[]): Promise<unknown>
}

/** What the store asks of a client of any kind. Bulk strings come as Buffers. */
export interface RedisPort {
  /** Whether keys of different slots have to be asked for apart. */
  readonly cluster: boolean
  /**
   * Sends a command to the master that has `key`. Never to a replica, which may not yet know of a
   * revocation.
   */
  command(key: string, args: Arguments): Promise<unknown>
  onEachMaster(args: Arguments): Promise<readonly unknown[]>
}

export type Arguments = readonly [string, ...(string | Buffer)[]]

/**
 * Throws `config_invalid` for an object that is no Redis client, and for a client whose settings
 * would break what the store promises.
 */
export function redisPort(client: RedisClient): RedisPort {
  if (typeof client === 'object' && client !== null) {
    if ('callBuffer' in client) return ioredisPort(client)
    if ('sendCommand' in client) return nodeRedisPort(client)
  }
  throw invalidOption('needs "client": one made by the package ioredis or by the package redis')
}

/** Options that change commands or replies of `ioredis`, and why the store cannot do with them. */
const IOREDIS_OPTIONS: readonly (readonly [
  name: string,
  harmless: readonly unknown[],
  problem: string,
])[] = [
  ['keyPrefix', [''], 'takes its own "prefix"'],
  ['scaleReads', ['master'], 'must read from masters'],
  // ioredis then takes the first argument of `callBuffer` for the name of the command
  ['enableAutoPipelining', [false], 'makes pipelines itself'],
  ['stringNumbers', [false], 'needs numbers of Redis as numbers'],
  ['replyMapping', ['legacy'], 'needs replies of Redis as they came'],
]

function ioredisPort(client: IoredisClient): RedisPort {
  // A Cluster has those of its connections below.
  const { redisOptions = {} } = client.options as { readonly redisOptions?: object }
  for (const [name, harmless, problem] of IOREDIS_OPTIONS) {
    for (const options of [client.options, redisOptions]) {
      const value: unknown = Reflect.get(options, name)
      if (value == null || harmless.includes(value)) continue
      throw invalidOption(`${problem}; make the client without "${name}"`)
    }
  }
  const send = (to: IoredisClient, [name, ...args]: Arguments): Promise<unknown> =>
    to.callBuffer(name, ...args)
  const nodes = clusterNodes(client)

  const together =
    nodes === undefined && 'pipeline' in client ? byTurn(client as PipelineClient) : undefined

  return {
    cluster: nodes !== undefined,
    command: (_key, args) => together?.(args) ?? send(client, args),
    async onEachMaster(args) {
      // Before a Cluster is connected it knows no nodes: it is, once it has answered anything.
      if (nodes?.().length === 0) await send(client, ['PING'])
      return Promise.all((nodes?.() ?? [client]).map((node) => send(node, args)))
    },
  }
}

function clusterNodes(client: object): (() => readonly IoredisClient[]) | undefined {
  if (!('nodes' in client) || typeof client.nodes !== 'function') return undefined
  const cluster = client as { nodes(role: 'master'): readonly IoredisClient[] }
  return () => cluster.nodes('master')
}

interface PipelineClient extends IoredisClient {
  pipeline(): {
    callBuffer(...args: Arguments): unknown
    exec(): Promise<readonly (readonly [error: Error | null, reply: unknown])[] | null>
  }
}

/** The first answer of a pipeline waits for the last. So many take Redis a millisecond or two. */
const MOST_TOGETHER = 64

/**
 * Writes what is asked in one go to the socket together: a write of its own costs a third of a
 * command. Nothing waits for the event loop. A Cluster has several sockets, and `ioredis` takes no
 * pipeline over several of them; the package `redis` does this by itself.
 */
function byTurn(client: PipelineClient): (args: Arguments) => Promise<unknown> {
  return batches<Arguments>({
    most: MOST_TOGETHER,
    later: process.nextTick,
    async send(batch) {
      const [first, ...others] = batch
      if (first !== undefined && others.length === 0) return [await client.callBuffer(...first)]
      const pipeline = client.pipeline()
      for (const args of batch) pipeline.callBuffer(...args)
      return ((await pipeline.exec()) ?? []).map(([error, reply]) => error ?? reply)
    },
  })
}

/** Bulk strings as Buffers: by their RESP type for `redis` 5 and newer, by a word for `redis` 4. */
const BUFFERS = { typeMapping: { 36: Buffer }, returnBuffers: true }

type Send = (args: Arguments, options: object) => Promise<unknown>

interface ClusterClient {
  readonly masters: readonly object[]
  nodeClient(node: object): Promise<{ sendCommand: Send }>
  sendCommand(key: string, readonly: boolean, args: Arguments, options: object): Promise<unknown>
}

type LegacyOptions = { readonly legacyMode?: boolean }

interface SentinelClient {
  sendCommand(readonly: boolean, args: Arguments, options: object): Promise<unknown>
}

function nodeRedisPort(client: NodeRedisClient): RedisPort {
  if (!('isOpen' in client)) {
    throw invalidOption(
      'takes a client of the package redis 4 or newer; hand over the client itself, and not what ' +
        'its "legacy()" gives',
    )
  }
  const options = 'options' in client ? (client.options as LegacyOptions | undefined) : undefined
  if (options?.legacyMode === true) {
    throw invalidOption('needs promises; make the client without "legacyMode"')
  }
  if ('nodeClient' in client) {
    const cluster = client as unknown as ClusterClient
    return {
      cluster: true,
      command: (key, args) => cluster.sendCommand(key, false, args, BUFFERS),
      onEachMaster: (args) =>
        Promise.all(
          cluster.masters.map(async (master) =>
            (await cluster.nodeClient(master)).sendCommand(args, BUFFERS),
          ),
        ),
    }
  }
  const sentinel = client as unknown as SentinelClient
  const single = client as unknown as { sendCommand: Send }
  const send = (args: Arguments): Promise<unknown> =>
    'getMasterNode' in client
      ? sentinel.sendCommand(false, args, BUFFERS)
      : single.sendCommand(args, BUFFERS)
  return {
    cluster: false,
    command: (_key, args) => send(args),
    onEachMaster: async (args) => [await send(args)],
  }
}

/** An option that the Redis store cannot be made with. */
export function invalidOption(problem: string): SessionError {
  return new SessionError('config_invalid', `The Redis store ${problem}.`)
}
