import { figure, table } from './table.ts'

/** What a goal is about, and what this run measured: NaN where it could not be measured. */
interface Measurement {
  readonly code: string
  readonly what: string
  readonly measured: number
  readonly unit?: string
  /** Why it could not be measured. */
  readonly why?: string
}

/**
 * A goal that is judged: the bench fails where `must` does not hold or was not measured. `moonshot`
 * is further on in the same direction: below `must` where less is better.
 */
export interface JudgedGoal extends Measurement {
  readonly must: number
  readonly moonshot: number
}

/** A bound that is printed and fails nothing here. */
export interface PromisedGoal extends Measurement {
  readonly least?: number
  readonly most?: number
}

export type Goal = JudgedGoal | PromisedGoal

export function isJudged(goal: Goal): goal is JudgedGoal {
  return 'must' in goal
}

export function isMet(goal: Goal): boolean {
  const { least = -Infinity, most = Infinity } = boundsOf(goal)
  return goal.measured >= least && goal.measured <= most
}

/** The goals that are judged: whether each holds, and how far its moonshot is. */
export function judgedTable(goals: readonly JudgedGoal[]): string {
  return table(
    ['goal', 'must', 'measured', 'holds', 'moonshot', 'distance'],
    goals.map((goal) => [
      nameOf(goal),
      promised(goal),
      shown(goal),
      isMet(goal) ? 'yes' : 'NO',
      `${goal.moonshot}${goal.unit ?? ''}`,
      distance(goal),
    ]),
  )
}

export function promisedTable(goals: readonly PromisedGoal[]): string {
  return table(
    ['goal', 'promised', 'measured', 'ok'],
    goals.map((goal) => [
      nameOf(goal),
      promised(goal),
      shown(goal),
      Number.isNaN(goal.measured) ? '' : isMet(goal) ? 'yes' : 'NO',
    ]),
  )
}

/** Each goal that fails the run, with the reason. */
export function unmetReasons(goals: readonly JudgedGoal[]): readonly string[] {
  return goals
    .filter((goal) => !isMet(goal))
    .map((goal) => {
      const { measured, unit = '', why } = goal
      const reason = Number.isNaN(measured)
        ? `could not be shown${why === undefined ? '' : `: ${why}`}`
        : `is ${figure(measured)}${unit}, and must be ${promised(goal)}`
      return `${nameOf(goal)}: ${reason}`
    })
}

function boundsOf(goal: Goal): { readonly least?: number; readonly most?: number } {
  if (!isJudged(goal)) return goal
  return goal.moonshot < goal.must ? { most: goal.must } : { least: goal.must }
}

function nameOf({ code, what }: Goal): string {
  return `${code}  ${what}`
}

function promised(goal: Goal): string {
  const { least, most } = boundsOf(goal)
  return `${least === undefined ? `<= ${most}` : `>= ${least}`}${goal.unit ?? ''}`
}

function shown(goal: Goal): string {
  const { measured, unit = '' } = goal
  if (Number.isNaN(measured)) return 'not measured'
  return `${isClose(goal) ? measured.toFixed(3) : figure(measured)}${unit}`
}

/** A factor, or a difference where the moonshot is zero. */
function distance({ measured, must, moonshot, unit = '' }: JudgedGoal): string {
  if (Number.isNaN(measured)) return ''
  const lessIsBetter = moonshot < must
  if (lessIsBetter ? measured <= moonshot : measured >= moonshot) return 'reached'
  if (moonshot === 0) return `${figure(measured)}${unit} away`
  return `${figure(lessIsBetter ? measured / moonshot : moonshot / measured)}x away`
}

/** A value near its bound is shown with one more digit. */
function isClose(goal: Goal): boolean {
  const { least, most } = boundsOf(goal)
  return Math.abs(goal.measured / (least ?? most ?? Number.NaN) - 1) < 0.02
}
