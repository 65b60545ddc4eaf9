import type { Network, NetworkKind } from '../core/request.ts'
import type { Known } from './known.ts'
import { gapKm } from './travel.ts'

/** Networks of one country count as near each other below this gap, km. */
const NEAR_KM = 100

const HOSTING: ReadonlySet<NetworkKind> = new Set(['hosting', 'vpn', 'tor'])

/** Where a network stands against the known ones. `country_new` is completed by the clock. */
export type NetworkClass =
  | 'network_same_address'
  | 'network_same_prefix'
  | 'network_same_block'
  | 'network_same_asn'
  | 'network_same_asn_far'
  | 'network_asn_known'
  | 'relay_known'
  | 'relay_new'
  | 'hosting_known'
  | 'hosting_new'
  | 'hosting_foreign'
  | 'satellite_network'
  | 'network_new_near'
  | 'network_new_far'
  | 'country_new_mobile'
  | 'country_new'

export interface Classified {
  readonly class: NetworkClass
  /** One of the networks that it matched is confirmed. */
  readonly confirmed: boolean
}

/**
 * The first match wins, from "the same" to "another country". Undefined where the data cannot tell:
 * a private network, nothing to compare with, no country, or no provider where the known networks
 * have one.
 */
export function classifyNetwork(here: Network, all: readonly Known[]): Classified | undefined {
  const known = publicOf(all)
  if (here.kind === 'private' || known.length === 0) return undefined
  return sameLine(here, known) ?? sameProvider(here, known) ?? otherNetwork(here, known)
}

/**
 * Whether the country of a network is one of the known ones; undefined when that cannot be told.
 */
export function isForeign(here: Network, known: readonly Known[]): boolean | undefined {
  const countries = publicOf(known).flatMap(({ network }) => network.country ?? [])
  if (here.country === null || countries.length === 0) return undefined
  return !countries.includes(here.country)
}

/** Behind a misconfigured proxy everybody has the same private address. */
function publicOf(known: readonly Known[]): readonly Known[] {
  return known.filter(({ network }) => network.kind !== 'private')
}

function sameLine(here: Network, known: readonly Known[]): Classified | undefined {
  return (
    found(
      'network_same_address',
      known.filter(({ network }) => same(network.address, here.address)),
    ) ??
    found(
      'network_same_prefix',
      known.filter(({ network }) => same(network.prefix, here.prefix)),
    ) ??
    found(
      'network_same_block',
      known.filter(({ network }) => sameBlock(network, here)),
    )
  )
}

/**
 * Two networks of one block are neighbours, unless their providers or countries are known to
 * differ. A relay has no neighbours.
 */
function sameBlock(a: Network, b: Network): boolean {
  const relay = a.kind === 'relay' || b.kind === 'relay'
  return same(a.block, b.block) && !differ(a.asn, b.asn) && !differ(a.country, b.country) && !relay
}

function sameProvider(here: Network, known: readonly Known[]): Classified | undefined {
  const matches = known.filter(({ network }) => same(network.asn, here.asn))
  const own = matches.filter(({ from }) => from === 'session')
  if (own.length > 0) {
    return found(isFar(here, own) ? 'network_same_asn_far' : 'network_same_asn', own)
  }
  return found('network_asn_known', matches)
}

function otherNetwork(here: Network, known: readonly Known[]): Classified | undefined {
  const like = (test: (kind: NetworkKind) => boolean): readonly Known[] =>
    known.filter(({ network }) => test(network.kind))

  if (here.kind === 'relay') {
    const relays = found(
      'relay_known',
      like((kind) => kind === 'relay'),
    )
    if (relays !== undefined) return relays
  }
  if (providerUnknown(here, known)) return undefined
  if (here.kind === 'relay') return found('relay_new', known)

  const foreign = isForeign(here, known)
  if (HOSTING.has(here.kind)) {
    const before = found(
      'hosting_known',
      like((kind) => HOSTING.has(kind)),
    )
    return before ?? found(foreign === true ? 'hosting_foreign' : 'hosting_new', known)
  }
  if (here.kind === 'satellite') return found('satellite_network', known)
  if (foreign === undefined) return undefined
  if (!foreign) {
    const compatriots = known.filter(({ network }) => network.country === here.country)
    return found(isFar(here, compatriots) ? 'network_new_far' : 'network_new_near', compatriots)
  }
  return found(here.kind === 'mobile' ? 'country_new_mobile' : 'country_new', known)
}

/**
 * A network without a provider may belong to one of the known providers. Where the data has no
 * providers at all, nothing is missing.
 */
export function providerUnknown(
  here: Network,
  known: readonly { readonly network: Network }[],
): boolean {
  return here.asn === null && known.some(({ network }) => network.asn !== null)
}

/** A network is far only where every distance is known. */
function isFar(here: Network, matches: readonly Known[]): boolean {
  return matches.every(({ network }) => (gapKm(here, network) ?? 0) >= NEAR_KM)
}

function found(name: NetworkClass, matches: readonly Known[]): Classified | undefined {
  if (matches.length === 0) return undefined
  return { class: name, confirmed: matches.some(({ confirmed }) => confirmed) }
}

function same<T>(a: T | null, b: T | null): boolean {
  return a !== null && a === b
}

function differ<T>(a: T | null, b: T | null): boolean {
  return a !== null && b !== null && a !== b
}
