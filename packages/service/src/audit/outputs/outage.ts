import type { OutputDependencies } from './output.ts'

/** Counts what an output loses, and tells of it once an outage. */
export interface Outage {
  /** Nothing is lost yet, but nothing gets through either. */
  failed(problem: string): void
  dropped(count: number, problem: string): void
  /** Something got through. */
  worked(): void
  droppedSoFar(): number
  failing(): string | null
}

/** An outage that begins within so long of one that was told is told when it has lasted so long. */
const QUIET_MS = 60_000

export function outageOf(name: string, { now, onProblem }: OutputDependencies): Outage {
  let failing: string | null = null
  let all = 0
  let untold = 0
  let told = false
  let toldAt = Number.NEGATIVE_INFINITY

  function failed(problem: string): void {
    if (!told && Math.abs(now() - toldAt) >= QUIET_MS) {
      told = true
      toldAt = now()
      onProblem(`audit output ${name} fails: ${problem}`)
    }
    failing = problem
  }

  return {
    failed,
    dropped(count, problem) {
      all += count
      untold += count
      failed(problem)
    },
    worked() {
      if (failing === null) return
      failing = null
      if (!told) return
      onProblem(`audit output ${name} works again; entries that were dropped: ${untold}`)
      told = false
      untold = 0
    },
    droppedSoFar: () => all,
    failing: () => failing,
  }
}
