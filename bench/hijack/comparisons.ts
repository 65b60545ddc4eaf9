import type { PromisedGoal } from '../goals.ts'
import {
  contradiction,
  engine,
  first,
  miscalibration,
  STRANGERS,
  undominated,
  value,
  worst,
} from './measures.ts'
import type { Results } from './study.ts'
import type { Summary } from './summary.ts'

/** A goal of the project, the figures it is judged by, and the bar beyond it. */
export interface Judgement extends PromisedGoal {
  readonly moonshot: string
}

export const SCRIPTS = ['A0', 'A1'] as const
export const CLONES = ['A3a', 'A3b', 'A3c', 'A4'] as const

/**
 * Goals about one thing beside another: rules, what scores say, people nothing was tuned with, no
 * data.
 */
export function comparisons(results: Results): readonly Judgement[] {
  const ours = engine(results, 'Holdfast')
  const passive = engine(results, 'Holdfast, evidence alone')
  const counted = engine(results, 'a point a difference, tuned')
  const byHand = engine(results, 'points by hand, tuned')
  const strict = engine(results, 'storedIP !== currentIP')
  const goals: Judgement[] = []
  const ratio = (of: Summary | undefined, than: Summary | undefined): number =>
    value(of, first) / value(than, first)
  goals.push({
    code: 'R1',
    what: 'A2 at request 1 for the same false step-ups: evidence alone over counted points',
    least: 1.5,
    measured: ratio(passive?.nominal, counted?.nominal),
    moonshot: '3',
  })
  goals.push({
    code: 'R1',
    what: 'the same over points set by hand',
    least: 1.5,
    measured: ratio(passive?.nominal, byHand?.nominal),
    moonshot: '3',
  })
  goals.push({
    code: 'R2',
    what: 'false step-ups: strict address over ours',
    least: 1000,
    moonshot: '4,000',
    measured:
      (strict?.nominal.falseStepUps.mean ?? Number.NaN) /
      Math.max(0.001, passive?.nominal.falseStepUps.mean ?? Number.NaN),
  })
  goals.push({
    code: 'R3',
    what: 'points of Freeman that ours does not dominate, A0 to A2',
    most: 0,
    measured: undominated(results),
    moonshot: '0',
  })
  goals.push({
    code: 'C1',
    what: 'calibration: worst factor of a bin with 50 changes by owners and 50 by thieves',
    most: 3,
    measured: miscalibration(results),
    moonshot: '1.5',
  })
  goals.push({
    code: 'C1',
    what: 'the same of a bin with 50 in all, to the nearer 95 % bound of what was so',
    most: 3,
    measured: contradiction(results),
    moonshot: '1.5',
  })
  goals.push({
    code: 'C2',
    what: `decisions of ${results.sums.decisions} whose reasons do not sum to the score`,
    most: 0,
    measured: results.sums.wrong,
    moonshot: '0',
  })
  goals.push({
    code: 'H1',
    what: 'unseen events: detection lost, points of A0 to A4',
    most: 8,
    moonshot: '3',
    measured:
      100 *
      Math.max(
        ...[...STRANGERS, ...CLONES].map(
          (level) =>
            (ours?.nominal.levels[level]?.detected.share ?? Number.NaN) -
            (results.unseen.levels[level]?.detected.share ?? Number.NaN),
        ),
      ),
  })
  goals.push({
    code: 'H1',
    what: 'unseen events: false step-ups, times',
    most: 3,
    measured:
      results.unseen.falseStepUps.mean /
      Math.max(0.005, ours?.nominal.falseStepUps.mean ?? Number.NaN),
    moonshot: '1.5',
  })
  goals.push({
    code: 'H2',
    what: 'no network data: A0, A1 detected',
    least: 95,
    unit: ' %',
    measured: worst(SCRIPTS, ({ detected }) => detected.share)(results.blind.without),
    moonshot: '99',
  })
  goals.push({
    code: 'H2',
    what: 'no network data: false step-ups over those with it, times',
    most: 1.2,
    moonshot: '1',
    measured:
      results.blind.without.falseStepUps.mean /
      Math.max(0.005, results.blind.with.falseStepUps.mean),
  })
  return goals
}
