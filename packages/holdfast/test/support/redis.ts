import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { until } from './until.ts'

/** A real Redis of a test, empty at its start, on a port of its own. */
export interface RedisServer {
  readonly port: number
  /** Freezes it: connections stay, nothing answers. */
  pause(): void
  resume(): void
  /** Kills it; what it held is lost. */
  stop(): Promise<void>
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>
  /** Ends it for good and removes its files. */
  close(): Promise<void>
}

/**
 * The shell in front of the server reads from us until we end, however we end: then it kills the
 * server, so that none is left behind. It ends after the server: only then is the port free to be
 * used again.
 */
const GUARD =
  'command -v redis-server >/dev/null || { echo none; exit; }; ' +
  'redis-server "$@" >/dev/null 2>&1 & server=$!; echo $server; cat >/dev/null; kill ' +
  '-9 $server; wait $server 2>/dev/null'

/**
 * Starts `redis-server` with more options, for example `['--maxmemory', '3mb']`, and with what a
 * Sentinel has in its configuration file.
 */
export async function startRedis(
  options: readonly string[] = [],
  watched: readonly string[] = [],
): Promise<RedisServer> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-redis-'))
  writeFileSync(join(directory, 'redis.conf'), watched.map((line) => `${line}\n`).join(''))
  const start = () => launch(port, directory, options)
  let running = await start()

  async function stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => running.guard.once('exit', () => resolve()))
    if (running.guard.exitCode !== null) return
    running.guard.stdin?.end()
    await ended
  }

  return {
    port,
    pause: () => void process.kill(running.pid, 'SIGSTOP'),
    resume: () => void process.kill(running.pid, 'SIGCONT'),
    stop,
    async restart() {
      await stop()
      running = await start()
    },
    async close() {
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Three masters that share the slots. */
export async function startCluster(): Promise<{
  readonly ports: readonly number[]
  close(): Promise<void>
}> {
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '60000']
  const servers: RedisServer[] = []
  const addresses: Address[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()))
  }
  try {
    for (let node = 0; node < 3; node++) {
      const bus = await freePort()
      const server = await startRedis([...options, '--cluster-port', String(bus)])
      servers.push(server)
      addresses.push({ port: server.port, bus })
    }
    await meet(addresses)
  } catch (error) {
    await close()
    throw error
  }
  return { ports: servers.map(({ port }) => port), close }
}

const SLOTS = 16_384

interface Address {
  readonly port: number
  readonly bus: number
}

async function meet(addresses: readonly Address[]): Promise<void> {
  const nodes = addresses.map(({ port }) => new Redis({ port }))
  try {
    for (const [i, node] of nodes.entries()) {
      const from = Math.ceil((i * SLOTS) / nodes.length)
      const to = Math.ceil(((i + 1) * SLOTS) / nodes.length) - 1
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
      await node.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
    }
    for (const { port, bus } of addresses.slice(1)) {
      await nodes[0]?.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(bus))
    }
    await until('the cluster is whole', async () => {
      const infos = await Promise.all(nodes.map((node) => node.call('CLUSTER', 'INFO')))
      return infos.every(
        (info) =>
          String(info).includes('cluster_state:ok') &&
          String(info).includes(`cluster_known_nodes:${nodes.length}`),
      )
    })
  } finally {
    for (const node of nodes) node.disconnect()
  }
}

interface Running {
  readonly guard: ChildProcess
  readonly pid: number
}

async function launch(
  port: number,
  directory: string,
  options: readonly string[],
): Promise<Running> {
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const volatile = ['--save', '', '--appendonly', 'no', '--daemonize', 'no']
  const config = join(directory, 'redis.conf')
  const args = ['-c', GUARD, 'redis', config, ...common, ...volatile, ...options]
  const guard = spawn('sh', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const pid = await new Promise<number>((resolve, reject) => {
    guard.once('error', reject)
    guard.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
  })
  if (Number.isNaN(pid)) {
    throw new Error(
      'These tests need a real redis-server, and there is none. Install the Debian package: ' +
        'apt-get install redis-server',
    )
  }
  await until(`redis-server answers on port ${port}`, () => answers(port))
  return { guard, pid }
}

async function answers(port: number): Promise<boolean> {
  const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null })
  let wantsPassword = false
  client.on('error', (error) => {
    wantsPassword ||= error.message.startsWith('NOAUTH')
  })
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return wantsPassword
  } finally {
    client.disconnect()
  }
}

/**
 * Below the ports that systems hand out by themselves: nobody takes this one while its server is
 * down for a test.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/**
 * A master, a replica and a Sentinel that watches them under the name `main`, each with the
 * password given.
 */
export async function startSentinel({
  password,
  sentinelPassword,
}: {
  readonly password?: string
  readonly sentinelPassword?: string
} = {}): Promise<{
  readonly port: number
  /** Nothing is promoted before {@link failOver} is called. */
  killMaster(): Promise<void>
  /** The Sentinel promotes the replica, however long the master has been away. */
  failOver(): Promise<void>
  close(): Promise<void>
}> {
  const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const master = await startRedis(secret)
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port), ...secret])
  const running = await startRedis(
    ['--sentinel'],
    [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      // A busy machine is no reason to promote the replica: only `failOver` is.
      'sentinel down-after-milliseconds main 60000',
      'sentinel failover-timeout main 2000',
      ...(password === undefined ? [] : [`sentinel auth-pass main ${password}`]),
      ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
    ],
  )
  const { port } = running
  const sentinel = new Redis({
    port,
    ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
  })
  await until('the Sentinel knows the replica', async () =>
    String(await sentinel.call('SENTINEL', 'MASTER', 'main')).includes('num-slaves,1'),
  )

  return {
    port,
    killMaster: () => master.stop(),
    async failOver() {
      await sentinel.call('SENTINEL', 'FAILOVER', 'main')
    },
    async close() {
      sentinel.disconnect()
      await Promise.all([running.close(), master.close(), replica.close()])
    },
  }
}
