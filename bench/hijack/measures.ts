import { ENOUGH } from './calibration.ts'
import type { Measured, Results } from './study.ts'
import type { LevelSummary, Summary } from './summary.ts'

export const STRANGERS = ['A0', 'A1', 'A2'] as const

export function engine({ engines }: Results, name: string): Measured | undefined {
  return engines.find(({ spec }) => spec.engine === name)
}

export function value(summary: Summary | undefined, of: (summary: Summary) => number): number {
  return summary === undefined ? Number.NaN : of(summary)
}

export function worst(
  levels: readonly string[],
  of: (level: LevelSummary) => number,
): (summary: Summary) => number {
  return (summary) =>
    100 *
    Math.min(
      ...levels.map((name) => {
        const level = summary.levels[name]
        return level === undefined ? Number.NaN : of(level)
      }),
    )
}

export function first({ levels }: Summary): number {
  return levels.A2?.atFirst.share ?? Number.NaN
}

const COHORT = 30

export function worstCohort({ cohorts }: Summary): number {
  return Math.max(
    ...Object.values(cohorts).flatMap(({ second }) => (second.users >= COHORT ? second.mean : [])),
  )
}

/** A point is dominated where ours disturbs no more and stops at least as many at the first request, of every kind. */
export function undominated({ curves }: Results): number {
  const own = curves.filter(({ spec }) => spec.engine.startsWith('Holdfast'))
  const theirs = curves.filter(
    ({ spec, summary }) => !spec.engine.startsWith('Holdfast') && summary.falseStepUps.mean <= 2,
  )
  return theirs.filter(
    (point) =>
      !own.some(
        ({ summary }) =>
          summary.falseStepUps.mean <= Math.max(0.02, point.summary.falseStepUps.mean) &&
          STRANGERS.every(
            (level) =>
              (summary.levels[level]?.atFirst.share ?? 0) >=
              (point.summary.levels[level]?.atFirst.share ?? 1),
          ),
      ),
  ).length
}

/** The worst bin that has enough changes, by owners and thieves together, or of each. */
export function miscalibration({ calibration }: Results, of: 'all' | 'each'): number {
  const judged = calibration.filter(
    ({ owners, thieves }) =>
      (of === 'all' ? owners + thieves : Math.min(owners, thieves)) >= ENOUGH,
  )
  return Math.max(...judged.map(({ stated, observed }) => 10 ** (Math.abs(observed - stated) / 10)))
}
