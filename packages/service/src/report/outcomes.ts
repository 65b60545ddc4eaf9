import type { Outcome } from 'holdfast'

/** From the mildest to the hardest. */
export const OUTCOMES: readonly Outcome[] = [
  'allow',
  'observe',
  'challenge',
  'limit',
  'deny',
  'revoke',
]

/** How often one outcome stands beside another: of the policy in force, of another policy. */
export interface OutcomePair {
  readonly from: Outcome
  readonly to: Outcome
  readonly count: number
}

/** Counts pairs of outcomes, and how many of them get harder or milder. */
export function outcomePairs(): {
  add(from: Outcome, to: Outcome): void
  pairs(): readonly OutcomePair[]
  stricter(): number
  milder(): number
} {
  const counts = new Map<Outcome, Map<Outcome, number>>()

  function pairs(): readonly OutcomePair[] {
    return OUTCOMES.flatMap((from) =>
      OUTCOMES.flatMap((to) => {
        const count = counts.get(from)?.get(to) ?? 0
        return count === 0 ? [] : [{ from, to, count }]
      }),
    )
  }

  function sum(wanted: (step: number) => boolean): number {
    return pairs()
      .filter(({ from, to }) => wanted(stepOf(from, to)))
      .reduce((total, { count }) => total + count, 0)
  }

  return {
    add(from, to) {
      const row = counts.get(from) ?? new Map<Outcome, number>()
      row.set(to, (row.get(to) ?? 0) + 1)
      counts.set(from, row)
    },
    pairs,
    stricter: () => sum((step) => step > 0),
    milder: () => sum((step) => step < 0),
  }
}

/** Positive where the second outcome is the harder one. */
export function stepOf(from: Outcome, to: Outcome): number {
  return OUTCOMES.indexOf(to) - OUTCOMES.indexOf(from)
}

/** The outcome of this name, if it is one. */
export function outcomeOf(name: string | null): Outcome | undefined {
  return OUTCOMES.find((outcome) => outcome === name)
}
