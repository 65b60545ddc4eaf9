import type { Level } from './attackers.ts'
import { engineOf, type Spec } from './engines/catalogue.ts'
import type { Judged } from './judged.ts'
import type { Cohort } from './people.ts'
import { type Attacked, type Month, type Playing, play, rehearse } from './play.ts'
import type { RateName, Rates, WorldName } from './rates.ts'
import type { Attempted, Tactic } from './starred/tactics.ts'
import { type Life, type Purpose, type World, world } from './world.ts'

/** Some people of one world under one engine. Plain data: it goes to a worker and back. */
export interface Job {
  readonly purpose: Purpose
  readonly seed: string
  readonly world: WorldName
  readonly spec: Spec
  readonly from: number
  readonly until: number
  readonly levels: readonly Level[]
  /** See {@link Playing}. */
  readonly quietToo?: boolean
  readonly judged?: number
  readonly tactics?: readonly Tactic[]
  /** The tactics alone are tried, again and again on the same people. */
  readonly rehearses?: boolean
  /** No geo and ASN data at all. */
  readonly blind?: boolean
  readonly change?: { readonly rate: RateName; readonly times: number }
}

/** One person. */
export interface Row {
  readonly cohorts: readonly Cohort[]
  readonly first: Month
  readonly second: Month
  readonly attacks: readonly Attacked[]
  readonly starred: readonly Attempted[]
  readonly changes: readonly Judged[]
  readonly load: { readonly requests: number; readonly changes: number; readonly devices: number }
}

export async function run({
  purpose,
  seed,
  spec,
  from,
  until,
  levels,
  judged = 0,
  quietToo = false,
  tactics = [],
  rehearses = false,
  blind,
  change,
  world: name,
}: Job): Promise<readonly Row[]> {
  const engine = engineOf(spec, seed)
  const plain = world(purpose, seed, name)
  const people =
    change === undefined ? plain : world(purpose, seed, name, scaled(plain.rates, change))
  const data = blind === true ? () => undefined : people.data
  const rows: Row[] = []
  for (let number = from; number < until; number++) {
    const life = lived(people, { purpose, seed, name, number, kept: change === undefined })
    const playing = { ...life, data, pools: people.pools, rates: people.rates, levels }
    const played = rehearses
      ? await rehearse(engine, playing, { scene: `${seed} ${name} ${number}`, tactics })
      : await play(engine, { ...playing, judged, quietToo, tactics })
    const { requests, total } = life.timeline
    rows.push({
      ...played,
      cohorts: life.person.cohorts,
      load: {
        requests: total,
        changes: requests.filter(({ changed }) => changed).length,
        devices: life.person.devices.length,
      },
    })
  }
  return rows
}

const lives = new Map<string, Life>()

/** Rules are tuned on the same people again and again: those are kept. */
function lived(
  { life }: World,
  {
    purpose,
    seed,
    name,
    number,
    kept,
  }: {
    readonly purpose: Purpose
    readonly seed: string
    readonly name: WorldName
    readonly number: number
    readonly kept: boolean
  },
): Life {
  if (!kept || purpose !== 'tuning') return life(number)
  const key = `${seed} ${name} ${number}`
  const known = lives.get(key) ?? life(number)
  lives.set(key, known)
  return known
}

function scaled(rates: Rates, { rate, times }: NonNullable<Job['change']>): Partial<Rates> {
  // days between events: twice as often is half as many
  return { [rate]: rate.endsWith('Days') ? rates[rate] / times : Math.min(1, rates[rate] * times) }
}
