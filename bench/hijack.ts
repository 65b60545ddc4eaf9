import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMet } from './goals.ts'
import { charts } from './hijack/charts.ts'
import { crew } from './hijack/crew.ts'
import { judge } from './hijack/goals.ts'
import { multitudeOf, rounded, writePage } from './hijack/page.ts'
import { FULL, smaller, study } from './hijack/study.ts'
import { attackTable, falseTable } from './hijack/tables.ts'
import { readTraining } from './hijack/training.ts'
import type { Part } from './part.ts'
import { print, progress } from './progress.ts'

/** Another seed gives another population; the page is written for the first. */
const SEED = process.env.HIJACK_SEED ?? '1'

/** A quick look at so many people a part; nothing is written. */
const PEOPLE = Number(process.env.HIJACK_PEOPLE ?? 0)

// Compiled to .cache/bench.
const ROOT = new URL('../../', import.meta.url)
const MEASURED = new URL('docs/measured/', ROOT)

/**
 * Counts the hijacks that are caught and the rightful users who are disturbed, by Holdfast and by
 * other checks.
 */
export const hijackPart: Part = async () => {
  const team = crew()
  const began = Date.now()
  const say = (what: string): void =>
    progress(`${Math.round((Date.now() - began) / 1000)} s: ${what}`)
  const results = await study(team, {
    seed: SEED,
    training: readTraining(),
    size: PEOPLE > 0 ? smaller(PEOPLE) : FULL,
    say,
  }).finally(() => team.close())

  const goals = judge(results, multitudeOf(ROOT))
  print(`\n${attackTable(results)}\n\n${falseTable(results)}`)
  if (SEED === '1' && PEOPLE === 0) {
    mkdirSync(MEASURED, { recursive: true })
    writeFileSync(new URL('hijack.json', MEASURED), `${JSON.stringify(results, rounded)}\n`)
    for (const [name, svg] of Object.entries(charts(results)))
      writeFileSync(new URL(`${name}.svg`, MEASURED), svg)
    writePage(ROOT)
    print(`\n${fileURLToPath(new URL('docs/detection.md', ROOT))} and what it shows are written.`)
  }
  const failed = PEOPLE === 0 && goals.some((goal) => !isMet(goal))
  return { goals, failed }
}
