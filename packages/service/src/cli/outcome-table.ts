import type { Outcome } from 'holdfast'
import { table } from 'holdfast/cli'
import { OUTCOMES, type OutcomePair } from '../report/outcomes.ts'

/**
 * Pairs of outcomes as a matrix, the first down, the second across. Outcomes that never came are
 * left out.
 */
export function outcomeTable(pairs: readonly OutcomePair[], down: string, across: string): string {
  const rows = OUTCOMES.filter((outcome) => pairs.some(({ from }) => from === outcome))
  const columns = OUTCOMES.filter((outcome) => pairs.some(({ to }) => to === outcome))
  return table(
    [`${down} \\ ${across}`, ...columns],
    rows.map((from) => [from, ...columns.map((to) => countOf(pairs, from, to))]),
  )
}

function countOf(pairs: readonly OutcomePair[], from: Outcome, to: Outcome): string {
  const count = pairs.find((pair) => pair.from === from && pair.to === to)?.count ?? 0
  return count === 0 ? '.' : String(count)
}
