import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Job, Row } from './job.ts'
import { type Days, type DaysJob, PAGES } from './line/days.ts'
import { type Ride, ridesJobs } from './line/rides.ts'
import type { Task } from './task.ts'

/**
 * Workers that share out jobs; the rows come back in the order of the people, whoever was faster.
 */
export interface Crew {
  run(job: Job): Promise<readonly Row[]>
  /** Eight-hour days of one browser, so many a page. */
  days(seed: string, each: number): Promise<readonly Days[]>
  /** The longest rides of a second holder, by line and owner. */
  rides(seed: string): Promise<readonly Ride[]>
  close(): Promise<void>
}

const PEOPLE_A_PART = 10
const DAYS_A_PART = 5

interface Waiting {
  readonly task: Task
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export function crew(size = Math.min(8, availableParallelism())): Crew {
  const queue: Waiting[] = []
  const workers = Array.from(
    { length: size },
    () => new Worker(new URL('worker.js', import.meta.url)),
  )
  const idle = [...workers]

  function next(): void {
    const worker = idle[0]
    const waiting = queue[0]
    if (worker === undefined || waiting === undefined) return
    idle.shift()
    queue.shift()
    const done = (settle: () => void): void => {
      worker.removeAllListeners('message').removeAllListeners('error')
      idle.push(worker)
      settle()
      next()
    }
    worker.once('message', ({ result, error }: { result?: unknown; error?: string }) =>
      done(() =>
        error === undefined ? waiting.resolve(result) : waiting.reject(new Error(error)),
      ),
    )
    worker.once('error', (error) => done(() => waiting.reject(error)))
    worker.postMessage(waiting.task)
  }

  const send = <Result>(task: Task): Promise<Result> =>
    new Promise((resolve, reject) => {
      queue.push({ task, resolve: (result) => resolve(result as Result), reject })
      next()
    })

  return {
    async run(job) {
      const parts: Promise<readonly Row[]>[] = []
      const step = Math.min(PEOPLE_A_PART, Math.ceil((job.until - job.from) / size))
      for (let from = job.from; from < job.until; from += step) {
        const part = { ...job, from, until: Math.min(job.until, from + step) }
        parts.push(send({ what: 'people', job: part }))
      }
      return (await Promise.all(parts)).flat()
    },
    days: (seed, each) =>
      Promise.all(
        PAGES.map(async (_, page) => {
          const parts: DaysJob[] = []
          for (let from = 0; from < each; from += DAYS_A_PART)
            parts.push({ page, seed, from, until: Math.min(each, from + DAYS_A_PART) })
          const done = await Promise.all(parts.map((job) => send<Days>({ what: 'days', job })))
          return done.reduce((sum, part) => ({
            page: sum.page,
            days: sum.days + part.days,
            forks: sum.forks + part.forks,
            requests: sum.requests + part.requests,
          }))
        }),
      ),
    rides: (seed) => Promise.all(ridesJobs(seed).map((job) => send<Ride>({ what: 'rides', job }))),
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}
