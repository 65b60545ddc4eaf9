import type { ThiefRequest } from '../attackers.ts'
import type { Oracle, Verdict } from '../engines/engine.ts'
import type { Random } from '../random.ts'
import { type Choices, type Disguise, factsIn, type Means } from './disguise.ts'

/** The best disguise for one request, and what the engine says of it. */
export interface Found {
  readonly disguise: Disguise
  readonly request: ThiefRequest
  readonly verdict: Verdict
}

const RESTARTS = 2
const SWEEPS = 2

/**
 * What to show with a request so that it is served, and scores least. Greedy over the parts of a
 * disguise: from a whole copy, from the disguise of the last request, and from random ones.
 */
export function bestDisguise(
  oracle: Oracle,
  { at, sensitive }: { readonly at: number; readonly sensitive: boolean },
  {
    means,
    choices,
    rng,
    last,
  }: {
    readonly means: Means
    readonly choices: Choices
    readonly rng: Random
    readonly last: Disguise | undefined
  },
): Found {
  const judged = new Map<string, Found>()
  const judge = (disguise: Disguise): Found => {
    const key = Object.values(disguise)
      .map((value) => (typeof value === 'object' ? value.address : value))
      .join('|')
    const known = judged.get(key)
    if (known !== undefined) return known
    const request: ThiefRequest = {
      at,
      address: disguise.route.address,
      facts: factsIn(disguise, means),
      sensitive,
      stands: 1,
    }
    const found = { disguise, request, verdict: oracle.judge(request) }
    judged.set(key, found)
    return found
  }

  const starts = [
    ...(last === undefined ? [] : [last]),
    copied(choices),
    ...Array.from({ length: RESTARTS }, () => drawn(choices, rng)),
  ]
  return starts
    .map((start) => descended(judge(start), choices, judge))
    .reduce((best, found) => (isBetter(found.verdict, best.verdict) ? found : best))
}

function descended(start: Found, choices: Choices, judge: (disguise: Disguise) => Found): Found {
  let best = start
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const before = best
    for (const part of Object.keys(choices) as (keyof Disguise)[]) {
      for (const value of choices[part]) {
        const found = judge({ ...best.disguise, [part]: value })
        if (isBetter(found.verdict, best.verdict)) best = found
      }
    }
    if (best === before) break
  }
  return best
}

const ANSWERS = ['ok', 'gated', 'asked', 'refused', 'ended'] as const

/** Served rather than asked, and then the lower score. */
function isBetter(a: Verdict, b: Verdict): boolean {
  const [x, y] = [ANSWERS.indexOf(a.answer), ANSWERS.indexOf(b.answer)]
  return x === y ? (a.score ?? 0) < (b.score ?? 0) : x < y
}

function copied(choices: Choices): Disguise {
  return disguiseOf(choices, ([first]) => first)
}

function drawn(choices: Choices, rng: Random): Disguise {
  return disguiseOf(choices, (values) => rng.pick(values))
}

function disguiseOf(
  choices: Choices,
  pick: <Value>(values: readonly Value[]) => Value | undefined,
): Disguise {
  const parts = Object.entries(choices).map(([part, values]) => {
    const value = pick<unknown>(values)
    if (value === undefined) throw new RangeError(`a thief has no ${part}`)
    return [part, value]
  })
  return Object.fromEntries(parts) as Disguise
}
