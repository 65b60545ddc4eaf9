import { LEVELS, type Level } from './attackers.ts'
import { type Calibration, calibrated } from './calibration.ts'
import type { Crew } from './crew.ts'
import type { Spec } from './engines/catalogue.ts'
import type { Row } from './job.ts'
import type { WorldName } from './rates.ts'
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
}

const OURS = 'Holdfast'
const PASSIVE = 'Holdfast, evidence alone'
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

  say('Holdfast as shipped, nominal and under stress')
  const [nominal, stress] = await Promise.all([
    rowsOf('nominal', { engine: OURS }, size.ours, { levels: LEVELS, quietToo: true }),
    rowsOf('stress', { engine: OURS }, size.ours),
  ])
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
    userMonths: everybody.reduce((total, { userMonths }) => total + userMonths, 0),
    ended: everybody.reduce((total, { ended }) => total + ended, 0),
  }
}
