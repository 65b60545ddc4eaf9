import { readFileSync } from 'node:fs'
import { type Level, MIXTURE } from './attackers.ts'
import type { Crew } from './crew.ts'
import { type Judged, MIXED } from './judged.ts'
import { shareOf, sum } from './stats.ts'
import { tuned } from './tune.ts'

/** How often a reason was given at changes of context: the figures that weights are made of. */
export interface Training {
  readonly seed: string
  /**
   * What the evidence alone cost, in false step-ups a user and month: as much as every tuned rule
   * may.
   */
  readonly falseStepUps: number
  /** The thresholds of the rules within that. */
  readonly thresholds: Readonly<Record<string, number>>
  readonly owners: number
  readonly thieves: Readonly<Partial<Record<Level, number>>>
  readonly reasons: Readonly<
    Record<
      string,
      { readonly owners: number; readonly thieves: Readonly<Partial<Record<Level, number>>> }
    >
  >
}

const PEOPLE = 500
const TRIES = 10

/** On the tuning seeds: counts where the evidence alone decides, and thresholds of these rules. */
export async function train(
  crew: Crew,
  { seed, rules }: { readonly seed: string; readonly rules: readonly string[] },
): Promise<Training> {
  const rows = await crew.run({
    purpose: 'tuning',
    seed,
    world: 'nominal',
    spec: { engine: 'Holdfast, evidence alone' },
    from: 0,
    until: PEOPLE,
    levels: [],
    judged: TRIES,
  })
  const falseStepUps =
    sum(rows.map(({ second }) => second.asked + second.refused + second.ended)) / PEOPLE
  const thresholds: Record<string, number> = {}
  for (const engine of rules) {
    const budget = falseStepUps
    thresholds[engine] = await tuned(crew, { seed, engine, budget, people: PEOPLE })
  }
  return { seed, falseStepUps, thresholds, ...counted(rows.flatMap(({ changes }) => changes)) }
}

export function readTraining(): Training {
  const file = new URL('../../../bench/hijack/training-counts.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Training
}

function counted(changes: readonly Judged[]): Pick<Training, 'owners' | 'thieves' | 'reasons'> {
  const thieves: Partial<Record<Level, number>> = {}
  const reasons: Record<string, { owners: number; thieves: Partial<Record<Level, number>> }> = {}
  let owners = 0
  for (const { thief, because } of changes) {
    if (thief === null) owners++
    else thieves[thief] = (thieves[thief] ?? 0) + 1
    for (const { reason, weight } of because) {
      if (weight === 0) continue
      const counts = reasons[reason] ?? { owners: 0, thieves: {} }
      reasons[reason] = counts
      if (thief === null) counts.owners++
      else counts.thieves[thief] = (counts.thieves[thief] ?? 0) + 1
    }
  }
  const sorted = Object.fromEntries(Object.entries(reasons).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { owners, thieves, reasons: sorted }
}

/**
 * 10 log10 of the odds, each share at the end that claims less; undefined where neither side was
 * seen often enough.
 */
export function fitted(
  { owners, thieves, reasons }: Pick<Training, 'owners' | 'thieves' | 'reasons'>,
  reason: string,
): number | undefined {
  const counts = reasons[reason]
  if (counts === undefined) return undefined
  const seen =
    counts.owners + Object.values(counts.thieves).reduce((sum, count) => sum + (count ?? 0), 0)
  if (seen < 20) return undefined
  const stolen = MIXED.reduce(
    (sum, level) =>
      sum + (MIXTURE[level] ?? 0) * shareOf(counts.thieves[level] ?? 0, thieves[level] ?? 0).share,
    0,
  )
  const count = Object.values(thieves).reduce((sum, each) => sum + (each ?? 0), 0)
  const p = (stolen * count + 0.5) / (count + 1)
  const q = (counts.owners + 0.5) / (owners + 1)
  return 10 * Math.log10(p / q)
}
