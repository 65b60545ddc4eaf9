import { type Person, person } from './people.ts'
import { type DataAt, dataIn, type Pools, readPools } from './pools.ts'
import { type Random, random } from './random.ts'
import { type Rates, ratesOf, type WorldName } from './rates.ts'
import { type Timeline, timeline } from './timeline.ts'
import { whereabouts } from './whereabouts.ts'

/** A population with its networks and what the data says of them. */
export interface World {
  readonly pools: Pools
  readonly rates: Rates
  readonly data: DataAt
  /** The same number is the same person with the same two months. */
  life(number: number): Life
}

export interface Life {
  readonly person: Person
  readonly timeline: Timeline
  /** For thieves. */
  readonly rng: Random
}

/**
 * Seeds for tuning and seeds for reporting have different first words: no figure that is reported
 * can come from a person that anything was tuned on.
 */
export type Purpose = 'tuning' | 'reporting'

export function world(
  purpose: Purpose,
  seed: string,
  name: WorldName,
  change: Partial<Rates> = {},
): World {
  const rates = { ...ratesOf(name), ...change }
  const pools = readPools(new URL('../../../bench/hijack/pools.json', import.meta.url))
  const base = random(`${purpose} ${seed} ${name}`)
  const data = dataIn(pools, rates, base.stream('data'))
  return {
    pools,
    rates,
    data,
    life(number) {
      const rng = base.stream(`person ${number}`)
      const who = person(`user-${number}`, { pools, rates, rng: rng.stream('life') })
      const where = whereabouts({
        person: who,
        rates,
        rng: rng.stream('networks'),
        providers: {
          fixed: pools.of('fixed', who.country),
          relays: pools.of('relay'),
          satellite: pools.of('satellite'),
        },
      })
      return {
        person: who,
        timeline: timeline(who, where, { rates, rng: rng.stream('visits') }),
        rng: rng.stream('thieves'),
      }
    },
  }
}
