import { LEVELS, type Level } from './attackers.ts'
import { type Calibration, calibrated } from './calibration.ts'
import type { Crew } from './crew.ts'
import type { Spec } from './engines/catalogue.ts'
import type { Row } from './job.ts'
import type { Days } from './line/days.ts'
import type { Ride } from './line/rides.ts'
import type { WorldName } from './rates.ts'
import { rehearsed } from './starred/rehearsal.ts'
import type { StarredSummary } from './starred/summary.ts'
import type { Tactic } from './starred/tactics.ts'
import { type Summary, summary } from './summary.ts'
import type { Training } from './training.ts'

/** Everything that one run found; what the page is written from. */
export interface Results {
  readonly seed: string
  /** False step-ups a user and month that the tuned rules may cost. */
  readonly budget: number
  readonly engines: readonly Measured[]
  /** Ours, with less of the rotation. */
  readonly rotation: readonly Measured[]
  /** Detection over disturbance at several thresholds, nominal. */
  readonly curves: readonly { readonly spec: Spec; readonly summary: Summary }[]
  readonly unseen: Summary
  /** Without any geo and ASN data, beside the same people with it. */
  readonly blind: { readonly without: Summary; readonly with: Summary }
  readonly calibration: readonly Calibration[]
  /** Decisions that were looked at, and those whose reasons did not sum to their score. */
  readonly sums: { readonly decisions: number; readonly wrong: number }
  readonly userMonths: number
  readonly ended: number
  readonly thieves: Thieves
}

/** Thieves who know the code: their best schedules, and what a fresh factor takes from them. */
export interface Thieves {
  readonly tactics: readonly Tactic[]
  /** Where each sensitive action asks for a factor, and where one of five minutes does. */
  readonly each: Readonly<Record<'nominal' | 'stress', readonly StarredSummary[]>>
  readonly minutes: readonly StarredSummary[]
  /** Two holders of one line. */
  readonly rides: readonly Ride[]
  /** One holder of one line. */
  readonly days: readonly Days[]
}

export interface Measured {
  readonly spec: Spec
  readonly nominal: Summary
  readonly stress: Summary
}

/** How many people each part takes. */
export interface Size {
  readonly ours: number
  readonly alone: number
  /**
   * By the evidence alone without a thief, nominal; and how many thieves a level are judged by
   * their first request.
   */
  readonly calm: number
  readonly tries: number
  readonly rules: number
  readonly variants: number
  readonly curve: number
  readonly unseen: number
  /** With a fresh factor on sensitive routes. */
  readonly fresh: number
  /** Eight-hour days of one browser, a page. */
  readonly days: number
  /** On whom thieves try their schedules. */
  readonly rehearsal: number
}

export const FULL: Size = {
  ours: 180,
  alone: 120,
  calm: 350,
  tries: 8,
  rules: 120,
  variants: 36,
  curve: 48,
  unseen: 50,
  fresh: 60,
  days: 100,
  rehearsal: 8,
}

/** A quick look: as many people for each part as that, and none of it is written down. */
export function smaller(people: number): Size {
  const sizes = Object.entries(FULL).map(([part, size]) => [
    part,
    part === 'tries' ? size : Math.min(size, people),
  ])
  return Object.fromEntries(sizes) as Size
}

const OURS = 'Holdfast'
const PASSIVE = 'Holdfast, evidence alone'
const EACH = 'Holdfast, a factor for each sensitive action'
const MINUTES = 'Holdfast, a factor of five minutes on sensitive routes'
const ROTATION = 'Holdfast, rotation alone'
const PLACES_ALONE = 'Holdfast, evidence without behaviour'
const FIXED_RULES = [
  'nothing (bearer token)',
  'storedIP !== currentIP',
  'same /24 or /64',
  'same user agent',
  'travel, as alert rules have it',
  'travel, guarded',
]
const VARIANTS = [
  'no rotation',
  'same successor always',
  'rotation every 5 minutes alone',
  'rotation before sensitive routes alone',
]
/** What goals are about; the others are told of. */
const JUDGED = LEVELS.filter((level) => level !== 'A5' && level !== 'A6')
const QUICK: readonly Level[] = ['A0', 'A1', 'A2']
const CURVE = {
  [PASSIVE]: [8, 12, 18, 24, 30],
  'points by hand, tuned': [25, 35, 45, 55, 65],
  'a point a difference, tuned': [2, 3, 4, 5],
  'Freeman et al., tuned': [-12, -6, -3, 0, 2, 4],
}

export async function study(
  crew: Crew,
  {
    seed,
    training: { falseStepUps: budget, thresholds },
    size,
    say,
  }: {
    readonly seed: string
    readonly training: Training
    readonly size: Size
    readonly say: (what: string) => void
  },
): Promise<Results> {
  const rowsOf = (
    world: WorldName,
    spec: Spec,
    until: number,
    more: {
      readonly from?: number
      readonly levels?: readonly Level[]
      readonly judged?: number
      readonly quietToo?: boolean
      readonly blind?: boolean
      readonly tactics?: readonly Tactic[]
    } = {},
  ): Promise<readonly Row[]> =>
    crew.run({ purpose: 'reporting', seed, world, spec, from: 0, until, levels: JUDGED, ...more })
  const both = async (
    spec: Spec,
    until: number,
    levels: readonly Level[] = JUDGED,
  ): Promise<Measured> => {
    const [nominal, stress] = await Promise.all([
      rowsOf('nominal', spec, until, { levels }),
      rowsOf('stress', spec, until, { levels }),
    ])
    return { spec, nominal: summary(nominal), stress: summary(stress) }
  }

  const specs = Object.entries(thresholds).map(([engine, threshold]) => ({ engine, threshold }))
  say('the rules of the trade')
  const rules = await Promise.all(
    [...FIXED_RULES.map((engine) => ({ engine })), ...specs].map((spec) =>
      both(spec, size.rules, LEVELS),
    ),
  )

  say('thieves who know the code look for their best schedules')
  const tactics = await rehearsed(crew, { seed, engine: OURS, people: size.rehearsal })
  say('Holdfast as shipped, nominal and under stress')
  const [nominal, stress] = await Promise.all([
    rowsOf('nominal', { engine: OURS }, size.ours, { levels: LEVELS, quietToo: true, tactics }),
    rowsOf('stress', { engine: OURS }, size.ours, { tactics }),
  ])
  say('Holdfast, with a fresh factor on sensitive routes')
  const reach = { levels: [], tactics: tactics.filter(({ aim }) => aim === 'reach') }
  const [each, eachStress, minutes] = await Promise.all([
    rowsOf('nominal', { engine: EACH }, size.fresh, reach),
    rowsOf('stress', { engine: EACH }, size.fresh, reach),
    rowsOf('nominal', { engine: MINUTES }, size.fresh, reach),
  ])
  say('two holders of one line, and one holder for many days')
  const [rides, days] = await Promise.all([crew.rides(seed), crew.days(seed, size.days)])
  say('Holdfast, evidence alone')
  const [alone, unharmed, rough] = await Promise.all([
    rowsOf('nominal', { engine: PASSIVE }, size.alone, {
      levels: LEVELS,
      quietToo: true,
      judged: size.tries,
    }),
    rowsOf('nominal', { engine: PASSIVE }, size.calm, {
      from: size.alone,
      levels: [],
      judged: size.tries,
    }),
    rowsOf('stress', { engine: PASSIVE }, size.alone),
  ])
  const calm = [...alone, ...unharmed]
  say('Holdfast with parts of it, and variants of rotation')
  const placesAlone = await both({ engine: PLACES_ALONE }, size.variants)
  const rotationAlone = await both({ engine: ROTATION }, size.variants)
  const rotation = await Promise.all(VARIANTS.map((engine) => both({ engine }, size.variants)))
  say('families of events that nothing was tuned with; no network data at all')
  const unseen = await rowsOf('unseen', { engine: OURS }, size.unseen)
  const blind = await rowsOf('nominal', { engine: OURS }, size.unseen, {
    levels: QUICK,
    blind: true,
  })
  say('detection over disturbance')
  const curves = await Promise.all(
    Object.entries(CURVE).flatMap(([engine, thresholds]) =>
      thresholds.map(async (threshold) => {
        const spec = { engine, threshold }
        return {
          spec,
          summary: summary(await rowsOf('nominal', spec, size.curve, { levels: QUICK })),
        }
      }),
    ),
  )

  const judged = calm.flatMap(({ changes }) => changes)
  const wrong = judged.filter(
    ({ score, because }) => because.reduce((total, { weight }) => total + weight, 0) !== score,
  )
  const measured = [...rotation, placesAlone, rotationAlone].flatMap((one) => [
    one.nominal,
    one.stress,
  ])
  const everybody: readonly Summary[] = [
    ...[nominal, stress, calm, rough, unseen, blind].map(summary),
    ...measured,
    ...curves.filter(({ spec }) => spec.engine === PASSIVE).map((point) => point.summary),
  ]
  return {
    seed,
    budget,
    engines: [
      ...rules,
      { spec: { engine: PASSIVE }, nominal: summary(calm), stress: summary(rough) },
      placesAlone,
      rotationAlone,
      { spec: { engine: OURS }, nominal: summary(nominal), stress: summary(stress) },
    ],
    rotation,
    curves,
    unseen: summary(unseen),
    blind: { without: summary(blind), with: summary(nominal.slice(0, size.unseen)) },
    calibration: calibrated(judged),
    sums: { decisions: judged.length, wrong: wrong.length },
    thieves: {
      tactics,
      each: { nominal: summary(each).starred, stress: summary(eachStress).starred },
      minutes: summary(minutes).starred,
      rides,
      days,
    },
    userMonths: everybody.reduce((total, { userMonths }) => total + userMonths, 0),
    ended: everybody.reduce((total, { ended }) => total + ended, 0),
  }
}
