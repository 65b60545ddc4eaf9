import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Store } from 'holdfast'
import { redisStore } from 'holdfast/redis'
import { Redis } from 'ioredis'

const START_TRIES = 100

export interface RedisServer {
  readonly store: Store
  /** CPU µs that the server has used so far. */
  cpuMicros(): Promise<number>
  stop(): Promise<void>
}

/** A Redis of its own on a unix socket, without persistence. Undefined where no redis-server is installed. */
export async function redisServer(folder: string): Promise<RedisServer | undefined> {
  const home = join(folder, 'redis')
  mkdirSync(home)
  const socket = join(home, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', home]
  const server = spawn('redis-server', options, { stdio: 'ignore' })
  const started = await Promise.race([
    once(server, 'spawn').then(() => true),
    once(server, 'error').then(() => false),
  ])
  if (!started) return undefined

  const client = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => 20 })
  client.on('error', () => {})
  for (let tries = 0; ; tries++) {
    if (
      await client.ping().then(
        () => true,
        () => false,
      )
    )
      break
    if (tries === START_TRIES) throw new Error('The Redis server does not answer.')
    await wait(20)
  }
  const store = redisStore({ client })

  return {
    store,
    async cpuMicros() {
      const info = await client.info('cpu')
      const seconds = (field: string): number =>
        Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
      return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
    },
    async stop() {
      await store.close()
      client.disconnect()
      server.kill('SIGTERM')
      await once(server, 'exit')
    },
  }
}
