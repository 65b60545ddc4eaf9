import { figure, table } from './table.ts'

/** A goal and what this run measured; NaN where it could not be measured. */
export interface Goal {
  readonly code: string
  readonly what: string
  readonly least?: number
  readonly most?: number
  readonly measured: number
  readonly unit?: string
}

export function goalsTable(goals: readonly Goal[]): string {
  return table(
    ['goal', 'promised', 'measured', 'ok'],
    goals.map((goal) => {
      const { code, what, least, most, measured, unit = '' } = goal
      const promised = least === undefined ? `<= ${most}${unit}` : `>= ${least}${unit}`
      const name = `${code}  ${what}`
      if (Number.isNaN(measured)) return [name, promised, 'not measured', '']
      const shown = isClose(goal) ? measured.toFixed(3) : figure(measured)
      return [name, promised, `${shown}${unit}`, isMet(goal) ? 'yes' : 'NO']
    }),
  )
}

export function isMet({ least, most, measured }: Goal): boolean {
  return measured >= (least ?? -Infinity) && measured <= (most ?? Infinity)
}

/** A value near its bound is shown with one more digit. */
function isClose({ least, most, measured }: Goal): boolean {
  return Math.abs(measured / (least ?? most ?? Number.NaN) - 1) < 0.02
}
