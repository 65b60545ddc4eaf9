import { parentPort } from 'node:worker_threads'
import { type Job, run } from './job.ts'

parentPort?.on('message', (job: Job) => {
  run(job).then(
    (rows) => parentPort?.postMessage({ rows }),
    (error: unknown) =>
      parentPort?.postMessage({
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  )
})
