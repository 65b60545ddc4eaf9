/**
 * One thing to measure. `run` does it once, and throws or rejects when the answer is wrong.
 */
export interface Row {
  readonly name: string
  readonly run: () => unknown
  /** Before each round, and not measured. */
  readonly before?: () => Promise<unknown>
}

export interface Round {
  readonly runs: number
  /** CPU of this process, all threads. */
  readonly micros: number
}

const IN_FLIGHT = 64

/** How long a round is: a time, or a number of runs. */
export type Length = { readonly ms: number } | { readonly runs: number }

/** Measures CPU time, because the machine may be busy. 64 runs are in flight, as under load. */
export async function round(run: () => unknown, length: Length): Promise<Round> {
  const before = process.cpuUsage()
  const started = performance.now()
  const goesOn = (): boolean =>
    'ms' in length ? performance.now() - started < length.ms : runs < length.runs
  let runs = 0
  while (goesOn()) {
    const flight: unknown[] = []
    for (let i = 0; i < IN_FLIGHT; i++) flight.push(run())
    await Promise.all(flight)
    runs += IN_FLIGHT
  }
  const { user, system } = process.cpuUsage(before)
  return { runs, micros: user + system }
}

/**
 * Warms up until the code is compiled, which depends on the number of runs rather than on time. It
 * ends after a bounded time all the same.
 */
export async function warmUp(
  some: () => Promise<number>,
  { mostMs, least = WARM_UP_RUNS }: { readonly mostMs: number; readonly least?: number },
): Promise<void> {
  const started = performance.now()
  let runs = 0
  while (runs < least && performance.now() - started < mostMs) runs += await some()
}

/** So many runs, at least, before anything is measured. */
export const WARM_UP_RUNS = 10_000

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Of values in ascending order. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
}

/** Does all of `work`, a few at a time. */
export async function inTurns<T>(
  count: number,
  work: (turn: number) => Promise<T>,
): Promise<readonly T[]> {
  const done: T[] = []
  for (let at = 0; at < count; at += IN_FLIGHT) {
    const some = Array.from({ length: Math.min(IN_FLIGHT, count - at) }, (_, i) => work(at + i))
    done.push(...(await Promise.all(some)))
  }
  return done
}
