import type { Job } from './job.ts'
import type { DaysJob } from './line/days.ts'
import type { RidesJob } from './line/rides.ts'

/** One thing that a worker can do. */
export type Task =
  | { readonly what: 'people'; readonly job: Job }
  | { readonly what: 'days'; readonly job: DaysJob }
  | { readonly what: 'rides'; readonly job: RidesJob }
