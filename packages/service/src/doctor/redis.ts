import type { Cluster, Redis } from 'ioredis'
import type { Config } from '../config/schema.ts'
import type { RedisAddress } from '../config/store-address.ts'
import { brief, type Finding, fault, warning } from './finding.ts'
import { examineSentinels } from './sentinels.ts'

/** Clocks further apart than this make tokens of one machine look made in the future elsewhere. */
const MAX_SKEW_MS = 2_000

/** How long a first connection may take beyond one answer. */
const PATIENCE = 3

type Client = Redis | Cluster

/** Asks Redis itself: is it there, may we write, does it keep what it is given, what time is it. */
export async function examineRedis(
  address: RedisAddress,
  config: Config,
  now: () => number,
): Promise<readonly Finding[]> {
  const { redisClients } = await import('../main/redis-clients.ts')
  const client = redisClients(address, config, () => {})('commands')
  let last: Error | undefined
  client.on('error', (error: Error) => {
    last = error
  })
  try {
    const refused = await connected(client, config.storeTimeout * PATIENCE, () => last)
    if (refused !== undefined) return [unreachable(refused)]
    const servers = 'nodes' in client ? client.nodes('master') : [client]
    const infos = await Promise.all(servers.map(infoOf))
    const clocks = await Promise.all(servers.map((server) => clock(server, now)))
    const each = infos.flatMap((info) => [
      ...keeping(info, config.allowEviction),
      ...replacing(info, address),
    ])
    return [
      ...(await rights(client, config.storePrefix)),
      ...onceEach([...each, ...clocks.flat()]),
      ...(await examineSentinels(address, config)),
    ]
  } finally {
    client.disconnect()
  }
}

/** Why there is no connection; undefined when there is one. */
async function connected(
  client: Client,
  withinMs: number,
  last: () => Error | undefined,
): Promise<Error | undefined> {
  const ready = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs)
    client.once('ready', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
  const refused = last()
  if (ready && !/^(?:WRONGPASS|NOAUTH)/.test(refused?.message ?? '')) return undefined
  return refused ?? new Error('it does not answer')
}

function unreachable(error: Error): Finding {
  const login = /^(?:WRONGPASS|NOAUTH|NOPERM)/.test(error.message)
  return fault(
    'store',
    `Redis ${login ? 'does not let us in' : 'cannot be reached'}: ${brief(error)}`,
    login
      ? 'Correct storeUser and storePassword.'
      : 'Correct HOLDFAST_STORE, start Redis, or let this machine reach its port.',
  )
}

/** Writes a key that is gone in a second, from a script, as the store does. */
async function rights(client: Client, prefix: string): Promise<readonly Finding[]> {
  const script = "return redis.call('set', KEYS[1], '1', 'px', 1000)"
  try {
    await client.call('eval', script, '1', `${prefix}doctor`)
    return []
  } catch (error) {
    const text = brief(error)
    if (text.includes('NOPERM') || /permission/i.test(text)) {
      return [
        fault(
          'store rights',
          `the user of Redis may not do what the store does: ${text}`,
          'Give it +@read +@write -@dangerous +@scripting +@pubsub +info +ping on the keys ' +
            `${prefix}*.`,
        ),
      ]
    }
    return [
      fault(
        'store writes',
        `Redis answers and takes no writes: ${text}`,
        'Name the primary in HOLDFAST_STORE, or all Sentinels (redis+sentinel://) or nodes ' +
          '(redis+cluster://), and see what the log of Redis says.',
      ),
    ]
  }
}

/** What several servers have in common is said once. */
function onceEach(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((one) => [one.finding, one])).values()]
}

type Info = ReadonlyMap<string, string> | undefined

function keeping(info: Info, allowEviction: boolean): readonly Finding[] {
  if (info === undefined) return []
  const findings: Finding[] = []
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  if (policy !== 'noeviction' && !allowEviction) {
    findings.push(
      fault(
        'store eviction',
        `Redis evicts keys when its memory is full (maxmemory-policy ${policy})`,
        'Set maxmemory-policy noeviction: an evicted mark can bring a revoked session back.',
      ),
    )
  }
  if (info.get('aof_enabled') === '0') {
    findings.push(
      warning(
        'store persistence',
        'Redis writes no append-only file: a restart brings back an older state',
        'Set appendonly yes and appendfsync everysec, or always.',
      ),
    )
  }
  return findings
}

/** Whether another server can take the place of a master, and what is lost by it. */
function replacing(info: Info, { form }: RedisAddress): readonly Finding[] {
  const replicas = Number(info?.get('connected_slaves'))
  if (replicas === 0 && form !== 'single') {
    return [
      fault(
        'store replicas',
        'a master has no replica: nothing can take its place',
        'Start a replica of each master, or see why it does not follow.',
      ),
    ]
  }
  // It is told only where a number is set.
  if (!(replicas > 0) || form === 'cluster' || info?.has('min_slaves_good_slaves')) return []
  return [
    warning(
      'store replicas',
      'a master that is cut off from its replicas goes on taking writes, which are lost later',
      'Set min-replicas-to-write 1 and min-replicas-max-lag 1 on all servers.',
    ),
  ]
}

/** Fields of INFO; undefined where the user may not ask. */
async function infoOf(client: Client): Promise<Info> {
  try {
    const text = String(await client.call('info'))
    const pairs = text.split('\r\n').map((line) => line.split(':', 2))
    return new Map(pairs.map(([name = '', value = '']) => [name, value]))
  } catch {
    return undefined // not for this user: nothing can be said of it
  }
}

async function clock(client: Client, now: () => number): Promise<readonly Finding[]> {
  const before = now()
  let reply: unknown
  try {
    reply = await client.call('time')
  } catch {
    return [] // not for this user: nothing can be said of it
  }
  const [seconds, micros] = Array.isArray(reply) ? reply : []
  const theirs = Number(seconds) * 1_000 + Number(micros) / 1_000
  const skew = Math.round(theirs - (before + now()) / 2)
  if (!(Math.abs(skew) > MAX_SKEW_MS)) return []
  return [
    fault(
      'clock',
      `the clock of Redis is ${Math.abs(skew)} ms ${skew > 0 ? 'ahead of' : 'behind'} this one`,
      'Run chrony or systemd-timesyncd on both machines.',
    ),
  ]
}
