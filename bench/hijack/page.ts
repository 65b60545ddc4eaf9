import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isMet } from '../goals.ts'
import { figure } from '../table.ts'
import { LEVEL_TEXT, LEVELS, MIXTURE, REQUESTS } from './attackers.ts'
import { ENOUGH } from './calibration.ts'
import { POINTS } from './engines/points.ts'
import { type Judgement, judge } from './goals.ts'
import { readPools } from './pools.ts'
import { RATES } from './rates.ts'
import type { Sensitivity } from './sensitivity.ts'
import type { Measured, Results } from './study.ts'
import type { Summary } from './summary.ts'
import { COLUMNS, cell, nameOf, percent, rate } from './tables.ts'

/** What else the page tells, measured by other commands. */
interface Sources {
  readonly sensitivity: readonly Sensitivity[] | undefined
  readonly attribution: readonly string[]
}

function sourcesOf(root: URL): Sources {
  const file = new URL('docs/measured/hijack-sensitivity.json', root)
  return {
    sensitivity: existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as Sensitivity[])
      : undefined,
    attribution: readPools(new URL('bench/hijack/pools.json', root)).attribution,
  }
}

/** Writes docs/detection.md from what is measured. */
export function writePage(root: URL): void {
  const file = new URL('docs/measured/hijack.json', root)
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results
  writeFileSync(new URL('docs/detection.md', root), page(results, sourcesOf(root)))
}

function page(results: Results, { sensitivity, attribution }: Sources): string {
  const ours = results.engines.find(({ spec }) => spec.engine === 'Holdfast')
  const load = ours?.nominal.load
  return `${[
    '# How many hijacks are caught, and whom it disturbs',
    'Written by `npm run bench:hijack` from [hijack.json](measured/hijack.json); do not edit. The same seed gives the same figures.',
    '## What the figures mean',
    `No data of real logins with labelled thefts can be had, so this is a simulation: people with homes, offices, telephones, trips and
updates, on real address blocks with the places that a real geo database gives for them, and thieves of ${LEVELS.length} kinds. Holdfast runs in it as it
is shipped, with the \`balanced\` policy, through its public interface. Absolute figures hold as far as the rates [below](#what-happens-to-rightful-users)
do; most of them are assumptions, marked A. What it can do is rank checks and find what breaks.

- Two months a person: the first is history, the second is counted. In the second every kind of thief has one try a person: ${REQUESTS} requests, and two
  further days of the owner. ${load === undefined ? '' : `A person has ${load.devices.toFixed(1)} devices, ${Math.round(load.requests)} requests and ${Math.round(load.changes)} changes of address or browser a month.`}
- **False step-up**: a rightful person was asked, refused or logged out by evidence. What the gate asks, before a sensitive route from a provider that
  the person has not confirmed, is counted apart. Logins are made with a second factor and not counted.
- **Detected**: a request of the thief was refused, or the owner's next request showed two holders. **Request 1**: the thief's first one was refused.
- Rules that have a threshold are tuned to ${results.budget} false step-ups a user and month, on people that nothing is reported of.
- In the stress world nuisances come up to three times as often, and the data knows fewer networks for what they are.`,
    '## Caught',
    'Detected / stopped at request 1, percent of the attacks in the nominal world.',
    attackTable([...results.engines]),
    '![What each check costs, and what it stops](measured/hijack-engines.svg)',
    `Under stress: ${['A1', 'A2', 'A3a', 'A3c', 'A4'].map((level) => `${level} ${cell(ours?.stress.levels[level])}`).join(', ')}. Quiet thieves, who touch nothing sensitive: A3c ${cell(ours?.nominal.levels['A3c quiet'])}, A4 ${cell(ours?.nominal.levels['A4 quiet'])} with rotation; ${quietAlone(results)} by evidence alone.`,
    '## Disturbed',
    falseTable(results.engines),
    cohortTable(ours),
    '![Detection over disturbance](measured/hijack-curve.svg)',
    '## What no passive evidence can do',
    `A clone of the browser behind a proxy in the victim's own street looks like the victim: by evidence alone A3c is detected in ${percent(passive(results)?.nominal.levels.A3c?.detected.share ?? 0)} %. What catches
it is the secret that rotates: whoever comes second shows a generation that is over. A thief on the victim's own device (A5) shares its jar and leaves no
fork; fresh presence before sensitive actions and a short absolute lifetime are what helps. A phished login (A6) is the thief's from the start:
${cell(ours?.nominal.levels.A6)} here, because a second factor that was relayed confirms where it came from. Passkeys cannot be relayed.`,
    '## Rotation',
    'The same attacks with parts of the rotation taken away.',
    attackTable([...results.rotation, ...(ours === undefined ? [] : [ours])]),
    falseTable([...results.rotation, ...(ours === undefined ? [] : [ours])]),
    `"No rotation" keeps the gate. A jar that comes back with an older cookie looks like a second holder. How often that is was measured in Chromium and is
told in [decision 16](decisions/0016-a-rolled-back-jar-is-let-in-once.md): a kill loses what was set in the last 30 s, and some 5 % of the browsers that are
killed during a visit then fork. The rate used here, ${RATES.jarRollback.nominal} a visit and a fork nearly each time, stands for one visit in a hundred that ends in a kill.

![How often Chromium loses the last cookie](measured/jar-rollback.svg)`,
    '## Goals',
    goalTable(judge(results)),
    boundOf(results),
    '## Calibration',
    `Scores are decibans: 10 says that a hijack is ten times likelier than before. Bins of 6 dB at changes of context, evidence alone, thieves mixed as ${mixture()}.
With fewer than ${ENOUGH} on either side, what was so is a guess: the highest bins have hardly an owner in them, and the lowest hardly a thief. The goal counts
them all the same, and is not met by them.`,
    calibrationTable(results),
    '## What moves the figures',
    sensitivityTable(sensitivity),
    '## What happens to rightful users',
    rateTable(),
    '## Thieves',
    LEVELS.map((level) => `- **${level}**: ${LEVEL_TEXT[level]}`).join('\n'),
    `A copied user agent (A1) comes with the script's own other headers. Clones copy every header and all that the page tells. Scripts use a cookie about six
hours after the theft, clones 12 to 24, A4 two, A3L two minutes. Residential proxies change their exit about every 15 minutes ("Resident Evil", IEEE S&P 2019).
All but the quiet ones touch something sensitive with 15 % of their requests; owners with 1.2 %.`,
    '## The rules beside ours',
    `- **travel, as alert rules have it**: more than 500 km at more than 800 km/h between two requests, data centres and relays left out.
- **travel, guarded**: never within one provider or with a mobile end, radii and a generous reach counted, 99 % sure.
- **points by hand**: ${Object.entries(POINTS)
      .map(([name, points]) => `${name} ${points}`)
      .join(', ')}; half of them are left after half an hour.
- **a point a difference**: the same facts at one point each, as the adaptive risk modules of OpenAM and PingAM count unless somebody sets other values.
- **Freeman et al.**, NDSS 2016, in the das-group's form with 30 days of history. It was made for logins; here every change of address or agent is one.`,
    '## Limits',
    `The same families of events make the weights and the figures; only people, places and times differ. "Unseen" adds families that nothing was tuned with:
satellite homes, aircraft, travel SIMs, NAT64, split tunnels and an update of the geo data. There detection of A0 to A4 is ${unseenText(results)} and false step-ups are
${rate(results.unseen.falseStepUps.mean)} a user and month. Mobile ranges are wider here than they are. There is one thief a kind, and none who knows the weights.
${results.ended === 0 ? `No session was ended by evidence in ${results.userMonths} user-months: with 95 % confidence fewer than ${(3 / results.userMonths).toPrecision(1)} a month.` : `${results.ended} sessions were ended by evidence in ${results.userMonths} user-months.`}`,
    '## Sources',
    attribution.map((line) => `- ${line}`).join('\n'),
  ].join('\n\n')}\n`
}

function passive({ engines }: Results): Measured | undefined {
  return engines.find(({ spec }) => spec.engine === 'Holdfast, evidence alone')
}

function quietAlone(results: Results): string {
  const levels = passive(results)?.nominal.levels
  return `A3c ${cell(levels?.['A3c quiet'])}, A4 ${cell(levels?.['A4 quiet'])}`
}

/** A ratio of shares has a ceiling. */
function boundOf({ engines }: Results): string {
  const points = engines.find(({ spec }) => spec.engine === 'a point a difference, tuned')
  const share = points?.nominal.levels.A2?.atFirst.share ?? 0
  const byHand = engines.find(({ spec }) => spec.engine === 'points by hand, tuned')
  const hand = percent(byHand?.nominal.levels.A2?.atFirst.share ?? 0)
  return `R1 has a ceiling: counted points stop ${percent(share)} % of A2 at request 1 for the same budget, so nothing could stop more than ${(1 / share).toFixed(2)} times as many.
Points that were set by hand from the same facts, and tuned in this very simulation, come to ${hand} %: that much a good table can do, where somebody has the data to tune it.
What points do not have is the rest: whom they disturb before there is a history, and everything that rotation finds.`
}

function mixture(): string {
  return Object.entries(MIXTURE)
    .map(([level, share]) => `${level} ${share}`)
    .join(', ')
}

function attackTable(rows: readonly Measured[]): string {
  return markdown(
    ['', ...COLUMNS],
    rows.map((one) => [bold(one), ...COLUMNS.map((level) => cell(one.nominal.levels[level]))]),
  )
}

function falseTable(rows: readonly Measured[]): string {
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

function cohortTable(ours: Measured | undefined): string {
  if (ours === undefined) return ''
  const rows = Object.entries(ours.nominal.cohorts).map(([name, cohort]) => {
    const stress = ours.stress.cohorts[name as keyof typeof ours.stress.cohorts]
    return [
      name,
      String(cohort.second.users),
      rate(cohort.second.mean),
      rate(stress?.second.mean ?? Number.NaN),
      rate(cohort.first.mean),
    ]
  })
  return markdown(['Holdfast by cohort', 'users', 'nominal', 'stress', 'first month'], rows)
}

function goalTable(goals: readonly Judgement[]): string {
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

function calibrationTable({ calibration }: Results): string {
  return markdown(
    ['score', 'changes by owners', 'by thieves', 'says, dB', 'was so, dB'],
    calibration
      .filter(({ owners, thieves }) => owners > 0 && thieves > 0)
      .map(({ from, owners, thieves, stated, observed }) => [
        `${from} to ${from + 5}`,
        String(owners),
        String(thieves),
        stated.toFixed(1),
        observed.toFixed(1),
      ]),
  )
}

function sensitivityTable(sensitivity: readonly Sensitivity[] | undefined): string {
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
  return `Every assumed rate halved and doubled, one at a time, for ${base?.users} people (\`npm run bench -- hijack-sensitivity\`); false step-ups a user and month,
${rate(base?.falseStepUps ?? Number.NaN)} as it is. The three that move it most: ${names.slice(0, 3).join(', ')}.

${markdown(
  ['rate', 'halved', 'doubled'],
  names.map((name) => [name, at(name, 0.5), at(name, 2)]),
)}`
}

function rateTable(): string {
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

function unseenText({ unseen }: Results): string {
  return ['A0', 'A1', 'A2', 'A3a', 'A3b', 'A3c', 'A4']
    .map((level) => percent(unseen.levels[level]?.detected.share ?? 0))
    .join(', ')
}

function bold(one: Measured): string {
  const name = nameOf(one).replaceAll('|', '\\|')
  return one.spec.engine.startsWith('Holdfast') ? `**${name}**` : name
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
