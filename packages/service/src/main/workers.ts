import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import type { Config } from '../config/schema.ts'
import { listen } from './listener.ts'
import { serviceLog } from './log.ts'
import { type LogOutput, standardOutput } from './log-output.ts'
import { managementAnswer } from './management.ts'
import { tellMetrics, workersMetrics } from './metrics.ts'
import { proxiedAs } from './proxy-protocol.ts'
import { type Service, startService } from './service.ts'

/** Several processes of the service that listen as one. */
export type Workers = Pick<Service, 'close'>

type ToWorker = { readonly ask: 'ready' } | { readonly ask: 'stop' }

type FromWorker =
  | { readonly say: 'listening' }
  | {
      readonly say: 'ready'
      readonly why: string | undefined
      readonly warnings: readonly string[]
    }

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A worker that ran so long did not end because it cannot run. */
const RAN_MS = 60_000
const ANSWER_MS = 5_000
const KILL_AFTER_MS = 5_000
const MANAGEMENT_CLOSE_MS = 1_000

/**
 * Runs the service in `count` processes that share its ports and its store. This one has the
 * management listener, hands on what they log, and starts another where one ends. Throws
 * `config_invalid` where they cannot share a store, or where the first one does not start.
 */
export async function startWorkers(config: Config, count: number): Promise<Workers> {
  if (config.store.kind === 'memory') {
    throw new SessionError(
      'config_invalid',
      'A store in memory belongs to one process: set HOLDFAST_STORE, or leave --workers out.',
    )
  }
  const output = standardOutput(() => {})
  const log = serviceLog(config.logLevel, output)
  const crew = new Set<Worker>()
  let closing: Promise<void> | undefined
  cluster.setupPrimary({ silent: true })

  async function start(): Promise<void> {
    const worker = cluster.fork()
    crew.add(worker)
    handOn(worker, output)
    worker.once('exit', () => crew.delete(worker))
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (word: FromWorker) => word.say === 'listening' && resolve())
      worker.once('exit', (code) =>
        reject(
          new SessionError('config_invalid', `A worker did not start: it ended with code ${code}.`),
        ),
      )
    })
    const startedAt = performance.now()
    worker.once('exit', (code, signal) => {
      if (closing !== undefined) return
      log.error({ pid: worker.process.pid, code, signal }, 'a worker ended: another is started')
      const ran = performance.now() - startedAt
      void startAgain(ran > RAN_MS ? FIRST_PAUSE_MS : 2 * FIRST_PAUSE_MS)
    })
  }

  async function startAgain(pauseMs: number): Promise<void> {
    await pause(pauseMs)
    if (closing !== undefined) return
    await start().catch(() => startAgain(Math.min(2 * pauseMs, LONGEST_PAUSE_MS)))
  }

  async function ready(): Promise<string | undefined> {
    if (closing !== undefined) return 'it is stopping'
    if (crew.size < count) return `${crew.size} of ${count} workers run`
    const answers = await Promise.all([...crew].map(readiness))
    return answers.find((why) => why !== undefined)
  }

  let warnings: readonly string[] = []
  async function readiness(worker: Worker): Promise<string | undefined> {
    const answer = new Promise<string | undefined>((resolve) => {
      const hear = (word: FromWorker): void => {
        if (word.say !== 'ready') return
        worker.off('message', hear)
        warnings = word.warnings
        resolve(word.why)
      }
      worker.on('message', hear)
    })
    tell(worker, { ask: 'ready' })
    const late = pause(ANSWER_MS, `worker ${worker.process.pid} does not answer`, { ref: false })
    return Promise.race([answer, late])
  }

  // The first one alone: it makes what the others then find, and says what is wrong.
  await start()
  const others = await Promise.allSettled(Array.from({ length: count - 1 }, start))
  const metrics = workersMetrics()
  const management = await listen(managementAnswer({ metrics, ready, warnings: () => warnings }), {
    where: config.managementListen,
    requestTimeoutMs: config.requestTimeout,
    proxied: proxiedAs(config, log),
  }).catch(async (cause: unknown) => {
    await stopAll(crew, 0)
    throw cause
  })
  for (const { status } of others) if (status === 'rejected') void startAgain(FIRST_PAUSE_MS)
  log.info({ workers: count, management: management.url }, 'workers run')

  async function closeAll(): Promise<void> {
    await stopAll(crew, config.drain + config.stopTimeout + KILL_AFTER_MS)
    await management.close(MANAGEMENT_CLOSE_MS)
  }

  return {
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

/** Tells each to stop, and kills those that take longer. */
async function stopAll(crew: ReadonlySet<Worker>, withinMs: number): Promise<void> {
  await Promise.all(
    [...crew].map(async (worker) => {
      const ended = once(worker, 'exit')
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), withinMs)
      tell(worker, { ask: 'stop' })
      await ended
      clearTimeout(timer)
    }),
  )
}

function tell(worker: Worker, word: ToWorker): void {
  // One that has just ended cannot be told.
  if (worker.isConnected()) worker.send(word, () => {})
}

/** Lines of several processes in one pipe would run into each other. */
function handOn(worker: Worker, output: LogOutput): void {
  const { stdout, stderr } = worker.process
  if (stdout !== null)
    createInterface({ input: stdout }).on('line', (line) => output.write(`${line}\n`))
  stderr?.pipe(process.stderr, { end: false })
}

/**
 * A worker of {@link startWorkers}: the service without its management listener, until it is told
 * to stop. It ends at once when the process that started it does.
 */
export async function work(config: Config): Promise<void> {
  const told = new Promise<void>((resolve) => {
    process.on('SIGTERM', resolve)
    process.on('message', (word: ToWorker) => word.ask === 'stop' && resolve())
  })
  // What it serves keeps it alive, and nothing else does.
  process.channel?.unref()
  // Ctrl-C reaches all processes of a terminal; the first one tells the others.
  process.on('SIGINT', () => {})
  const service = await startService(config, {
    ownsProcess: true,
    manage({ ready, warnings, metrics }) {
      tellMetrics(metrics)
      process.on('message', async (word: ToWorker) => {
        if (word.ask === 'ready') say({ say: 'ready', why: await ready(), warnings: warnings() })
      })
    },
  })
  say({ say: 'listening' })
  await told
  await service.close()
}

function say(word: FromWorker): void {
  process.send?.(word)
}
