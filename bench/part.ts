import type { Goal } from './goals.ts'
import type { RedisServer } from './redis-server.ts'

/** What a part of the bench works with. */
export interface Bench {
  /** For files; removed at the end. */
  readonly folder: string
  /** Starts a new Redis; undefined where there is no redis-server. */
  startRedis(): Promise<RedisServer | undefined>
}

/**
 * A part measures, prints the results and returns its goals with the measured values. `failed`: a
 * row gave a wrong answer.
 */
export type Part = (bench: Bench) => Promise<{
  readonly goals: readonly Goal[]
  readonly failed?: boolean
}>
