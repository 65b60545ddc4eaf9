import { DAY } from './devices.ts'
import { nearest } from './near.ts'
import type { Person } from './people.ts'
import { addressIn, type Block, type Provider } from './pools.ts'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'
import type { Trip } from './trips.ts'

/**
 * The addresses that one visit may come from: the first is the usual one, both families of one line
 * are two.
 */
export interface Line {
  readonly v4: string
  readonly v6: string | null
  readonly kind: 'home' | 'office' | 'cell' | 'guest' | 'hotel' | 'vpn' | 'relay' | 'aircraft'
}

/**
 * Where a person's devices are on the network, as time goes on. Must be asked in the order of time.
 */
export interface Whereabouts {
  home(at: number): Line
  cell(device: number, trip: Trip | undefined): Line
  office(): Line
  /** The part of the traffic that a split tunnel leaves out. */
  beside(): Line
  guest(): Line
  hotel(trip: Trip): Line
  vpn(): Line
  relay(): Line
  aircraft(): Line
}

export interface Surrounds {
  readonly person: Person
  readonly rates: Rates
  readonly rng: Random
  readonly providers: {
    readonly fixed: readonly Provider[]
    readonly relays: readonly Provider[]
    readonly satellite: readonly Provider[]
  }
}

export function whereabouts({ person, rates, rng, providers }: Surrounds): Whereabouts {
  const home = homeLine({ person, rates, rng })
  const cells = new Map<string, Line>()
  const cafes = Array.from({ length: 3 }, () => guestBlock())
  const officeHost = person.office === null ? '' : addressIn(person.office.block, rng)

  /** In the same town, unless the data places it elsewhere. */
  function guestBlock(): Block {
    const { v4 } = rng.pick(providers.fixed)
    const [own] = person.home.near
    if (own === undefined || rng.chance(rates.guestElsewhere)) return rng.pick(v4)
    return rng.pick(nearest(v4, own).slice(0, Math.max(2, Math.ceil(v4.length * 0.1))))
  }

  const exitIn = (blocks: readonly Block[], atHome: boolean): Block => {
    const some = blocks.filter(({ country }) => (country === person.country) === atHome)
    return rng.pick(some.length > 0 ? some : blocks)
  }

  return {
    home,
    cell(device, trip) {
      const provider = trip?.cell.provider ?? person.carrier
      const abroad = trip !== undefined && !trip.cell.home ? trip.from : ''
      const key = `${device} ${provider.asn} ${abroad}`
      const last = cells.get(key)
      const stays = last !== undefined && !rng.chance(rates.cellAttach)
      const line = stays ? last : cellLine(provider, { person, rates, rng })
      cells.set(key, line)
      return line
    },
    office() {
      const { office } = person
      if (office === null) return home(0)
      if (office.egresses === null) return { v4: officeHost, v6: null, kind: 'office' }
      const draw = rng.next()
      const egress = office.egresses[draw < 0.85 ? 0 : draw < 0.97 ? 1 : 2]
      return { v4: addressOf(egress), v6: null, kind: 'office' }
    },
    beside: () => ({ v4: officeHost, v6: null, kind: 'office' }),
    guest() {
      const block = rng.chance(0.5) ? rng.pick(cafes) : guestBlock()
      return { v4: addressIn(block, rng), v6: null, kind: 'guest' }
    },
    hotel: ({ hotel, from }) => ({
      v4: addressIn(hotel.block, rng.stream(`hotel ${from}`)),
      v6: null,
      kind: 'hotel',
    }),
    vpn() {
      const [first, ...more] = person.vpn
      if (first === undefined) return home(0)
      const provider = rng.chance(0.75) ? first : rng.pick(more)
      return {
        v4: addressIn(exitIn(provider.v4, rng.chance(rates.vpnHomeCountry)), rng),
        v6: null,
        kind: 'vpn',
      }
    },
    relay() {
      const provider = rng.pick(providers.relays)
      return {
        v4: addressIn(exitIn(provider.v4, !rng.chance(rates.relayElsewhere)), rng),
        v6: null,
        kind: 'relay',
      }
    },
    aircraft() {
      const provider = rng.pick(providers.satellite)
      return { v4: addressIn(rng.pick(provider.v4), rng), v6: null, kind: 'aircraft' }
    },
  }

  function addressOf(block: Block | undefined): string {
    return block === undefined ? officeHost : `${block.net}.20`
  }
}

type Living = Pick<Surrounds, 'person' | 'rates' | 'rng'>

/**
 * A line at home: renumbered by a timer, its IPv6 prefix kept for months where the timer is not
 * daily.
 */
function homeLine({ person: { home }, rates, rng }: Living): (at: number) => Line {
  const [own] = home.near
  if (own === undefined) throw new Error('a home has no address')
  let block = own
  let v4 = addressIn(block, rng)
  let renumbered =
    home.everyDays === null ? Number.POSITIVE_INFINITY : rng.next() * home.everyDays * DAY
  const [v6Block] = nearest(home.provider.v6, own)
  let subnet = 1 + rng.below(0xfff0)
  const prefixDays = home.everyDays === 1 ? 1 : rates.v6PrefixDays
  let prefixUntil = rng.next() * prefixDays * DAY
  let hostDay = -1
  let v6: string | null = null

  return (at) => {
    for (; at >= renumbered; renumbered += (home.everyDays ?? 60) * DAY) {
      block = nextBlock(block)
      v4 = addressIn(block, rng)
    }
    for (; at >= prefixUntil; prefixUntil += prefixDays * DAY) {
      subnet = 1 + rng.below(0xfff0)
      hostDay = -1
    }
    const day = Math.floor(at / DAY)
    if (home.dualStack && v6Block !== undefined && day !== hostDay) {
      v6 = addressIn(v6Block, rng, subnet)
      hostDay = day
    }
    return { v4, v6, kind: 'home' }
  }

  function nextBlock(from: Block): Block {
    const draw = rng.next()
    if (draw < rates.renumberSamePrefix) return from
    const area = from.net.split('.', 2).join('.')
    const around = home.near.filter(({ net }) => net.startsWith(`${area}.`))
    if (draw < rates.renumberSamePrefix + rates.renumberSameBlock) return rng.pick(around)
    const close = home.near.slice(0, Math.max(2, Math.ceil(home.near.length * 0.3)))
    return rng.pick(rng.chance(0.7) ? close : home.near)
  }
}

function cellLine(provider: Provider, { person, rates, rng }: Living): Line {
  const [own] = person.home.near
  const blocks = own === undefined ? provider.v4 : nearest(provider.v4, own)
  const close = blocks.slice(0, Math.max(2, Math.ceil(blocks.length * 0.2)))
  const v4 = addressIn(rng.pick(rng.chance(rates.cellAnywhere) ? blocks : close), rng)
  const v6 =
    provider.v6.length > 0 && rng.chance(rates.cellV6)
      ? addressIn(rng.pick(provider.v6), rng, 1 + rng.below(0xfff0))
      : null
  if (rng.chance(rates.nat64)) return { v4: throughNat64(v4), v6: null, kind: 'cell' }
  return { v4, v6, kind: 'cell' }
}

/** RFC 6052: how an IPv4 host looks from an IPv6-only network. */
function throughNat64(v4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number)
  return `64:ff9b::${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
