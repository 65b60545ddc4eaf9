import { isMet } from '../goals.ts'
import { figure } from '../table.ts'
import { MIXTURE } from './attackers.ts'
import type { Judgement } from './comparisons.ts'
import { RATES } from './rates.ts'
import type { Sensitivity } from './sensitivity.ts'
import type { Measured, Results } from './study.ts'
import type { Summary } from './summary.ts'
import { COLUMNS, cell, nameOf, percent, rate } from './tables.ts'

export function mixture(): string {
  return Object.entries(MIXTURE)
    .map(([level, share]) => `${level} ${share}`)
    .join(', ')
}

export function attackTable(rows: readonly Measured[]): string {
  return markdown(
    ['', ...COLUMNS],
    rows.map((one) => [bold(one), ...COLUMNS.map((level) => cell(one.nominal.levels[level]))]),
  )
}

/** What a thief got done before somebody noticed. */
export function exposureTable({ nominal, stress }: Pick<Measured, 'nominal' | 'stress'>): string {
  const rows = COLUMNS.flatMap((name) => {
    const level = nominal.levels[name]
    if (level === undefined) return []
    const { served, exposedMinutes, clean } = level
    const worse = stress.levels[name]?.clean.share
    return [
      [
        name,
        served.join(' / '),
        exposedMinutes === null ? '-' : String(Math.round(exposedMinutes)),
        `${percent(clean.share)} %`,
        worse === undefined ? '' : `${percent(worse)} %`,
      ],
    ]
  })
  const head = ['', 'requests served, median / 90th of 40', 'minutes until detected, median']
  return markdown([...head, 'nothing sensitive served', 'under stress'], rows)
}

export function falseTable(rows: readonly Measured[]): string {
  const count = (of: Summary): string =>
    `${rate(of.falseStepUps.mean)} (${rate(of.falseStepUps.low)} to ${rate(of.falseStepUps.high)})`
  return markdown(
    [
      'false step-ups a user and month (95 %)',
      'nominal',
      'stress',
      'users asked',
      'first month',
      'gate',
      'sensitive actions gated',
      'users',
    ],
    rows.map((one) => [
      bold(one),
      count(one.nominal),
      count(one.stress),
      `${percent(one.nominal.usersHit.share)} %`,
      rate(one.nominal.firstMonth.mean),
      rate(one.nominal.gated.mean),
      `${percent(one.nominal.gatedShare)} %`,
      String(one.nominal.users),
    ]),
  )
}

export function cohortTable({ nominal, stress }: Pick<Measured, 'nominal' | 'stress'>): string {
  const rows = Object.entries(nominal.cohorts).map(([name, { first, second }]) => {
    const worse = stress.cohorts[name as keyof typeof stress.cohorts]?.second
    const counts = [second, worse].flatMap((mean) => [
      String(mean?.users ?? 0),
      rate(mean?.mean ?? Number.NaN),
    ])
    return [name, ...counts, rate(first.mean)]
  })
  const all = [nominal, stress].flatMap(({ users, falseStepUps: { mean, low, high } }) => [
    String(users),
    `${rate(mean)} (${rate(low)} to ${rate(high)})`,
  ])
  return markdown(
    ['cohort', 'users', 'nominal', 'users', 'stress', 'first month'],
    [...rows, ['**everybody**', ...all, rate(nominal.firstMonth.mean)]],
  )
}

export function goalTable(goals: readonly Judgement[]): string {
  return markdown(
    ['', 'what', 'must', 'measured', '', 'moonshot'],
    goals.map((goal) => {
      const { code, what, least, most, measured, unit = '', moonshot } = goal
      const must = least === undefined ? `≤ ${most}${unit}` : `≥ ${least}${unit}`
      return [
        code,
        what,
        must,
        `${Number.isNaN(measured) ? '-' : shown(measured)}${unit}`,
        isMet(goal) ? 'yes' : '**no**',
        moonshot,
      ]
    }),
  )
}

function shown(value: number): string {
  return value > 99 && value < 100 ? value.toFixed(1) : figure(value)
}

export function calibrationTable({ calibration }: Results): string {
  return markdown(
    ['score', 'changes by owners', 'by thieves', 'says, dB', 'was so, dB (95 %)'],
    calibration.map((bin) => [
      `${bin.from} to ${bin.from + 5}`,
      String(bin.owners),
      String(bin.thieves),
      bin.stated.toFixed(1),
      wasSo(bin),
    ]),
  )
}

function wasSo({ observed, low, high }: Results['calibration'][number]): string {
  const [from, to] = [low?.toFixed(1), high?.toFixed(1)]
  if (observed !== null) return `${observed.toFixed(1)} (${from} to ${to})`
  return from === undefined ? `at most ${to}` : `at least ${from}`
}

export function sensitivityTable(sensitivity: readonly Sensitivity[] | undefined): string {
  if (sensitivity === undefined) return 'Not measured yet: `npm run bench -- hijack-sensitivity`.'
  const [base] = sensitivity.filter(({ rate }) => rate === null)
  const moved = sensitivity.filter(({ rate }) => rate !== null)
  const spread = (name: string): number => {
    const means = moved.filter((each) => each.rate === name).map((each) => each.falseStepUps)
    return Math.max(...means) - Math.min(...means)
  }
  const names = [...new Set(moved.map(({ rate }) => rate ?? ''))].sort(
    (a, b) => spread(b) - spread(a),
  )
  const at = (name: string, times: number): string =>
    rate(
      moved.find((each) => each.rate === name && each.times === times)?.falseStepUps ?? Number.NaN,
    )
  return `Every assumed rate halved and doubled, one at a time, for ${base?.users} people
(\`npm run bench -- hijack-sensitivity\`); false step-ups a user and month,
${rate(base?.falseStepUps ?? Number.NaN)} as it is. The three that move it most:
${names.slice(0, 3).join(', ')}.

${markdown(
  ['rate', 'halved', 'doubled'],
  names.map((name) => [name, at(name, 0.5), at(name, 2)]),
)}`
}

export function rateTable(): string {
  return markdown(
    ['rate', 'nominal', 'stress', '', 'what'],
    Object.entries(RATES)
      .filter(([, each]) => each.nominal > 0)
      .map(([name, { nominal, stress, basis, says }]) => [
        name,
        String(nominal),
        String(stress),
        basis,
        says,
      ]),
  )
}

export function unseenText({ unseen }: Results): string {
  return ['A0', 'A1', 'A2', 'A3a', 'A3b', 'A3c', 'A4']
    .map((level) => percent(unseen.levels[level]?.detected.share ?? 0))
    .join(', ')
}

function bold(one: Measured): string {
  const name = nameOf(one).replaceAll('|', '\\|')
  return one.spec.engine.startsWith('Holdfast') ? `**${name}**` : name
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
