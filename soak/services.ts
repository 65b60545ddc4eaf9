import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type RemoteSessions } from 'holdfast/client'
import { type FaultProxy, faultProxy } from '../packages/holdfast/test/support/fault-proxy.ts'
import { freePort } from '../packages/holdfast/test/support/redis.ts'
import { until } from '../packages/holdfast/test/support/until.ts'

/** One process of the service, as an operator runs it. */
export interface ServiceProcess {
  readonly name: string
  /** What applications reach it by. */
  readonly line: FaultProxy
  readonly sessions: RemoteSessions
  /** Counts up with each new process: what one of them knew is gone with it. */
  incarnation(): number
  /** When that process began. */
  bornAt(incarnation: number): number
  isReady(): Promise<boolean>
  memory(): Promise<MemorySample | undefined>
  pause(): void
  resume(): void
  kill(): Promise<void>
  start(): Promise<void>
}

/** MB. */
export interface MemorySample {
  readonly resident: number
  /** Of JavaScript, with what the collector has not come to yet. */
  readonly heap: number
}

export interface ServiceOptions {
  /** The program `holdfast`. */
  readonly command: string
  /** Where its log goes. */
  readonly folder: string
  readonly name: string
  readonly store: string
  readonly keyring: string
  readonly key: string
}

/** Longest wait of an application. */
const TIMEOUT_MS = 3_000

export async function startServiceProcess({
  command,
  folder,
  name,
  store,
  keyring,
  key,
}: ServiceOptions): Promise<ServiceProcess> {
  const line = await faultProxy()
  const [port, management] = [await freePort(), await freePort()]
  line.lead(port)
  let child: ChildProcess | undefined
  let incarnation = 0
  const births: number[] = []

  async function isReady(): Promise<boolean> {
    try {
      const url = `http://127.0.0.1:${management}/readyz`
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) })
      await answer.body?.cancel()
      return answer.ok
    } catch {
      return false
    }
  }

  const self: ServiceProcess = {
    name,
    line,
    sessions: connect({ url: `http://127.0.0.1:${line.port}`, key, timeout: TIMEOUT_MS }),
    incarnation: () => incarnation,
    bornAt: (number) => births[number] ?? Number.POSITIVE_INFINITY,
    isReady,
    async memory() {
      try {
        const url = `http://127.0.0.1:${management}/metrics`
        const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) })
        const text = await answer.text()
        if (!answer.ok) return undefined
        const megabytes = (name: string): number => {
          const bytes = Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
          if (!(bytes > 0)) throw new Error(`There is no metric ${name}.`)
          return bytes / 1e6
        }
        return {
          resident: megabytes('process_resident_memory_bytes'),
          heap: megabytes('nodejs_heap_size_used_bytes'),
        }
      } catch {
        return undefined
      }
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async kill() {
      const running = child
      if (running === undefined) return
      child = undefined
      const ended = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGKILL')
      await ended
    },
    async start() {
      const log = openSync(join(folder, `${name}.log`), 'a')
      births[++incarnation] = performance.now()
      child = spawn(process.execPath, [command, 'serve'], {
        cwd: folder,
        stdio: ['ignore', log, log],
        env: {
          PATH: process.env.PATH,
          HOLDFAST_STORE: store,
          HOLDFAST_KEYRING: keyring,
          HOLDFAST_API_KEYS: `soak:app+admin:${key}`,
          HOLDFAST_LISTEN: `127.0.0.1:${port}`,
          HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
          HOLDFAST_GATE_LISTEN: 'off',
          HOLDFAST_SESSION_LIMIT: String(SESSION_LIMIT),
          HOLDFAST_ROTATE_EVERY: '60s',
          // Small enough to be full soon: what grows after that would grow for ever.
          HOLDFAST_CACHE_BYTES: '4MB',
          HOLDFAST_FEED_BYTES: '8MB',
        },
      })
      closeSync(log)
      await until(`${name} is ready`, isReady)
    },
  }
  process.once('exit', () => child?.kill('SIGKILL'))
  await self.start()
  return self
}

/** Most live sessions of one person. */
export const SESSION_LIMIT = 3
