import cluster, { type Worker } from 'node:cluster'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import type { Config } from '../config/schema.ts'
import { listen } from './listener.ts'
import { cannotListen } from './listeners.ts'
import { serviceLog } from './log.ts'
import { type LogOutput, standardOutput } from './log-output.ts'
import { managementAnswer } from './management.ts'
import { proxiedAs } from './proxy-protocol.ts'
import { type Service, startService } from './service.ts'
import { allWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts'
import { servingFlags } from './young-objects.ts'

/** Several processes of the service that listen as one. */
export type Workers = Pick<Service, 'close'>

interface Answers {
  readonly ready: { readonly why: string | undefined; readonly warnings: readonly string[] }
  readonly metrics: WorkerMetrics
}

type ToWorker =
  | { readonly ask: keyof Answers; readonly question: number }
  | { readonly ask: 'stop' }

type FromWorker =
  | { readonly say: 'listening' }
  | { readonly say: 'answer'; readonly question: number; readonly answer: unknown }

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A worker that ran so long did not end because it cannot run. */
const RAN_MS = 60_000
/** Opening a large store takes its time. */
const START_MS = 120_000
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
  const listening = new Set<Worker>()
  const waiting = new Map<number, (answer: unknown) => void>()
  const counted = allWorkerMetrics()
  let questions = 0
  let closing: Promise<void> | undefined
  let pauseMs = FIRST_PAUSE_MS
  let warnings: readonly string[] = []
  cluster.setupPrimary({ silent: true, execArgv: [...servingFlags(process)] })

  /** Starts one. Rejects where it ends before it listens. */
  function start(): Promise<Worker> {
    const worker = cluster.fork()
    crew.add(worker)
    handOn(worker, output)
    return new Promise((resolve, reject) => {
      const tooLong = setTimeout(() => worker.process.kill('SIGKILL'), START_MS)
      function ended(why: string): void {
        clearTimeout(tooLong)
        crew.delete(worker)
        listening.delete(worker)
        counted.ended(worker.id)
        reject(new SessionError('config_invalid', `A worker did not start: ${why}.`))
      }
      worker.once('exit', (code, signal) => ended(`it ended with ${signal ?? `code ${code}`}`))
      worker.on('error', (error) => {
        // Without a process there is none that could exit.
        if (worker.process.pid === undefined) ended(error.message)
      })
      worker.on('message', (word: FromWorker) => {
        if (word.say === 'answer') waiting.get(word.question)?.(word.answer)
        if (word.say !== 'listening') return
        clearTimeout(tooLong)
        listening.add(worker)
        // Before it listened it did not hear.
        if (closing !== undefined) tell(worker, { ask: 'stop' })
        resolve(worker)
      })
    })
  }

  /** Starts another when this one ends. */
  function keep(worker: Worker): void {
    const startedAt = performance.now()
    worker.once('exit', (code, signal) => {
      if (closing !== undefined) return
      log.error({ pid: worker.process.pid, code, signal }, 'a worker ended: another is started')
      if (performance.now() - startedAt > RAN_MS) pauseMs = FIRST_PAUSE_MS
      void startAgain()
    })
  }

  async function startAgain(): Promise<void> {
    const wait = pauseMs
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    await pause(wait)
    if (closing !== undefined) return
    try {
      keep(await start())
    } catch (err) {
      if (closing !== undefined) return
      log.error({ err }, 'a worker did not start: another is tried')
      void startAgain()
    }
  }

  /** Undefined: it does not answer in time. */
  function ask<What extends keyof Answers>(
    worker: Worker,
    what: What,
  ): Promise<Answers[What] | undefined> {
    const question = ++questions
    return new Promise((resolve) => {
      function done(answer?: unknown): void {
        clearTimeout(late)
        waiting.delete(question)
        resolve(answer as Answers[What] | undefined)
      }
      const late = setTimeout(done, ANSWER_MS)
      waiting.set(question, done)
      tell(worker, { ask: what, question })
    })
  }

  async function ready(): Promise<string | undefined> {
    if (closing !== undefined) return 'it is stopping'
    if (listening.size < count) return `${listening.size} of ${count} workers run`
    const answers = await Promise.all([...listening].map((worker) => ask(worker, 'ready')))
    if (answers.includes(undefined)) return 'a worker does not answer'
    warnings = answers[0]?.warnings ?? []
    return answers.find((answer) => answer?.why !== undefined)?.why
  }

  async function text(): Promise<string> {
    await Promise.all(
      [...listening].map(async (worker) => {
        counted.note(worker.id, await ask(worker, 'metrics'))
      }),
    )
    return counted.text()
  }

  async function stopAll(withinMs: number): Promise<void> {
    await Promise.all(
      [...crew].map(async (worker) => {
        const ended = new Promise((resolve) => worker.once('exit', resolve))
        const timer = setTimeout(() => worker.process.kill('SIGKILL'), withinMs)
        tell(worker, { ask: 'stop' })
        await ended
        clearTimeout(timer)
      }),
    )
  }

  // The first one alone: it makes what the others then find, and says what is wrong.
  const first = await start()
  keep(first)
  const answer = managementAnswer({
    metrics: { text, contentType: counted.contentType },
    ready,
    warnings: () => warnings,
  })
  const management = await listen(answer, {
    where: config.managementListen,
    requestTimeoutMs: config.requestTimeout,
    proxied: proxiedAs(config, log),
  }).catch(async (cause: unknown) => {
    closing = stopAll(0)
    await closing
    throw cannotListen('managementListen', config, cause)
  })
  // Each is kept from when it listens, however long the others take.
  await Promise.all(
    Array.from({ length: count - 1 }, () => start().then(keep, () => void startAgain())),
  )
  log.info({ workers: count, management: management.url }, 'workers run')

  async function closeAll(): Promise<void> {
    await stopAll(config.drain + config.stopTimeout + KILL_AFTER_MS)
    await management.close(MANAGEMENT_CLOSE_MS)
  }

  return {
    close() {
      closing ??= closeAll()
      return closing
    },
  }
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
      process.on('message', async (word: ToWorker) => {
        if (word.ask === 'stop') return
        const answer =
          word.ask === 'ready'
            ? { why: await ready(), warnings: warnings() }
            : await metrics.registry.getMetricsAsJSON()
        say({ say: 'answer', question: word.question, answer })
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
