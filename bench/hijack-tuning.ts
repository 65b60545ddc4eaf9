import { writeFileSync } from 'node:fs'
import { crew } from './hijack/crew.ts'
import { TUNED } from './hijack/engines/catalogue.ts'
import { multitude } from './hijack/multitude.ts'
import { rounded, writePage } from './hijack/page.ts'
import { sensitivities } from './hijack/sensitivity.ts'
import { fitted, train } from './hijack/training.ts'
import type { Part } from './part.ts'
import { print, progress } from './progress.ts'
import { table } from './table.ts'

const ROOT = new URL('../../', import.meta.url)
const SEED = '1'

/** Counts what the weights of the signals are computed from, on the tuning seeds. */
export const trainingPart: Part = async () => {
  const team = crew()
  const training = await train(team, { seed: SEED, rules: TUNED }).finally(() => team.close())
  writeFileSync(
    new URL('bench/hijack/training-counts.json', ROOT),
    `${JSON.stringify(training, null, 2)}\n`,
  )
  const rows = Object.entries(training.reasons).map(([reason, { owners, thieves }]) => [
    reason,
    String(owners),
    String(Object.values(thieves).reduce((sum, count) => sum + (count ?? 0), 0)),
    fitted(training, reason)?.toFixed(1) ?? '-',
  ])
  print(
    `\n${table(
      ['rule', 'threshold'],
      Object.entries(training.thresholds).map(([rule, at]) => [rule, String(at)]),
    )}`,
  )
  print(`\n${table(['reason', 'owners', 'thieves', 'dB'], rows)}`)
  return { goals: [] }
}

/** Counts who is disturbed, with enough people for small cohorts and rare cases. */
export const peoplePart: Part = async () => {
  const team = crew()
  const found = await multitude(team, SEED, progress).finally(() => team.close())
  writeFileSync(
    new URL('docs/measured/hijack-people.json', ROOT),
    `${JSON.stringify(found, rounded)}\n`,
  )
  writePage(ROOT)
  print(
    `\n${table(
      ['false step-ups a user and month', 'users', 'nominal', 'users', 'stress'],
      Object.entries(found.nominal.cohorts).map(([cohort, { second }]) => {
        const stress = found.stress.cohorts[cohort as keyof typeof found.stress.cohorts]?.second
        const shown = [second, stress].flatMap((mean) => [
          String(mean?.users ?? 0),
          mean?.mean.toFixed(3) ?? '-',
        ])
        return [cohort, ...shown]
      }),
    )}`,
  )
  return { goals: [] }
}

/** Shows how the number of false step-ups depends on each assumed rate. */
export const sensitivityPart: Part = async () => {
  const team = crew()
  const found = await sensitivities(team, SEED, progress).finally(() => team.close())
  writeFileSync(
    new URL('docs/measured/hijack-sensitivity.json', ROOT),
    `${JSON.stringify(found, null, 2)}\n`,
  )
  writePage(ROOT)
  print(
    `\n${table(
      ['rate', 'times', 'false step-ups'],
      found.map(({ rate, times, falseStepUps }) => [
        rate ?? 'as it is',
        String(times),
        falseStepUps.toFixed(3),
      ]),
    )}`,
  )
  return { goals: [] }
}
