import type { Crew } from './crew.ts'
import type { Spec } from './engines/catalogue.ts'
import { sum } from './stats.ts'

/** False step-ups a user and month that every tuned rule may cost: what detection quality is promised for. */
export const BUDGET = 0.06

const PEOPLE = 150
const STEPS = 9

/** The lowest threshold within the budget, on the tuning seeds of the nominal world. */
export async function tuned(
  crew: Crew,
  seed: string,
  engine: string,
  budget = BUDGET,
): Promise<Spec> {
  let [low, high] = [-40, 120]
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2
    const rows = await crew.run({
      purpose: 'tuning',
      seed,
      world: 'nominal',
      spec: { engine, threshold: middle },
      from: 0,
      until: PEOPLE,
      levels: [],
    })
    const cost = sum(rows.map(({ second }) => second.asked)) / PEOPLE
    if (cost > budget) low = middle
    else high = middle
  }
  return { engine, threshold: Math.round(high * 1000) / 1000 }
}
