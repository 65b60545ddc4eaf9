import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** Longest wait of a client, ms: the machine may be busy, and whoever waits is slow, no fault. */
export const PATIENCE_MS = 20_000

/** The counters of a Redis since its start. */
export interface RedisReading {
  readonly cpuMicros: number
  /** Calls by command, with those of scripts and without those that read these counters. */
  readonly calls: ReadonlyMap<string, number>
  readonly usedBytes: number
}

/** How often each command was run between two readings. */
export function callsBetween(
  before: RedisReading,
  after: RedisReading,
): readonly (readonly [string, number])[] {
  return [...after.calls]
    .map(([name, count]) => [name, count - (before.calls.get(name) ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
}

export interface RedisServer {
  readonly port: number
  read(): Promise<RedisReading>
  /** Bytes that keys take, as Redis estimates them, by the first letter after a prefix. */
  bytesByLetter(prefix: string): Promise<ReadonlyMap<string, number>>
  stop(): Promise<void>
}

const START_TRIES = 100

/**
 * Starts a Redis on loopback, without persistence. Undefined where no redis-server is installed.
 */
export async function redisServer(folder: string): Promise<RedisServer | undefined> {
  const port = await freePort()
  const dir = mkdtempSync(join(folder, 'redis-'))
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir]
  const server = spawn('redis-server', options, { stdio: 'ignore' })
  const end = (): boolean => server.kill('SIGKILL')
  const started = await Promise.race([
    once(server, 'spawn').then(() => true),
    once(server, 'error').then(() => false),
  ])
  if (!started) return undefined
  process.once('exit', end)

  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => 20 })
  client.on('error', () => {})
  await untilItAnswers(client)

  return {
    port,
    async read() {
      const info = await client.call('INFO', 'cpu', 'commandstats', 'memory')
      return readingOf(String(info))
    },
    async bytesByLetter(prefix) {
      const bytes = new Map<string, number>()
      for await (const some of client.scanStream({ match: `${prefix}*`, count: 1_000 })) {
        const keys = some as string[]
        const used = await Promise.all(keys.map((key) => client.memory('USAGE', key, 'SAMPLES', 0)))
        for (const [at, key] of keys.entries()) {
          const letter = key.charAt(prefix.length)
          bytes.set(letter, (bytes.get(letter) ?? 0) + (used[at] ?? 0))
        }
      }
      return bytes
    },
    async stop() {
      client.disconnect()
      const gone = once(server, 'exit')
      end()
      await gone
      process.removeListener('exit', end)
    },
  }
}

async function untilItAnswers(client: Redis): Promise<void> {
  for (let tries = 0; tries < START_TRIES; tries++) {
    const answered = await client.ping().then(
      () => true,
      () => false,
    )
    if (answered) return
    await wait(20)
  }
  throw new Error('The Redis server does not answer.')
}

function readingOf(info: string): RedisReading {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
  const calls = new Map<string, number>()
  for (const [, name = '', count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (name !== 'info') calls.set(name, Number(count))
  }
  return {
    cpuMicros: (field('used_cpu_user') + field('used_cpu_sys')) * 1e6,
    calls,
    usedBytes: field('used_memory'),
  }
}

/** A port that is free now. Redis cannot choose one by itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
}
