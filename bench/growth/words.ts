/** What a process of this part says. */
export type GrowthWord =
  /** Sessions, or seconds of a sweep. */
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'filled'; readonly ms: number }
  /** CPU since the process began. */
  | { readonly kind: 'ready'; readonly micros: number }
  | { readonly kind: 'took'; readonly micros: number; readonly runs: number }
  | ({ readonly kind: 'swept'; readonly count: number; readonly ms: number } & Stalls)
  | { readonly kind: 'failed'; readonly why: string }

/** How long other work waited for its turn, ms. */
export interface Stalls {
  readonly longestMs: number
  /** The same while nothing was done: the machine's own part of it. */
  readonly idleMs: number
  /** CPU of this process in the longest turn, its other threads included. */
  readonly longestCpuMs: number
}

/** What a process with a store is asked to do. */
export type GrowthOrder = 'verify' | 'list' | 'revoke'

/** Runs as a child of the bench: says why if it fails. */
export function child<T>(run: (place: T) => Promise<void>): void {
  process.on('disconnect', () => process.exit())
  run(JSON.parse(process.argv[2] ?? '{}')).catch(failed)
}

export function failed(error: unknown): void {
  say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
}

export function ready(): void {
  const { user, system } = process.cpuUsage()
  say({ kind: 'ready', micros: user + system })
}

export function say(word: GrowthWord): void {
  process.send?.(word)
}
