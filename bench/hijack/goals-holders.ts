import type { Judgement } from './comparisons.ts'
import type { Aim, Starred } from './starred/levels.ts'
import type { StarredSummary } from './starred/summary.ts'
import type { Results } from './study.ts'
import type { Summary } from './summary.ts'

const WORLDS = ['nominal', 'stress'] as const
const TEN_SECONDS = 10_000

/** Goals about thieves who know the code, about two holders of one line, and about one alone. */
export function holders(
  { thieves }: Results,
  ours: { readonly nominal: Summary; readonly stress: Summary } | undefined,
): readonly Judgement[] {
  const goals: Judgement[] = []
  const clean = ({ clean: { share } }: StarredSummary): number => share
  for (const world of WORLDS) {
    goals.push(
      {
        code: 'D8',
        what: `A2* to A4* with nothing sensitive served, a factor asked for each, ${world}`,
        least: 99,
        unit: ' %',
        measured: least(thieves.each[world], ['A2*', 'A3*', 'A4*'], 'reach', clean),
        moonshot: '99.9',
      },
      {
        code: 'D9',
        what: `A2* to A4* found, where they and the owner go on, ${world}`,
        least: 98,
        unit: ' %',
        measured: least(
          ours?.[world].starred,
          ['A2*', 'A3*', 'A4*'],
          'stay',
          ({ found: { share } }) => share,
        ),
        moonshot: '99.5',
      },
    )
  }
  const longest = (owner: (every: number) => boolean): number =>
    Math.max(
      ...thieves.rides
        .filter((ride) => owner(ride.owner))
        .flatMap(({ longest: plain, forging }) => [plain, forging.longest]),
    ) / 60_000
  goals.push({
    code: 'D10',
    what: 'longest ride of two holders, the owner asks at least every two minutes, min',
    most: 10,
    measured: longest(() => true),
    moonshot: '',
  })
  goals.push({
    code: 'D10',
    what: 'the same, the owner asks at least every ten seconds, min',
    most: 10,
    measured: longest((every) => every <= TEN_SECONDS),
    moonshot: '7.5',
  })
  for (const world of WORLDS) {
    goals.push({
      code: 'D11',
      what: `A2o within two hours of the owner stopped at request 1, ${world}`,
      least: 99,
      unit: ' %',
      measured: 100 * (ours?.[world].levels.A2o?.atFirstSoon.share ?? Number.NaN),
      moonshot: '100',
    })
  }
  for (const world of WORLDS) {
    goals.push({
      code: 'D12',
      what: `A4r detected, ${world}`,
      least: 98,
      unit: ' %',
      measured: 100 * (ours?.[world].levels.A4r?.detected.share ?? Number.NaN),
      moonshot: '99.5',
    })
  }
  const total = thieves.days.reduce((sum, { days }) => sum + days, 0)
  goals.push({
    code: 'F8',
    what: `false forks of one browser in ${total} days of eight hours`,
    most: 0,
    measured: thieves.days.reduce((sum, { forks }) => sum + forks, 0),
    moonshot: '0 in 5,000',
  })
  goals.push({
    code: 'F9',
    what: 'false step-ups because a worker or socket asked, or a zone had its old name',
    most: 0,
    measured: (ours?.nominal.odd ?? Number.NaN) + (ours?.stress.odd ?? Number.NaN),
    moonshot: '0',
  })
  return goals
}

/** The worst of some levels, percent. */
function least(
  summaries: readonly StarredSummary[] | undefined,
  levels: readonly Starred[],
  aim: Aim,
  of: (summary: StarredSummary) => number,
): number {
  const shares = levels.map((level) => {
    const found = summaries?.find((each) => each.level === level && each.aim === aim)
    return found === undefined ? Number.NaN : of(found)
  })
  return 100 * Math.min(...shares)
}
