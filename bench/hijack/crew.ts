import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Job, Row } from './job.ts'

/**
 * Workers that share out jobs; the rows come back in the order of the people, whoever was faster.
 */
export interface Crew {
  run(job: Job): Promise<readonly Row[]>
  close(): Promise<void>
}

const PEOPLE_A_PART = 10

interface Waiting {
  readonly job: Job
  readonly resolve: (rows: readonly Row[]) => void
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
    worker.once('message', ({ rows, error }: { rows?: readonly Row[]; error?: string }) =>
      done(() => (rows === undefined ? waiting.reject(new Error(error)) : waiting.resolve(rows))),
    )
    worker.once('error', (error) => done(() => waiting.reject(error)))
    worker.postMessage(waiting.job)
  }

  return {
    async run(job) {
      const parts: Promise<readonly Row[]>[] = []
      for (let from = job.from; from < job.until; from += PEOPLE_A_PART) {
        const part = { ...job, from, until: Math.min(job.until, from + PEOPLE_A_PART) }
        parts.push(
          new Promise((resolve, reject) => {
            queue.push({ job: part, resolve, reject })
            next()
          }),
        )
      }
      return (await Promise.all(parts)).flat()
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}
