import { countryFacts, pickCountry, spoken, zoneAt } from './countries.ts'
import { buyDevice, DAY, type Device } from './devices.ts'
import { nearest } from './near.ts'
import type { Block, Pools, Provider } from './pools.ts'
import type { Random } from './random.ts'
import { type Rates, TWO_MONTHS } from './rates.ts'
import { type Trip, tripsOf } from './trips.ts'

/** Where and with what somebody lives. */
export interface Person {
  readonly name: string
  readonly country: string
  readonly timezone: string
  readonly languages: readonly string[]
  readonly devices: readonly Device[]
  readonly home: HomeLine
  readonly carrier: Provider
  readonly office: Office | null
  /** The networks that the exits of one VPN service stand in, most of them in the first. */
  readonly vpn: readonly Provider[]
  readonly relay: boolean
  readonly trips: readonly Trip[]
  readonly cohorts: readonly Cohort[]
}

export interface HomeLine {
  readonly provider: Provider
  /** Blocks of the provider, nearest to the home first; the first is the home's own. */
  readonly near: readonly Block[]
  readonly dualStack: boolean
  /** Days between changes of the IPv4 address; null: never. */
  readonly everyDays: number | null
}

export interface Office {
  readonly provider: Provider
  readonly block: Block
  /** Three egresses of a proxy that all of the traffic leaves through. */
  readonly egresses: readonly Block[] | null
  readonly splitTunnel: boolean
}

export type Cohort =
  | 'plain'
  | 'vpn'
  | 'relay'
  | 'corporate'
  | 'daily'
  | 'travelling'
  | 'abroad'
  | 'mobile only'

/** Made anew from the same seed it is the same person. */
export function person(
  name: string,
  { pools, rates, rng }: { readonly pools: Pools; readonly rates: Rates; readonly rng: Random },
): Person {
  const country = pickCountry(rng)
  const [, language, zones] = countryFacts(country)
  const home = homeOf(country, { pools, rates, rng })
  const [own] = home.near
  const timezone = zoneAt(zones, own?.longitude ?? 0)
  const devices = devicesOf(rng, rates)
  const exits = [...pools.of('vpn'), ...pools.of('hosting')]
  const vpn = rng.chance(rates.vpnUsers)
    ? [rng.pick(pools.of('vpn')), rng.pick(exits), rng.pick(exits)]
    : []
  const relay = devices.some(({ family }) => family === 'safari') && rng.chance(rates.relaySafari)
  const office = rng.chance(rates.office) ? officeOf(country, home, { pools, rates, rng }) : null
  const carriers = pools.of('mobile', country)
  const carrier = carriers.length > 0 ? rng.pick(carriers) : home.provider
  const trips = tripsOf({ country, carrier, home }, { pools, rates, rng })
  return {
    name,
    country,
    timezone,
    languages: spoken(language),
    devices,
    home,
    carrier,
    office,
    vpn,
    relay,
    trips,
    cohorts: cohortsOf({ devices, home, office, vpn, relay, trips, country }),
  }
}

function cohortsOf({
  devices,
  home,
  office,
  vpn,
  relay,
  trips,
  country,
}: Pick<
  Person,
  'devices' | 'home' | 'office' | 'vpn' | 'relay' | 'trips' | 'country'
>): readonly Cohort[] {
  const second = trips.filter(({ until }) => until > (TWO_MONTHS / 2) * DAY)
  const found: Cohort[] = []
  if (vpn.length > 0) found.push('vpn')
  if (relay) found.push('relay')
  if (office?.egresses != null) found.push('corporate')
  if (home.everyDays === 1) found.push('daily')
  if (second.length > 0) found.push('travelling')
  if (second.some((trip) => trip.country !== country)) found.push('abroad')
  if (devices.every(({ mobile }) => mobile)) found.push('mobile only')
  return found.length > 0 ? found : ['plain']
}

/** 1.8 devices a user. */
function devicesOf(rng: Random, rates: Rates): readonly Device[] {
  const kinds = rng.chance(0.12) ? [true] : rng.chance(0.15) ? [false] : [false, true]
  const more = rng.chance(0.07) ? [...kinds, true] : kinds
  return more.map((mobile) => buyDevice(mobile, rng, rates))
}

export type Making = { readonly pools: Pools; readonly rates: Rates; readonly rng: Random }

function homeOf(country: string, { pools, rates, rng }: Making): HomeLine {
  const satellite = rng.chance(rates.satelliteHome) ? pools.of('satellite')[0] : undefined
  const provider = satellite ?? rng.pick(pools.of('fixed', country))
  const usable =
    satellite === undefined ? provider.v4 : provider.v4.filter((block) => block.country === country)
  const blocks = usable.length > 0 ? usable : provider.v4
  const near = nearest(blocks, rng.pick(blocks))
  const draw = rng.next()
  const { homeDaily, homeTenDays, homeSixtyDays } = rates
  const everyDays =
    draw < homeDaily
      ? 1
      : draw < homeDaily + homeTenDays
        ? 10
        : draw < homeDaily + homeTenDays + homeSixtyDays
          ? 60
          : null
  return {
    provider,
    near,
    dualStack: provider.v6.length > 0 && rng.chance(rates.dualStackHome),
    everyDays,
  }
}

function officeOf(country: string, home: HomeLine, { pools, rates, rng }: Making): Office {
  const provider = rng.pick(pools.of('fixed', country))
  const [own] = home.near
  const block =
    own === undefined ? rng.pick(provider.v4) : rng.pick(nearest(provider.v4, own).slice(0, 4))
  const proxy = rng.chance(rates.corporateProxy) ? rng.pick(pools.of('corporate')) : undefined
  const egresses =
    proxy === undefined ? null : [0, 1, 2].map(() => rng.pick(nearest(proxy.v4, block).slice(0, 6)))
  return { provider, block, egresses, splitTunnel: rng.chance(rates.splitTunnel) }
}
