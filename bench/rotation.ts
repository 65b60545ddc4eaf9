import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { consequences } from './jar/consequence.ts'
import { percent, range } from './jar/figures.ts'
import { MEASURED, seeded } from './jar/plan.ts'
import { compareProposal } from './jar/proposal.ts'
import type { Part } from './part.ts'
import { print } from './progress.ts'
import { table } from './table.ts'

const SEED = 1

/**
 * Counts how often a cookie jar that Chromium rolled back looks like a second holder, and what
 * decision 16 would change. Starts no browser.
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

  const proposal = compareProposal(seeded(SEED))
  const { orders, falseForks, healed, unseen, sensitiveAfterwards, ownerMissed, together } =
    proposal
  print(`\nDecision 16 over ${orders} random orders of an owner and a thief in one context\n`)
  print(
    table(
      ['', 'orders'],
      [
        ['false forks now', String(falseForks.now)],
        ['false forks as proposed', String(falseForks.proposed)],
        ['rolled back, shown by the owner', String(healed.owner)],
        ['rolled back, shown by the thief', String(healed.thief)],
        ['sensitive calls after that', String(sensitiveAfterwards)],
        ["owner's return not seen after that", String(ownerMissed)],
        ['both within the 10 s of a resend, as today', String(together)],
        ["thief's use hidden by an owner's rollback", String(unseen.orders)],
        ['... for at most, s', String(unseen.longestS)],
        ['... with a sensitive call', String(unseen.sensitive)],
      ],
    ),
  )

  mkdirSync(MEASURED, { recursive: true })
  const file = join(MEASURED, 'jar-rotation.json')
  writeFileSync(file, `${JSON.stringify({ seed: SEED, killed, proposal }, null, 2)}\n`)
  print(`\n${file} is written.`)
  return { goals: [], failed: sensitiveAfterwards + ownerMissed + unseen.sensitive > 0 }
}
