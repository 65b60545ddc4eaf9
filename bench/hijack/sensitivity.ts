import type { Crew } from './crew.ts'
import { RATES, type RateName } from './rates.ts'
import { sum } from './stats.ts'

/** False step-ups where one assumed rate is another. */
export interface Sensitivity {
  /** Null: all as they are. */
  readonly rate: RateName | null
  readonly times: number
  readonly users: number
  readonly falseStepUps: number
}

const PEOPLE = 80

/** Each assumed rate halved and doubled, the same people each time. */
export async function sensitivities(
  crew: Crew,
  seed: string,
  say: (what: string) => void,
): Promise<readonly Sensitivity[]> {
  const names = (Object.keys(RATES) as RateName[]).filter(
    (name) => RATES[name].basis === 'A' && RATES[name].nominal > 0,
  )
  const changes = [null, ...names.flatMap((rate) => [0.5, 2].map((times) => ({ rate, times })))]
  const found: Sensitivity[] = []
  for (const change of changes) {
    say(change === null ? 'as it is' : `${change.rate} times ${change.times}`)
    const rows = await crew.run({
      purpose: 'reporting',
      seed,
      world: 'nominal',
      spec: { engine: 'Holdfast' },
      from: 0,
      until: PEOPLE,
      levels: [],
      ...(change === null ? {} : { change }),
    })
    // both months: the first has most of what there is to move
    const asked = sum(
      rows
        .flatMap(({ first, second }) => [first, second])
        .map(({ asked, refused, ended }) => asked + refused + ended),
    )
    found.push({
      rate: change?.rate ?? null,
      times: change?.times ?? 1,
      users: PEOPLE,
      falseStepUps: asked / PEOPLE / 2,
    })
  }
  return found
}
