import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { LEVEL_TEXT, LEVELS, REQUESTS } from './attackers.ts'
import { ENOUGH } from './calibration.ts'
import { POINTS } from './engines/points.ts'
import { judge } from './goals.ts'
import { endings } from './measures.ts'
import type { Multitude } from './multitude.ts'
import {
  attackTable,
  calibrationTable,
  cohortTable,
  exposureTable,
  falseTable,
  goalTable,
  mixture,
  rateTable,
  sensitivityTable,
  unseenText,
} from './page-tables.ts'
import { holdersText, thievesText } from './page-thieves.ts'
import { readPools } from './pools.ts'
import { RATES } from './rates.ts'
import type { Sensitivity } from './sensitivity.ts'
import { FULL, type Measured, type Results } from './study.ts'
import { cell, percent, rate } from './tables.ts'

/** What else the page tells, measured by other commands. */
interface Sources {
  readonly sensitivity: readonly Sensitivity[] | undefined
  readonly multitude: Multitude | undefined
  readonly attribution: readonly string[]
}

/** Digits beyond these are noise, and would differ by the machine's mathematics. */
export function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(4))
    : value
}

/** Undefined where `npm run bench -- hijack-people` has not run. */
export function multitudeOf(root: URL): Multitude | undefined {
  return measured<Multitude>(root, 'hijack-people.json')
}

function measured<T>(root: URL, name: string): T | undefined {
  const file = new URL(`docs/measured/${name}`, root)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined
}

function sourcesOf(root: URL): Sources {
  return {
    sensitivity: measured<readonly Sensitivity[]>(root, 'hijack-sensitivity.json'),
    multitude: multitudeOf(root),
    attribution: readPools(new URL('bench/hijack/pools.json', root)).attribution,
  }
}

/** Writes docs/detection.md from what is measured. */
export function writePage(root: URL): void {
  const results = measured<Results>(root, 'hijack.json')
  if (results === undefined) return
  writeFileSync(new URL('docs/detection.md', root), page(results, sourcesOf(root)))
}

function page(results: Results, { sensitivity, multitude, attribution }: Sources): string {
  const ours = results.engines.find(({ spec }) => spec.engine === 'Holdfast')
  return `${[
    '# How many hijacks are caught, and whom it disturbs',
    `Written by \`npm run bench:hijack\` from [hijack.json](measured/hijack.json); do not edit. The
same seed gives the same figures.`,
    '## What the figures mean',
    `No data of real logins with labelled thefts can be had, so this is a simulation: people with
homes, offices, telephones, trips and updates, on real address blocks with the places that a real
geo database gives for them, and thieves of ${LEVELS.length} kinds. Holdfast runs in it as it is
shipped, with the \`balanced\` policy, through its public interface. Absolute figures hold as far as
the rates [below](#what-happens-to-rightful-users) do; most of them are assumptions, marked A. What
it can do is rank checks and find what breaks.

- Two months a person: the first is history, the second is counted. In the second every kind of
  thief has one try a person: ${REQUESTS} requests, and two further days of the owner.
  ${loadText(ours)}
- **False step-up**: a rightful person was asked, refused or logged out by evidence. What the gate
  asks, before a sensitive route from a provider that the person has not confirmed, is counted
  apart. Logins are made with a second factor and not counted.
- **Detected**: a request of the thief was refused, or the owner's next request showed two holders.
  **Request 1**: the thief's first one was refused.
- Rules that have a threshold are tuned to ${rate(results.budget)} false step-ups a user and month,
  what the evidence of Holdfast costs the same people; nothing is reported of them.
- In the stress world nuisances come up to three times as often, and the data knows fewer networks
  for what they are.`,
    '## Caught',
    'Detected / stopped at request 1, percent of the attacks in the nominal world.',
    attackTable([...results.engines]),
    '![What each check costs, and what it stops](measured/hijack-engines.svg)',
    `Under stress: ${underStress(ours)}. Quiet thieves, who touch nothing sensitive: A3c
${cell(ours?.nominal.levels['A3c quiet'])}, A4 ${cell(ours?.nominal.levels['A4 quiet'])} with
rotation; ${quietAlone(results)} by evidence alone.`,
    ours === undefined
      ? ''
      : `What thieves get from Holdfast as shipped:\n\n${exposureTable(ours)}`,
    '## Thieves who know the code',
    thievesText(results, ours),
    '## Two holders, and one alone',
    holdersText(results),
    '## Disturbed',
    falseTable(results.engines),
    cohortText(multitude ?? ours),
    '![Detection over disturbance](measured/hijack-curve.svg)',
    '## What no passive evidence can do',
    `A clone of the browser behind a proxy in the victim's own street looks like the victim: by
evidence alone A3c is detected in
${percent(passive(results)?.nominal.levels.A3c?.detected.share ?? 0)} %. What catches it is the
secret that rotates: whoever comes second shows a generation that is over. A thief on the victim's
own device (A5) shares its cookie jar and leaves no fork; fresh presence before sensitive actions
and a short absolute lifetime are what helps. A phished login (A6) is the thief's from the start:
${cell(ours?.nominal.levels.A6)} here, because a second factor that was relayed lets the login
in. It confirms nothing against strong evidence, and sensitive routes ask again. Passkeys cannot be
relayed.`,
    '## Rotation',
    'The same attacks with parts of the rotation taken away.',
    attackTable([...results.rotation, ...(ours === undefined ? [] : [ours])]),
    falseTable([...results.rotation, ...(ours === undefined ? [] : [ours])]),
    `"No rotation" keeps the gate. "Same successor always" takes whoever shows an old secret for the
holder of the newest one, so two may ride one chain, and nothing shows. Holdfast puts a fresh
successor into every answer that is due, each into one answer, so that nobody is sent the secret of
another holder ([decision 19](decisions/0019-one-answer-one-secret.md)). A4r and A2f send a second
after each request of the victim. What finds them is the next rotation: each of the two goes on with
a successor of their own.

A cookie jar that comes back with an older cookie looks like a second holder. How often that is was
measured in Chromium and is told in [decision
16](decisions/0016-a-rolled-back-jar-is-let-in-once.md): a kill loses what was set in the last 30 s,
and some 5 % of the browsers that are killed during a visit then fork. The rate used here,
${RATES.jarRollback.nominal} a visit and a fork nearly each time, stands for one visit in a hundred
that ends in a kill.

![How often Chromium loses the last cookie](measured/jar-rollback.svg)`,
    '## Goals',
    `As measured, on the seed of this page. A share of ${ours?.nominal.users ?? 0} attacks is known
to about 6 points either way, and a goal that is near its bound can fall on the other side with
another population: \`HIJACK_SEED=2 npm run bench:hijack\` prints one.`,
    goalTable(judge(results, multitude)),
    pointsText(results),
    '## Calibration',
    `Scores are decibans: 10 says that a hijack is ten times likelier than before. Bins of 6 dB at
changes of context, evidence alone, thieves mixed as ${mixture()}. Thieves are judged by their first
request, ${FULL.tries} a level and person. The goal compares what a bin says with what was so where
${ENOUGH} of each side are in it; the highest bins have hardly an owner in them and the lowest
hardly a thief, so that all that can be known there are bounds, and what they say must not
contradict those.`,
    calibrationTable(results),
    '## What moves the figures',
    sensitivityTable(sensitivity),
    '## What happens to rightful users',
    rateTable(),
    '## Thieves',
    LEVELS.map((level) => `- **${level}**: ${LEVEL_TEXT[level]}`).join('\n'),
    `A copied user agent (A1) comes with the script's own other headers. Clones copy every header
and all that the page tells. Scripts use a cookie about six hours after the theft, clones 12 to 24,
A2o one, A4 two, A3L two minutes. Residential proxies change their exit about every 15 minutes
("Resident Evil", IEEE S&P 2019). All but the quiet ones touch something sensitive with 15 % of
their requests; owners with 1.2 %.`,
    '## The rules beside ours',
    `- **travel, as alert rules have it**: more than 500 km at more than 800 km/h between two
  requests, data centres and relays left out.
- **travel, guarded**: never within one provider or with a mobile end, radii and a generous reach
  counted, 99 % sure.
- **points by hand**: ${Object.entries(POINTS)
      .map(([name, points]) => `${name} ${points}`)
      .join(', ')}; half of them are left after half an hour.
- **a point a difference**: the same facts at one point each, as the adaptive risk modules of OpenAM
  and PingAM count unless somebody sets other values.
- **Freeman et al.**, NDSS 2016, in the das-group's form with 30 days of history. It was made for
  logins; here every change of address or agent is one.`,
    '## Limits',
    `The same families of events make the weights and the figures; only people, places and times
differ. "Unseen" adds families that nothing was tuned with: satellite homes, aircraft, travel SIMs,
NAT64, split tunnels, summer time and an update of the geo data. There detection of A0 to A4 is
${unseenText(results)} and false step-ups are ${rate(results.unseen.falseStepUps.mean)} a user and
month. Mobile ranges are wider here than they are. There is one thief a kind; those who know the
code find what a greedy search finds. ${endedText(results, multitude)}`,
    '## Sources',
    attribution.map((line) => `- ${line}`).join('\n'),
  ].join('\n\n')}\n`
}

function loadText(ours: Measured | undefined): string {
  if (ours === undefined) return ''
  const { devices, requests, changes } = ours.nominal.load
  return `A person has ${devices.toFixed(1)} devices, ${Math.round(requests)} requests and
${Math.round(changes)} changes of address or browser a month.`
}

function underStress(ours: Measured | undefined): string {
  return ['A1', 'A2', 'A3a', 'A3c', 'A4']
    .map((level) => `${level} ${cell(ours?.stress.levels[level])}`)
    .join(', ')
}

function cohortText(found: Multitude | Measured | undefined): string {
  if (found === undefined) return ''
  return `Holdfast as shipped, nominal and under stress, with ${found.nominal.users} people each
(\`npm run bench -- hijack-people\`):

${cohortTable(found)}`
}

function endedText(results: Results, multitude: Multitude | undefined): string {
  const { ended, userMonths } = endings(results, multitude)
  return ended === 0
    ? `No session was ended by evidence in ${userMonths} user-months: with 95 % confidence fewer
than ${(3 / userMonths).toPrecision(1)} a month.`
    : `${ended} sessions were ended by evidence in ${userMonths} user-months.`
}

function passive({ engines }: Results): Measured | undefined {
  return engines.find(({ spec }) => spec.engine === 'Holdfast, evidence alone')
}

function quietAlone(results: Results): string {
  const levels = passive(results)?.nominal.levels
  return `A3c ${cell(levels?.['A3c quiet'])}, A4 ${cell(levels?.['A4 quiet'])}`
}

/** What points come to where they may cost more. */
function pointsText({ curves, budget }: Results): string {
  const best = (rule: string, most: number): string => {
    const shares = curves
      .filter(({ spec, summary }) => spec.engine === rule && summary.falseStepUps.mean <= most)
      .map(({ summary }) => summary.levels.A2?.atFirst.share ?? 0)
    return percent(Math.max(0, ...shares))
  }
  return `R1 compares at the same cost: rules are tuned to ${rate(budget)} false step-ups a user and
month, which is what the evidence of Holdfast costs the people of the tuning seeds. The picture
above shows the others: for up to 0.1, points set by hand from the same facts stop
${best('points by hand, tuned', 0.1)} % of A2 at request 1, counted ones
${best('a point a difference, tuned', 0.1)} %. That much a good table can do, where somebody has the
data to tune it. What points do not have is the rest: whom they disturb before there is a history,
and everything that rotation finds.`
}
