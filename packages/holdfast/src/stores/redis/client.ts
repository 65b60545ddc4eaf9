import { SessionError } from '../../core/errors.ts'

/** A client that the application made and keeps: `ioredis` or `redis`, for a single server, Sentinel or Cluster. */
export type RedisClient = IoredisClient | NodeRedisClient

/** The part of an `ioredis` client that is used. */
export interface IoredisClient {
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>
  readonly options: object
}

/** The part of a `redis` client that is used; what its arguments are depends on the kind of client. */
export interface NodeRedisClient {
  sendCommand(...args: never[]): Promise<unknown>
}

/** A second client, of the same kind, that only waits for messages. */
export interface RedisSubscriber {
  subscribe(...args: never[]): Promise<unknown>
}

/** All that the store asks of a client, whatever its kind. Bulk strings come as Buffers. */
export interface RedisPort {
  /** Keys of different slots cannot be asked for together. */
  readonly cluster: boolean
  /** `key` says where to send it. Always to a master: a replica may not know yet what was revoked. */
  command(key: string, args: Arguments): Promise<unknown>
  onEachMaster(args: Arguments): Promise<readonly unknown[]>
}

export type Arguments = readonly [string, ...(string | Buffer)[]]

/** Throws `config_invalid` for a client that is no Redis client, or one that would break what the store promises. */
export function redisPort(client: RedisClient): RedisPort {
  if (typeof client === 'object' && client !== null) {
    if ('callBuffer' in client) return ioredisPort(client)
    if ('sendCommand' in client) return nodeRedisPort(client)
  }
  throw invalidOption('needs "client": one made by the package ioredis or by the package redis')
}

function ioredisPort(client: IoredisClient): RedisPort {
  const { keyPrefix, scaleReads = 'master' } = client.options as {
    readonly keyPrefix?: string
    readonly scaleReads?: unknown
  }
  if (keyPrefix) throw invalidOption('takes its own "prefix"; make the client without "keyPrefix"')
  if (scaleReads !== 'master') {
    throw invalidOption('must read from masters; make the client without "scaleReads"')
  }
  const send = (to: IoredisClient, [name, ...args]: Arguments): Promise<unknown> =>
    to.callBuffer(name, ...args)
  const nodes = clusterNodes(client)

  return {
    cluster: nodes !== undefined,
    command: (_key, args) => send(client, args),
    onEachMaster: (args) => Promise.all((nodes?.() ?? [client]).map((node) => send(node, args))),
  }
}

function clusterNodes(client: object): (() => readonly IoredisClient[]) | undefined {
  if (!('nodes' in client) || typeof client.nodes !== 'function') return undefined
  const cluster = client as { nodes(role: 'master'): readonly IoredisClient[] }
  return () => cluster.nodes('master')
}

/** RESP type of bulk strings, for the `redis` package. */
const BUFFERS = { typeMapping: { 36: Buffer } }

type Send = (args: Arguments, options: object) => Promise<unknown>

interface ClusterClient {
  readonly masters: readonly object[]
  nodeClient(node: object): Promise<{ sendCommand: Send }>
  sendCommand(key: string, readonly: boolean, args: Arguments, options: object): Promise<unknown>
}

interface SentinelClient {
  sendCommand(readonly: boolean, args: Arguments, options: object): Promise<unknown>
}

function nodeRedisPort(client: NodeRedisClient): RedisPort {
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

/** What a Redis store cannot be made with. */
export function invalidOption(problem: string): SessionError {
  return new SessionError('config_invalid', `The Redis store ${problem}.`)
}
