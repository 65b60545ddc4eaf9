import type { Goal } from './goals.ts'
import type { RedisServer } from './redis-server.ts'
import type { Cell } from './table.ts'

/** What a part of the bench works with. */
export interface Bench {
  /** For files; removed at the end. */
  readonly folder: string
  /** Starts a new Redis; undefined where there is no redis-server. */
  startRedis(): Promise<RedisServer | undefined>
  /** The part was named, and may take its time. */
  readonly byName: boolean
  /** Words that name some of a part's rows; none means all. */
  readonly only: readonly string[]
}

/** A table of results: printed, written with `--json`, and quoted by the README if marked. */
export interface Results {
  /** A sentence that names what was measured, and on which sessions. */
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Lines below the table: what was not measured, and why. */
  readonly notes?: readonly string[]
  readonly readme?: boolean
}

/**
 * A part measures and returns its tables, and its goals with the measured values. `failed`: a row
 * gave a wrong answer.
 */
export type Part = (bench: Bench) => Promise<{
  readonly goals: readonly Goal[]
  readonly tables?: readonly Results[]
  readonly failed?: boolean
}>
