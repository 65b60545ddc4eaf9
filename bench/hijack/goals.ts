import { CLONES, comparisons, type Judgement, SCRIPTS } from './comparisons.ts'
import { holders } from './goals-holders.ts'
import { COHORT, endings, engine, value, worst, worstCohort } from './measures.ts'
import type { Multitude } from './multitude.ts'
import type { Measured, Results } from './study.ts'
import type { Summary } from './summary.ts'

const WORLDS = ['nominal', 'stress'] as const
type World = (typeof WORLDS)[number]

const NEAR_CLONES = ['A3a', 'A3b', 'A3c'] as const

/** The "must" column, goal by goal, in both worlds. */
export function judge(results: Results, multitude?: Multitude): readonly Judgement[] {
  const ours = engine(results, 'Holdfast')
  const passive = engine(results, 'Holdfast, evidence alone')
  const ungated = results.rotation.find(
    ({ spec }) => spec.engine === 'rotation every 5 minutes alone',
  )
  const goals: Judgement[] = []
  const bounded =
    (side: 'least' | 'most', unit?: string) =>
    (
      code: string,
      what: string,
      bounds: Readonly<Record<World, number>>,
      moonshot: string,
      of: (summary: Summary) => number,
      from: Pick<Measured, World> | undefined = ours,
    ): void => {
      for (const world of WORLDS) {
        const measured = value(from?.[world], of)
        const goal = { code, what: `${what}, ${world}`, [side]: bounds[world], measured, moonshot }
        goals.push(unit === undefined ? goal : { ...goal, unit })
      }
    }
  const least = bounded('least', ' %')
  const most = bounded('most')

  least(
    'D1',
    'A0, A1 detected',
    { nominal: 99.5, stress: 98.5 },
    '99.9 / 99.5',
    worst(SCRIPTS, ({ detected }) => detected.share),
  )
  least(
    'D1',
    'A0, A1 stopped at request 1',
    { nominal: 97, stress: 95 },
    '99 / 98',
    worst(SCRIPTS, ({ atFirst }) => atFirst.share),
  )
  least(
    'D2',
    'A2 detected',
    { nominal: 97, stress: 92 },
    '99.5 / 99',
    worst(['A2'], ({ detected }) => detected.share),
  )
  least(
    'D2',
    'A2 stopped at request 1',
    { nominal: 90, stress: 78 },
    '97 / 90',
    worst(['A2'], ({ atFirst }) => atFirst.share),
  )
  least(
    'D3',
    'A2 with nothing sensitive served, without the gate',
    { nominal: 95, stress: 82 },
    '',
    worst(['A2'], ({ clean }) => clean.share),
    ungated,
  )
  least(
    'D3',
    'A2 with nothing sensitive served',
    { nominal: 98, stress: 98 },
    '99.5',
    worst(['A2'], ({ clean }) => clean.share),
  )
  least(
    'D4',
    'A3a to A3c, A4 detected',
    { nominal: 98, stress: 98 },
    '99.5',
    worst(CLONES, ({ detected }) => detected.share),
  )
  least(
    'D4',
    'A3L detected',
    { nominal: 93, stress: 93 },
    '99',
    worst(['A3L'], ({ detected }) => detected.share),
  )
  least(
    'D5',
    'A3a to A3c stopped at request 1',
    { nominal: 75, stress: 75 },
    '85',
    worst(NEAR_CLONES, ({ atFirst }) => atFirst.share),
  )

  most(
    'F1',
    'false step-ups a user and month, evidence alone',
    { nominal: 0.06, stress: 0.2 },
    '0.02 / 0.08',
    ({ falseStepUps }) => falseStepUps.mean,
    passive,
  )
  most(
    'F2',
    'false step-ups a user and month',
    { nominal: 0.13, stress: 0.36 },
    '0.04 / 0.12',
    ({ falseStepUps }) => falseStepUps.mean,
  )
  most(
    'F3',
    `worst cohort of ${COHORT} users or more`,
    { nominal: 0.5, stress: 0.8 },
    '0.2 / 0.35',
    worstCohort,
    multitude,
  )
  most(
    'F4',
    'first month, without a history',
    { nominal: 0.4, stress: 0.4 },
    '0.15',
    ({ firstMonth }) => firstMonth.mean,
  )
  most(
    'F4',
    'first month of VPN users',
    { nominal: 2, stress: 2 },
    '0.5',
    ({ cohorts }) => cohorts.vpn?.first.mean ?? Number.NaN,
  )
  most(
    'F5',
    'users asked in a month, %',
    { nominal: 12, stress: 26 },
    '3 / 8',
    ({ usersHit }) => 100 * usersHit.share,
  )
  const total = endings(results, multitude)
  goals.push({
    code: 'F6',
    what: `sessions ended by evidence in ${total.userMonths} user-months`,
    most: 0,
    measured: total.ended,
    moonshot: '0 in 30,000',
  })
  most(
    'F7',
    'most prompts that one thief caused the owner',
    { nominal: 1, stress: 1 },
    '1',
    ({ levels }) => Math.max(...Object.values(levels).map((level) => level?.ownerAsked ?? 0)),
  )

  return [...goals, ...holders(results, ours), ...comparisons(results)]
}
