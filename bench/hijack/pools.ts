import { readFileSync } from 'node:fs'
import type { Lookup, NetworkKind, Place } from 'holdfast'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'

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

/**
 * What an operator's geo and ASN data would say: all of the provider and the place; of what a network is used for
 * only as much as the rates say. `data: 'none'` knows nothing at all.
 */
export function lookupIn(pools: Pools, rates: Rates, rng: Random): Lookup {
  const places = new Map<string, Place>()
  for (const provider of pools.providers) {
    for (const block of [...provider.v4, ...provider.v6]) {
      const { latitude, longitude, country } = block
      const place = { asn: provider.asn, organisation: provider.name, country, latitude, longitude }
      const kind = toldKind(provider.kind, rates, rng)
      places.set(block.net, kind === undefined ? place : { ...place, kind })
    }
  }
  return (address) => places.get(netOf(address))
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
