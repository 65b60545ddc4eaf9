import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The floor: the least hand-made code with every check. It is no part of the project: the bench
 * imports a module of its user's. This file says what the bench calls of it.
 */
export interface Floor {
  /** A floor for one kind of store, with sessions of its own in it. */
  floorParts(place: FloorPlace, kind: FloorKind): Promise<FloorParts>
  /** Rotations on Redis, with ioredis or, `tiny`, with the least client. */
  rotation(place: {
    readonly redisPort: number
    readonly n: number
    readonly tiny: boolean
  }): Promise<{
    /** Replaces the secret of a session, and rejects where that fails. */
    rotate(turn: number): Promise<void>
    close(): void
  }>
  /**
   * The headers of a request of a session. `x-forwarded-for` is an address of its network of 256,
   * all sessions being from the host {@link USUAL_HOST} of theirs.
   */
  headersOf(cookie: string, turn: number): FloorHeaders
  userOf(turn: number): string
}

/** Last number of the address of which a session of the floor is. */
export const USUAL_HOST = 57

export interface FloorPlace {
  /** Sessions to make. */
  readonly N: number
  readonly redisPort: number
  /** For files. */
  readonly tmp: string
  /** A city database in the MMDB format. */
  readonly mmdb?: string
}

/**
 * `hot-open`: opened records in the process. `hot-sealed`: sealed ones, opened at every request.
 * `fast`: the device is compared by a hash that the seal protects.
 */
export type FloorKind =
  | 'hot-open+fast'
  | 'hot-sealed+fast'
  | 'lmdb+fast'
  | 'redis+fast'
  | 'redis-tiny+fast'

export type FloorHeaders = Readonly<Record<string, string>>

export interface FloorParts {
  /** The user, or null where the request is refused. */
  verifyHeaders(headers: FloorHeaders): string | null | Promise<string | null>
  /** As `verifyHeaders`, all requests of a turn of the event loop together. */
  batched(headers: FloorHeaders): Promise<string | null>
  /** The cookie of each session. */
  readonly cookies: readonly string[]
  close(): Promise<void>
}

// Compiled to .cache/bench.
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const USUAL = join(ROOT, '..', 'shared', 'yardstick', 'yardstick.mjs')

/** The module with the floor. */
const PATH = process.env.HOLDFAST_BENCH_FLOOR ?? USUAL

const HOW =
  'there is no floor (the least hand-made code with every check). HOLDFAST_BENCH_FLOOR takes the ' +
  'path of a module that has it; bench/floor.ts says what it exports'

/** The floor, or the reason why nothing is compared with it. */
export async function importFloor(): Promise<Floor | { readonly absent: string }> {
  if (!existsSync(PATH)) return { absent: HOW }
  return (await import(pathToFileURL(PATH).href)) as Floor
}
