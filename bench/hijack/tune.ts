import type { Crew } from './crew.ts'
import { sum } from './stats.ts'

const STEPS = 9

/**
 * The lowest threshold within a budget of false step-ups a user and month, on the tuning seeds of
 * the nominal world.
 */
export async function tuned(
  crew: Crew,
  {
    seed,
    engine,
    budget,
    people,
  }: {
    readonly seed: string
    readonly engine: string
    readonly budget: number
    readonly people: number
  },
): Promise<number> {
  let [low, high] = [-40, 120]
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2
    const rows = await crew.run({
      purpose: 'tuning',
      seed,
      world: 'nominal',
      spec: { engine, threshold: middle },
      from: 0,
      until: people,
      levels: [],
    })
    const cost = sum(rows.map(({ second }) => second.asked)) / people
    if (cost > budget) low = middle
    else high = middle
  }
  return Math.round(high * 1000) / 1000
}
