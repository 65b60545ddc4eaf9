import { buyDevice, DAY, type Device } from './devices.ts'
import type { Block, Pools, Provider } from './pools.ts'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'

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

export type Cohort =
  | 'plain'
  | 'vpn'
  | 'relay'
  | 'corporate'
  | 'daily'
  | 'travelling'
  | 'abroad'
  | 'mobile only'

/** Share of users; time zones west to east. */
const COUNTRIES: Readonly<
  Record<string, readonly [share: number, language: string, zones: readonly string[]]>
> = {
  US: [
    30,
    'en-US',
    ['America/Los_Angeles', 'America/Denver', 'America/Chicago', 'America/New_York'],
  ],
  GB: [9, 'en-GB', ['Europe/London']],
  DE: [9, 'de-DE', ['Europe/Berlin']],
  FR: [7, 'fr-FR', ['Europe/Paris']],
  NO: [4, 'nb-NO', ['Europe/Oslo']],
  NL: [4, 'nl-NL', ['Europe/Amsterdam']],
  IN: [9, 'en-IN', ['Asia/Kolkata']],
  JP: [6, 'ja-JP', ['Asia/Tokyo']],
  BR: [6, 'pt-BR', ['America/Sao_Paulo']],
  ES: [4, 'es-ES', ['Europe/Madrid']],
  PL: [4, 'pl-PL', ['Europe/Warsaw']],
  ZA: [2, 'en-ZA', ['Africa/Johannesburg']],
  CA: [3, 'en-CA', ['America/Vancouver', 'America/Toronto']],
  AU: [3, 'en-AU', ['Australia/Sydney']],
}

export const TWO_MONTHS = 60

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

/** Somebody's language and clock there. */
export function customsOf(
  country: string,
  rng: Random,
): { readonly languages: readonly string[]; readonly timezone: string } {
  const [, language, zones] = countryFacts(country)
  return { languages: spoken(language), timezone: rng.pick(zones) }
}

function spoken(language: string): readonly string[] {
  return language.startsWith('en') ? [language, 'en'] : [language, language.slice(0, 2), 'en']
}

function countryFacts(country: string): readonly [number, string, readonly string[]] {
  const facts = COUNTRIES[country]
  if (facts === undefined) throw new Error(`${country} is not described`)
  return facts
}

function pickCountry(rng: Random): string {
  const all = Object.entries(COUNTRIES)
  let left = rng.next() * all.reduce((sum, [, [share]]) => sum + share, 0)
  for (const [country, [share]] of all) {
    left -= share
    if (left < 0) return country
  }
  return 'US'
}

function zoneAt(zones: readonly string[], longitude: number): string {
  const edges = [-115, -103, -87]
  const at =
    zones.length === 4
      ? edges.filter((edge) => longitude > edge).length
      : longitude > -95
        ? zones.length - 1
        : 0
  return zones[at] ?? 'Etc/UTC'
}

/** 1.8 devices a user. */
function devicesOf(rng: Random, rates: Rates): readonly Device[] {
  const kinds = rng.chance(0.12) ? [true] : rng.chance(0.15) ? [false] : [false, true]
  const more = rng.chance(0.07) ? [...kinds, true] : kinds
  return more.map((mobile) => buyDevice(mobile, rng, rates))
}

type Making = { readonly pools: Pools; readonly rates: Rates; readonly rng: Random }

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

function tripsOf(
  { country, carrier, home }: Pick<Person, 'country' | 'carrier' | 'home'>,
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

/** Nearest first. Flat geometry is enough to order by. */
export function nearest(blocks: readonly Block[], to: Block): readonly Block[] {
  const orders = sorted.get(blocks) ?? new Map<Block, readonly Block[]>()
  sorted.set(blocks, orders)
  const known = orders.get(to)
  if (known !== undefined) return known
  const far = (block: Block): number => degreesBetween(block, to)
  const order = [...blocks].sort((a, b) => far(a) - far(b) || (a.net < b.net ? -1 : 1))
  orders.set(to, order)
  return order
}

const sorted = new WeakMap<readonly Block[], Map<Block, readonly Block[]>>()

function degreesBetween(a: Block, b: Block): number {
  const east = Math.abs(a.longitude - b.longitude)
  const scale = Math.cos((b.latitude * Math.PI) / 180)
  return Math.hypot(a.latitude - b.latitude, Math.min(east, 360 - east) * scale)
}
