import { countryFacts, zoneAt } from './countries.ts'
import { DAY } from './devices.ts'
import { degreesBetween } from './near.ts'
import type { HomeLine, Making } from './people.ts'
import type { Block, Provider } from './pools.ts'
import { TWO_MONTHS } from './rates.ts'

export interface Trip {
  readonly from: number
  readonly until: number
  readonly country: string
  readonly timezone: string
  readonly hotel: { readonly provider: Provider; readonly block: Block }
  readonly zoneFollows: boolean
  readonly cell: { readonly provider: Provider; readonly home: boolean }
  readonly inFlight: boolean
  /** On the way, each way. */
  readonly transitMs: number
}

/** The heavy tail keeps the mean. */
export function tripsOf(
  {
    country,
    carrier,
    home,
  }: { readonly country: string; readonly carrier: Provider; readonly home: HomeLine },
  { pools, rates, rng }: Making,
): readonly Trip[] {
  const heavy = rng.chance(0.15)
  // the heavy tail keeps the mean
  const mean = (rates.trips * (heavy ? 4 : 1)) / 1.45
  return Array.from({ length: rng.count(mean * 2) }, (): Trip => {
    const from = rng.next() * TWO_MONTHS * DAY
    const abroad = rng.chance(rates.tripAbroad)
    const others = pools.countries.filter((each) => each !== country)
    const to = abroad ? rng.pick(others) : country
    const provider = rng.pick(pools.of('fixed', to))
    const block = rng.pick(provider.v4)
    const roams = abroad && rng.chance(rates.roamingHome)
    const local = pools.of('mobile', to)
    const transit = abroad && rng.chance(rates.transitRoaming)
    const cell = transit
      ? rng.pick(pools.of('hosting'))
      : abroad && !roams && local.length > 0
        ? rng.pick(local)
        : carrier
    return {
      from,
      until: from + (1 + rng.wait(4)) * DAY,
      country: to,
      timezone: zoneAt(countryFacts(to)[2], block.longitude),
      hotel: { provider, block },
      zoneFollows: rng.chance(rates.zoneFollows),
      cell: { provider: cell, home: cell === carrier },
      inFlight: rng.chance(rates.inFlight),
      transitMs: transitMs(home.near[0] ?? block, block),
    }
  })
}

/** By car or train at 100 km/h, or in the air at 800 with three hours around it. */
function transitMs(from: Block, to: Block): number {
  const km = 111 * degreesBetween(from, to)
  return 3_600_000 * Math.min(km / 100, 3 + km / 800)
}
