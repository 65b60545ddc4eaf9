import { ENOUGH } from './calibration.ts'
import type { Multitude } from './multitude.ts'
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

/** Of fewer users than these a mean says little. */
export const COHORT = 200

export function worstCohort({ cohorts }: Summary): number {
  const large = Object.values(cohorts).filter(({ second }) => second.users >= COHORT)
  return large.length === 0 ? Number.NaN : Math.max(...large.map(({ second }) => second.mean))
}

/**
 * Sessions of rightful users that evidence ended, in any run, and in how much time of people who
 * are counted once.
 */
export function endings(
  { ended, userMonths }: Results,
  multitude: Multitude | undefined,
): Pick<Results, 'ended' | 'userMonths'> {
  if (multitude === undefined) return { ended, userMonths }
  const { nominal, stress } = multitude
  return {
    ended: ended + nominal.ended + stress.ended,
    userMonths: nominal.userMonths + stress.userMonths,
  }
}

/**
 * A point is dominated where ours disturbs no more and stops at least as many at the first request,
 * of every kind.
 */
export function undominated({ curves }: Results): number {
  const own = curves.filter(({ spec }) => spec.engine.startsWith('Holdfast'))
  const theirs = curves.filter(
    ({ spec, summary }) => spec.engine.startsWith('Freeman') && summary.falseStepUps.mean <= 2,
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

/** The worst bin with enough changes of each side, by what was so. */
export function miscalibration({ calibration }: Results): number {
  return worstOf(
    calibration
      .filter(({ owners, thieves }) => Math.min(owners, thieves) >= ENOUGH)
      .map(({ stated, observed }) => Math.abs((observed ?? Number.NaN) - stated)),
  )
}

/**
 * The worst of the others with enough changes in all, by how far outside the bounds of what was so
 * it is.
 */
export function contradiction({ calibration }: Results): number {
  return worstOf(
    calibration
      .filter(({ owners, thieves }) => Math.min(owners, thieves) < ENOUGH)
      .filter(({ owners, thieves }) => owners + thieves >= ENOUGH)
      .map(({ stated, low, high }) =>
        Math.max(0, (low ?? -Infinity) - stated, stated - (high ?? Infinity)),
      ),
  )
}

function worstOf(distances: readonly number[]): number {
  return 10 ** (Math.max(...distances) / 10)
}
