import { table } from '../bench/table.ts'
import type { RunReport } from './run.ts'
import type { MemorySample } from './services.ts'

/** As much more than in the middle third may be in use in the last. */
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
  const { rows, faults, masters, violations, excused } = report
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
    `\n${kind}: memory of a service: ${memoryText(report)}; ${
      Number.isNaN(growth) ? 'too short to tell growth' : `last over middle: ${growth}`
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

/**
 * Lowest heap of the last third over that of the middle one: right after a collection only what is
 * in use is left. NaN where the run was too short.
 */
function growthOf({ memory }: RunReport): number {
  if (memory.length < TELLING_SAMPLES) return Number.NaN
  const third = Math.floor(memory.length / 3)
  const ratio = lowestHeap(memory.slice(-third)) / lowestHeap(memory.slice(third, -third))
  return Math.round(ratio * 100) / 100
}

function lowestHeap(memory: readonly MemorySample[]): number {
  return Math.min(...memory.map(({ heap }) => heap))
}

function memoryText({ memory }: RunReport): string {
  const third = Math.floor(memory.length / 3)
  const parts = [memory.slice(0, third), memory.slice(third, -third), memory.slice(-third)]
  const lowest = parts.map((part) => lowestHeap(part).toFixed(0)).join(', ')
  const most = Math.max(...memory.map(({ resident }) => resident)).toFixed(0)
  return `lowest heap of each third ${lowest} MB, resident at most ${most} MB`
}

const whole = (count: number): string => count.toLocaleString('en')
