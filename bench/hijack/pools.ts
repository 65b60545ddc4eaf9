import { readFileSync } from 'node:fs'
import type { LookupResult } from 'holdfast'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'

type NetworkKind = NonNullable<LookupResult['kind']>

/** A block of addresses that the world hands out: a /24, or a /48. */
export interface Block {
  /** `a.b.c`, or `hex:hex:hex`. */
  readonly net: string
  readonly latitude: number
  readonly longitude: number
  readonly country: string
}

/** A provider and what the sample holds of it. */
export interface Provider {
  readonly asn: number
  readonly name: string
  readonly kind: Exclude<NetworkKind, 'private' | 'unknown' | 'tor'>
  /** Where its customers live; null: everywhere. */
  readonly country: string | null
  readonly v4: readonly Block[]
  readonly v6: readonly Block[]
}

/** Real blocks of real providers; attribution in the file itself. */
export interface Pools {
  readonly providers: readonly Provider[]
  readonly attribution: readonly string[]
  of(kind: Provider['kind'], country?: string): readonly Provider[]
  readonly countries: readonly string[]
}

interface Sampled extends Omit<Provider, 'v4' | 'v6'> {
  readonly v4: readonly string[]
  readonly v6: readonly string[]
}

export function readPools(file: string | URL): Pools {
  const { attribution, providers: sampled } = JSON.parse(readFileSync(file, 'utf8')) as {
    attribution: string[]
    providers: Sampled[]
  }
  const providers = sampled.map((each): Provider => {
    return { ...each, v4: each.v4.map(blockOf), v6: each.v6.map(blockOf) }
  })
  const groups = new Map<string, readonly Provider[]>()
  const of: Pools['of'] = (kind, country) => {
    const key = `${kind} ${country ?? ''}`
    const known = groups.get(key)
    if (known !== undefined) return known
    const found = providers.filter(
      (each) => each.kind === kind && (country === undefined || each.country === country),
    )
    groups.set(key, found)
    return found
  }
  const countries = [...new Set(of('fixed').flatMap(({ country }) => country ?? []))]
  return { providers, attribution, of, countries }
}

function blockOf(text: string): Block {
  const [net = '', latitude, longitude, country = ''] = text.split(' ')
  return { net, latitude: Number(latitude), longitude: Number(longitude), country }
}

/** An address of a block; the host part of IPv6 is random, the /64 within the /48 is given. */
export function addressIn({ net }: Block, rng: Random, subnet = 1): string {
  if (!net.includes(':')) return `${net}.${1 + rng.below(254)}`
  const word = (): string => (1 + rng.below(0xfffe)).toString(16)
  return `${net}:${subnet.toString(16)}:${word()}:${word()}:${word()}:${word()}`
}

/** Another host of the same /24 or /64. */
export function neighbourOf(address: string, rng: Random): string {
  if (!address.includes(':'))
    return `${address.slice(0, address.lastIndexOf('.'))}.${1 + rng.below(254)}`
  return `${address.slice(0, address.lastIndexOf(':'))}:${(1 + rng.below(0xfffe)).toString(16)}`
}

/** What the data says of an address at an instant, ms from the start of the world. */
export type DataAt = (address: string, at: number) => LookupResult | undefined

/** When an update of the data comes. */
const REFRESHED_AT = 45 * 86_400_000

/**
 * What an operator's geo and ASN data would say: all of the provider and the place; of what a
 * network is used for only as much as the rates say. An update moves some blocks to where another
 * one of the provider is.
 */
export function dataIn(pools: Pools, rates: Rates, rng: Random): DataAt {
  const places = new Map<string, LookupResult>()
  const moved = new Map<string, LookupResult>()
  const refresh = rng.stream('refresh')
  for (const provider of pools.providers) {
    const blocks = [...provider.v4, ...provider.v6]
    for (const { net, country, latitude, longitude } of blocks) {
      const place = { asn: provider.asn, organisation: provider.name, country, latitude, longitude }
      const kind = toldKind(provider.kind, rates, rng)
      const told = kind === undefined ? place : { ...place, kind }
      places.set(net, told)
      if (!refresh.chance(rates.geoRefresh)) continue
      const other = refresh.pick(blocks)
      moved.set(net, { ...told, latitude: other.latitude, longitude: other.longitude })
    }
  }
  return (address, at) => {
    const net = netOf(address)
    return (at >= REFRESHED_AT ? moved.get(net) : undefined) ?? places.get(net)
  }
}

function toldKind(kind: Provider['kind'], rates: Rates, rng: Random): NetworkKind | undefined {
  switch (kind) {
    case 'hosting':
    case 'vpn':
      return rng.chance(rates.hostingRecall) ? kind : undefined
    case 'mobile':
      return rng.chance(rates.mobileRecall) ? kind : undefined
    case 'corporate':
      // nobody's list has them unless the operator says so
      return undefined
    default:
      return kind
  }
}

/** The /24 or /48 of an address as the sample writes it. */
function netOf(address: string): string {
  return address.includes(':')
    ? address.split(':', 3).join(':')
    : address.slice(0, address.lastIndexOf('.'))
}
