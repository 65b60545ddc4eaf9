import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { consequences } from './jar/consequence.ts'
import { percent, range } from './jar/figures.ts'
import { MEASURED, seeded } from './jar/plan.ts'
import type { Part } from './part.ts'
import { print } from './progress.ts'
import { table } from './table.ts'

const SEED = 1

/**
 * Counts how often a cookie jar that Chromium rolled back looks like a second holder. Starts no
 * browser.
 */
export const rotationPart: Part = async () => {
  const killed = await consequences(seeded(SEED))
  print('\nWhat rotation makes of a browser that was killed at any moment of a visit\n')
  print(
    table(
      ['visit', 'kills', 'nothing lost', 'harmless', 'fork', '95 %'],
      killed.map(({ name, kills, nothing, harmless, fork }) => [
        name,
        String(kills),
        percent(nothing / kills),
        percent(harmless / kills),
        percent(fork.share),
        range(fork),
      ]),
    ),
  )

  mkdirSync(MEASURED, { recursive: true })
  const file = join(MEASURED, 'jar-rotation.json')
  writeFileSync(file, `${JSON.stringify({ seed: SEED, killed }, null, 2)}\n`)
  print(`\n${file} is written.`)
  return { goals: [] }
}
