import { countryFacts, customsOf, spoken, zoneAt } from './countries.ts'
import { buyDevice, DAY, type Facts, factsOf } from './devices.ts'
import { nearest } from './near.ts'
import type { Person } from './people.ts'
import { addressIn, type Block, neighbourOf, type Pools } from './pools.ts'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'
import type { Request } from './timeline.ts'

/** The ladder: each rung has what the one before lacks. */
export const LEVELS = [
  'A0',
  'A1',
  'A2',
  'A2r',
  'A2o',
  'A2f',
  'A3o',
  'A3a',
  'A3b',
  'A3c',
  'A3L',
  'A4',
  'A4r',
  'A5',
  'A6',
] as const
export type Level = (typeof LEVELS)[number]

export const LEVEL_TEXT: Readonly<Record<Level, string>> = {
  A0: 'replay by a script from a data centre',
  A1: 'the same with a copied user agent',
  A2: 'full clone of the browser, from another country, half through a VPN',
  A2r: "a browser of the thief's own, behind a residential proxy in the same country",
  A2o: "a browser of the thief's own, on a line of another country, with the clock of that place",
  A2f: 'A2, a second after each request of the victim, to ride along with the secret',
  A3o: "a browser of the thief's own, on a line of the same country, with the clock of that place",
  A3a: 'full clone behind a residential proxy in the same country',
  A3b: 'the same in the same city',
  A3c: 'the same with the same provider in the same city',
  A3L: 'A3c while the victim is active',
  A4: 'full clone behind the same NAT or in the same /24',
  A4r: 'the same, a second after each request of the victim, to ride along with the secret',
  A5: 'on the device of the victim',
  A6: 'the login itself was proxied; the owner is never in the session',
}

/** How thieves are shared out where the ladder is one thief: an assumption. */
export const MIXTURE: Readonly<Partial<Record<Level, number>>> = {
  A0: 0.15,
  A1: 0.15,
  A2: 0.2,
  A2o: 0.1,
  A2r: 0.05,
  A3o: 0.05,
  A3a: 0.05,
  A3b: 0.1,
  A3c: 0.05,
  A4: 0.1,
}

export interface ThiefRequest {
  readonly at: number
  readonly address: string
  readonly facts: Facts
  readonly sensitive: boolean
  /** With those after it that nothing distinguishes from it, within five minutes. */
  readonly stands: number
  /** The thief does not take what the answer sets. */
  readonly discards?: boolean
}

/** Requests of every attack. */
export const REQUESTS = 40
const NOTICED_MS = 5 * 60_000
const SENSITIVE = 0.15
const BETWEEN_MS = 90_000
const BEHIND_MS = 1_000
/** "Resident Evil", IEEE S&P 2019: 90 % of residential proxies relay for at most this long. */
const RELAYED_MS = 870_000
const HOUR = 3_600_000

/** Median time from theft to first use, and its logarithmic spread. */
const USED_AFTER: Readonly<Record<Level, readonly [medianMs: number, spread: number]>> = {
  A0: [6 * HOUR, 1],
  A1: [6 * HOUR, 1],
  A2: [DAY, 0.7],
  A2r: [DAY, 0.7],
  A2o: [HOUR, 1.5],
  A2f: [0, 0],
  A3o: [12 * HOUR, 0.8],
  A3a: [12 * HOUR, 0.8],
  A3b: [12 * HOUR, 0.8],
  A3c: [12 * HOUR, 0.8],
  A3L: [2 * 60_000, 0.5],
  A4: [2 * HOUR, 1],
  A4r: [0, 0],
  A5: [HOUR, 1],
  A6: [0, 0],
}

/** What thieves are made from. */
export interface Underworld {
  readonly person: Person
  readonly pools: Pools
  readonly rates: Rates
  readonly rng: Random
}

/**
 * What a thief does who took the cookie when `victim` was sent. A quiet one touches nothing
 * sensitive.
 */
export function attack(
  level: Level,
  victim: Request,
  {
    quiet = false,
    following = [],
    ...world
  }: Underworld & {
    readonly quiet?: boolean
    /** What the victim's device sends afterwards. */
    readonly following?: readonly Request[]
  },
): readonly ThiefRequest[] {
  const { rng } = world
  const [median, spread] = USED_AFTER[level]
  let at = victim.at + Math.min(4 * DAY, 20_000 + rng.around(median, spread))
  const everyday =
    level === 'A2o' || level === 'A3o' ? everydayBrowser(level, { ...world, at }) : undefined
  const place = everyday === undefined ? placeOf(level, victim, world) : () => everyday.address
  const facts = everyday?.facts ?? shownBy(level, victim, { ...world, at })
  if (level === 'A4r' || level === 'A2f') {
    return [victim, ...following].slice(0, REQUESTS).map((request) => ({
      at: request.at + BEHIND_MS,
      address: place(),
      facts: request.facts,
      sensitive: !quiet && rng.chance(SENSITIVE),
      stands: 1,
    }))
  }
  let address = place()
  const relayed = level === 'A2r' || level.startsWith('A3')
  let hopsAt = relayed ? at + rng.wait(RELAYED_MS) : Number.POSITIVE_INFINITY
  const requests: ThiefRequest[] = []
  for (let left = REQUESTS; left > 0; left--) {
    if (at >= hopsAt) {
      address = place()
      hopsAt = at + rng.wait(RELAYED_MS)
    }
    const sensitive = !quiet && rng.chance(SENSITIVE)
    const before = requests.at(-1)
    if (
      before !== undefined &&
      !sensitive &&
      before.address === address &&
      at - before.at < NOTICED_MS
    ) {
      requests[requests.length - 1] = { ...before, stands: before.stands + 1 }
    } else {
      requests.push({ at, address, facts, sensitive, stands: 1 })
    }
    at += rng.wait(BETWEEN_MS)
  }
  return requests
}

function placeOf(level: Level, victim: Request, { person, pools, rng }: Underworld): () => string {
  const [home] = person.home.near
  const around = (blocks: readonly Block[], share: number): readonly Block[] => {
    if (home === undefined) return blocks
    return nearest(blocks, home).slice(0, Math.max(2, Math.ceil(blocks.length * share)))
  }
  const anywhere = (list: readonly { readonly v4: readonly Block[] }[]): string =>
    addressIn(rng.pick(rng.pick(list).v4), rng)
  const stable = (address: string) => () => address
  const others = pools
    .of('fixed', person.country)
    .filter(({ asn }) => asn !== person.home.provider.asn)

  switch (level) {
    case 'A0':
    case 'A1':
      return stable(anywhere(pools.of('hosting')))
    case 'A2':
    case 'A2f': {
      const abroad = (blocks: readonly Block[]): readonly Block[] =>
        blocks.filter(({ country }) => country !== person.country)
      const foreign = pools.of('fixed').filter(({ country }) => country !== person.country)
      const provider = rng.pick(rng.chance(0.5) ? pools.of('vpn') : foreign)
      return stable(addressIn(rng.pick(abroad(provider.v4)), rng))
    }
    case 'A2r':
    case 'A3a':
      return () => anywhere(pools.of('fixed', person.country))
    case 'A3b':
    case 'A6':
      return () => addressIn(rng.pick(around(rng.pick(others).v4, 0.1)), rng)
    case 'A3c':
    case 'A3L':
      return () => addressIn(rng.pick(around(person.home.provider.v4, 0.15)), rng)
    case 'A4': {
      if (rng.chance(0.45)) return stable(victim.address)
      return stable(neighbourOf(victim.address, rng))
    }
    case 'A4r':
    case 'A5':
      return stable(victim.address)
    case 'A2o':
    case 'A3o':
      throw new Error(`${level} has a line of its own`)
  }
}

function shownBy(
  level: Level,
  { facts }: Request,
  world: Underworld & { readonly at: number },
): Facts {
  switch (level) {
    case 'A0':
      return {
        headers: { 'user-agent': 'python-requests/2.32.3', accept: '*/*' },
        client: undefined,
        shown: { family: 'script', system: 'unknown', version: 0, hints: false },
      }
    case 'A1':
      return {
        headers: {
          'user-agent': facts.headers['user-agent'] ?? '',
          accept: '*/*',
          'accept-language': 'en-US,en;q=0.5',
        },
        client: undefined,
        shown: { ...facts.shown, hints: false },
      }
    case 'A2r':
      return ownBrowser(world)
    default:
      return facts
  }
}

/** The cookie is pasted into the browser that the thief uses every day, at home. */
function everydayBrowser(
  level: 'A2o' | 'A3o',
  { person, pools, rates, rng, at }: Underworld & { readonly at: number },
): { readonly address: string; readonly facts: Facts } {
  const abroad = pools.countries.filter((each) => each !== person.country)
  const country = level === 'A2o' ? rng.pick(abroad) : person.country
  const block = rng.pick(rng.pick(pools.of('fixed', country)).v4)
  const [, language, zones] = countryFacts(country)
  const device = { ...buyDevice(false, rng, rates), languageChangesAt: Number.POSITIVE_INFINITY }
  const facts = factsOf(
    device,
    {
      at,
      timezone: zoneAt(zones, block.longitude),
      languages: spoken(language),
      onMonitor: false,
      desktopSite: false,
      madeUp: null,
    },
    rates,
  )
  return { address: addressIn(block, rng), facts }
}

/** Half of them know that the language and the clock are looked at. */
function ownBrowser({
  person,
  pools,
  rates,
  rng,
  at,
}: Underworld & { readonly at: number }): Facts {
  const own = customsOf(rng.pick(pools.countries.filter((each) => each !== person.country)), rng)
  const { languages, timezone } = rng.chance(0.5) ? person : own
  const device = { ...buyDevice(false, rng, rates), languageChangesAt: Number.POSITIVE_INFINITY }
  const still = { onMonitor: false, desktopSite: false, madeUp: null }
  return factsOf(device, { at, timezone, languages, ...still }, rates)
}
