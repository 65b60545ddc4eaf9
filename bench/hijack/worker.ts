import { parentPort } from 'node:worker_threads'
import { run } from './job.ts'
import { days } from './line/days.ts'
import { rides } from './line/rides.ts'
import type { Task } from './task.ts'

parentPort?.on('message', (task: Task) => {
  done(task).then(
    (result) => parentPort?.postMessage({ result }),
    (error: unknown) =>
      parentPort?.postMessage({
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  )
})

function done(task: Task): Promise<unknown> {
  switch (task.what) {
    case 'people':
      return run(task.job)
    case 'days':
      return days(task.job)
    case 'rides':
      return rides(task.job)
  }
}
