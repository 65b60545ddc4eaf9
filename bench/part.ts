import type { Goal } from './goals.ts'
import type { RedisServer } from './redis-server.ts'

/** What a part of the bench works with. */
export interface Bench {
  /** Removed at the end. */
  readonly folder: string
  /** A fresh one; undefined where there is no redis-server. */
  startRedis(): Promise<RedisServer | undefined>
}

/**
 * A part measures, prints what it saw, and answers for the goals that it is about. `failed`: a row
 * gave a wrong answer.
 */
export type Part = (bench: Bench) => Promise<{
  readonly goals: readonly Goal[]
  readonly failed?: boolean
}>
