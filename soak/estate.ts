import { Redis } from 'ioredis'
import type { Random } from '../bench/hijack/random.ts'
import { type FaultProxy, faultProxy } from '../packages/holdfast/test/support/fault-proxy.ts'
import { freePort, type RedisServer, startRedis } from '../packages/holdfast/test/support/redis.ts'
import { until } from '../packages/holdfast/test/support/until.ts'

/** One real server, and the line on which everybody reaches it. */
export interface Node {
  readonly line: FaultProxy
  readonly server: RedisServer
  /** A connection that no fault touches. */
  readonly direct: Redis
}

/** Real servers that replace each other, as the service is told to find them. */
export interface Estate {
  readonly kind: 'sentinel' | 'cluster'
  /** `HOLDFAST_STORE`. */
  readonly address: string
  readonly nodes: readonly Node[]
  /** Servers that call themselves masters; those that do not answer are left out. */
  masters(): Promise<readonly Node[]>
  /** There are as many masters as there should be, and all who watch them agree on who it is. */
  isSettled(): Promise<boolean>
  /** That, every server is up, and each is a master or follows one. */
  isWhole(): Promise<boolean>
  /** A master becomes a replica in place, as managed services do it. */
  demote(random: Random): Promise<void>
  /** Moves one partition to another master. Only in a Cluster. */
  reshard?(random: Random): Promise<void>
  close(): Promise<void>
}

const HOST = '127.0.0.1'

/** Short enough for many fail-overs, long enough for a busy machine. */
const DOWN_AFTER_MS = 2_000
const REPLACED_WITHIN_MS = 15_000

/** `announced` is what the option is called that tells others where the node is. */
async function startNode(
  announced: 'replica-announce' | 'cluster-announce',
  options: readonly string[],
): Promise<Node> {
  const line = await faultProxy()
  const server = await startRedis([
    // What was acknowledged outlives a kill of the process.
    ...['--appendonly', 'yes'],
    ...[`--${announced}-ip`, HOST, `--${announced}-port`, String(line.port)],
    ...options,
  ])
  line.lead(server.port)
  const direct = new Redis({ port: server.port, host: HOST, commandTimeout: 2_000 })
  direct.on('error', () => {})
  return { line, server, direct }
}

async function closeNode({ line, server, direct }: Node): Promise<void> {
  direct.disconnect()
  await server.close()
  await line.close()
}

/** What `INFO replication` says of a server; undefined where it does not answer. */
async function replicationOf({ direct }: Node): Promise<Map<string, string> | undefined> {
  try {
    const text = await direct.info('replication')
    return new Map(
      text.split('\r\n').map((line) => {
        const [key = '', ...rest] = line.split(':')
        return [key, rest.join(':')]
      }),
    )
  } catch {
    return undefined
  }
}

async function mastersOf(nodes: readonly Node[]): Promise<readonly Node[]> {
  const roles = await Promise.all(nodes.map(replicationOf))
  return nodes.filter((_, i) => roles[i]?.get('role') === 'master')
}

async function areWhole(nodes: readonly Node[], masters: number): Promise<boolean> {
  const infos = await Promise.all(nodes.map(replicationOf))
  const following = infos.filter((info) => info?.get('master_link_status') === 'up')
  return (
    infos.filter((info) => info?.get('role') === 'master').length === masters &&
    following.length === nodes.length - masters
  )
}

/** Waits for another master, but not for ever: who was told to promote may change its mind. */
export async function untilReplaced(
  nodes: readonly Node[],
  before: readonly Node[],
): Promise<void> {
  const deadline = performance.now() + REPLACED_WITHIN_MS
  while (performance.now() < deadline) {
    const now = await mastersOf(nodes)
    if (now.length > 0 && now.some((node) => !before.includes(node))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** One master, two replicas, three Sentinels of which two decide. */
export async function sentinelEstate(): Promise<Estate> {
  // As docs/stores.md advises: a master that is cut off stops acknowledging.
  const careful = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '2']
  const master = await startNode('replica-announce', careful)
  const replicas = await Promise.all([0, 1].map(() => startNode('replica-announce', careful)))
  const nodes = [master, ...replicas]
  for (const { direct } of replicas) {
    await direct.call('REPLICAOF', HOST, master.line.port)
    // Kept in its file, as Sentinels do it later: a server that comes back is what it was last.
    await direct.call('CONFIG', 'REWRITE')
  }
  await until('the replicas follow', () => areWhole(nodes, 1))
  const sentinels = await Promise.all(
    [0, 1, 2].map(() =>
      startRedis(
        ['--sentinel'],
        [
          `sentinel monitor main ${HOST} ${master.line.port} 2`,
          `sentinel down-after-milliseconds main ${DOWN_AFTER_MS}`,
          'sentinel failover-timeout main 5000',
          'sentinel parallel-syncs main 2',
        ],
      ),
    ),
  )
  const asked = sentinels.map(({ port }) => new Redis({ port, host: HOST }))
  for (const client of asked) client.on('error', () => {})
  await until('the Sentinels know each other and the replicas', async () => {
    const told = await Promise.all(asked.map((one) => one.call('SENTINEL', 'MASTER', 'main')))
    return told.every((one) =>
      ['num-slaves,2', 'num-other-sentinels,2'].every((words) => String(one).includes(words)),
    )
  })

  async function isSettled(): Promise<boolean> {
    const [master, ...others] = await mastersOf(nodes)
    if (master === undefined || others.length > 0) return false
    const views = await Promise.all(asked.map((one) => one.call('SENTINEL', 'MASTER', 'main')))
    return views.every((view) => {
      const told = Array.isArray(view) ? view.map(String) : []
      const of = (name: string): string | undefined => told[told.indexOf(name) + 1]
      return of('flags') === 'master' && of('port') === String(master.line.port)
    })
  }

  return {
    kind: 'sentinel',
    address: `redis+sentinel://${sentinels.map(({ port }) => `${HOST}:${port}`).join(',')}/main`,
    nodes,
    masters: () => mastersOf(nodes),
    isSettled,
    isWhole: async () => (await areWhole(nodes, 1)) && (await isSettled()),
    async demote(random) {
      const before = await mastersOf(nodes)
      await random
        .pick(asked)
        .call('SENTINEL', 'FAILOVER', 'main')
        .then(
          () => untilReplaced(nodes, before),
          // One that has promoted lately, or sees no good replica, refuses.
          () => {},
        )
    },
    async close() {
      for (const client of asked) client.disconnect()
      await Promise.all(sentinels.map((sentinel) => sentinel.close()))
      await Promise.all(nodes.map(closeNode))
    },
  }
}

const MASTERS = 3
const SLOTS = 16_384
const PARTITIONS = 64

/** Three masters that share the slots, each with a replica. */
export async function clusterEstate(): Promise<Estate> {
  const nodes = await Promise.all(
    Array.from({ length: 2 * MASTERS }, async () => {
      const bus = await freePort()
      const node = await startNode('cluster-announce', [
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(DOWN_AFTER_MS)],
        ...['--cluster-port', String(bus)],
      ])
      return { ...node, bus }
    }),
  )
  await form(nodes)

  const idOf = (node: Node): Promise<unknown> => node.direct.call('CLUSTER', 'MYID')

  return {
    kind: 'cluster',
    address: `redis+cluster://${nodes.map(({ line }) => `${HOST}:${line.port}`).join(',')}`,
    nodes,
    masters: () => mastersOf(nodes),
    isSettled: async () => (await mastersOf(nodes)).length === MASTERS,
    isWhole: () => areWhole(nodes, MASTERS),
    async demote(random) {
      const masters = await mastersOf(nodes)
      const replicas = nodes.filter((node) => !masters.includes(node))
      if (replicas.length === 0) return
      const { direct } = random.pick(replicas)
      await direct.call('CLUSTER', 'FAILOVER').then(
        () => untilReplaced(nodes, masters),
        () => {},
      )
    },
    async reshard(random) {
      const slot = Number(
        await nodes[0]?.direct.call('CLUSTER', 'KEYSLOT', `{p${random.below(PARTITIONS)}}`),
      )
      const masters = await mastersOf(nodes)
      const owned = await Promise.all(
        masters.map(async ({ direct }) => {
          const keys = await direct.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)
          return Array.isArray(keys) && keys.length > 0
        }),
      )
      const from = masters[owned.indexOf(true)]
      const others = masters.filter((node) => node !== from)
      if (from === undefined || others.length === 0) return
      const to = random.pick(others)
      const [fromId, toId] = await Promise.all([idOf(from), idOf(to)])
      await to.direct.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId))
      await from.direct.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId))
      for (;;) {
        const keys = await from.direct.call('CLUSTER', 'GETKEYSINSLOT', slot, 20)
        if (!Array.isArray(keys) || keys.length === 0) break
        const words = [HOST, to.server.port, '', 0, 2_000, 'KEYS', ...keys.map(String)]
        await from.direct.call('MIGRATE', ...words)
      }
      // The one that receives first: nobody is left without an owner.
      for (const { direct } of [to, from, ...others.filter((node) => node !== to)])
        await direct.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId))
    },
    async close() {
      await Promise.all(nodes.map(closeNode))
    },
  }
}

/** Brings the nodes together. The second half follows the first. */
async function form(nodes: readonly (Node & { readonly bus: number })[]): Promise<void> {
  const ids = await Promise.all(nodes.map(({ direct }) => direct.call('CLUSTER', 'MYID')))
  for (const [i, { direct }] of nodes.entries()) {
    await direct.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
    if (i >= MASTERS) continue
    const [from, to] = [
      Math.ceil((i * SLOTS) / MASTERS),
      Math.ceil(((i + 1) * SLOTS) / MASTERS) - 1,
    ]
    await direct.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
  }
  const first = nodes[0]
  for (const { server, bus } of nodes.slice(1))
    await first?.direct.call('CLUSTER', 'MEET', HOST, server.port, bus)
  await until('all know each other', async () => {
    const known = await Promise.all(nodes.map(({ direct }) => direct.call('CLUSTER', 'INFO')))
    return known.every((info) => String(info).includes(`cluster_known_nodes:${nodes.length}`))
  })
  for (const [i, { direct }] of nodes.entries()) {
    if (i >= MASTERS) await direct.call('CLUSTER', 'REPLICATE', String(ids[i - MASTERS]))
  }
  await until('the Cluster is whole', async () => {
    const states = await Promise.all(nodes.map(({ direct }) => direct.call('CLUSTER', 'INFO')))
    return (
      states.every((info) => String(info).includes('cluster_state:ok')) &&
      (await areWhole(nodes, MASTERS))
    )
  })
}
