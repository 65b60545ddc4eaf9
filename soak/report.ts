import { table } from '../bench/table.ts'
import type { RunReport } from './run.ts'

/** As much more than in the middle third may the memory of a service be in the last. */
const GROWTH = 1.25
/** Shorter runs say nothing about growth: the memories of the service fill up meanwhile. */
const TELLING_SAMPLES = 90
const MOST_SHOWN = 40

/** Nothing was untrue, and memory does not grow. */
export function holds(report: RunReport): boolean {
  return report.violations.length === 0 && !(growthOf(report) > GROWTH)
}

export function faultsStruck(reports: readonly RunReport[]): number {
  return reports.flatMap(({ faults }) => faults).reduce((sum, { times }) => sum + times, 0)
}

/** The report as people read it. */
export function reportText(kind: string, report: RunReport): string {
  const { rows, faults, masters, violations, excused, memory } = report
  const growth = growthOf(report)
  const parts = [
    `\n${kind}: what was asked; "away" are answers that the store or the service is away, or none`,
    table(
      ['', 'answered', 'away', 'p50 ms', 'p99 ms'],
      rows.map((row) => [row.what, whole(row.answered), whole(row.away), row.p50Ms, row.p99Ms]),
    ),
    `\n${kind}: faults; masters were replaced ${masters} times`,
    table(
      ['', 'times', 'all works after ms, p50', 'most'],
      faults.map((row) => [row.name, whole(row.times), row.backP50Ms, row.backMostMs]),
    ),
    `\n${kind}: not promised (docs/stores.md), and seen`,
    ...(excused.size === 0 ? ['  nothing'] : []),
    ...[...excused].map(([what, times]) => `  ${what}: ${times}`),
    `\n${kind}: memory of a service, MB: ${megabytes(memory)}${
      Number.isNaN(growth) ? '; too short to tell growth' : `; last third over middle: ${growth}`
    }`,
    `\n${kind}: violations`,
    ...(violations.length === 0 ? ['  none'] : []),
    ...violations
      .slice(0, MOST_SHOWN)
      .map(({ atSeconds, kind, what }) => `  ${atSeconds} s  ${kind}: ${what}`),
    ...(violations.length > MOST_SHOWN ? [`  and ${violations.length - MOST_SHOWN} more`] : []),
  ]
  return parts.join('\n')
}

/** The last third over the middle one; NaN where the run was too short. */
function growthOf({ memory }: RunReport): number {
  if (memory.length < TELLING_SAMPLES) return Number.NaN
  const third = Math.floor(memory.length / 3)
  const ratio = median(memory.slice(-third)) / median(memory.slice(third, -third))
  return Math.round(ratio * 100) / 100
}

function megabytes(memory: readonly number[]): string {
  const [first, middle, last] = [memory[0], median(memory), memory.at(-1)].map(
    (one) => one?.toFixed(0) ?? '-',
  )
  return `${first} at first, ${middle} in the middle, ${last} at last`
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const whole = (count: number): string => count.toLocaleString('en')
