import { SessionError } from '../core/errors.ts'
import type { Lookup, LookupResult } from '../core/lookup.ts'
import type { Network } from '../core/request.ts'
import { type Address, formatAddress, parseClientAddress, prefixText } from './address.ts'
import { addressSet, parseCidr } from './address-set.ts'

/** Data and prefixes by which networks are described. */
export interface DescribeOptions {
  /** What geo and ASN data say of an address, for example the `lookup` of `geoLookup()`. */
  readonly lookup?: Lookup | undefined
  /** Length of the prefix that counts as "the same network", in bits. Default 24 and 64. */
  readonly prefixes?: { readonly v4: number; readonly v6: number } | undefined
}

const DEFAULT_PREFIXES = { v4: 24, v6: 64 }
const BLOCKS = { v4: 16, v6: 32 }

/**
 * An address in terms that can be compared. An address behind NAT64 is described as its IPv4
 * address. `null`, and text that is no client's address, is the unknown network. Addresses outside
 * the public internet are of kind `private`, keep their prefix and are not looked up.
 *
 * The documentation ranges (RFC 5737, RFC 3849) count as public, because only examples use them.
 * Throws `config_invalid` for prefix lengths that are none: `describeNetwork(null, options)` checks
 * them.
 */
export function describeNetwork(
  ip: string | null,
  { lookup, prefixes = DEFAULT_PREFIXES }: DescribeOptions = {},
): Network {
  return placed(located(ip, prefixes), lookup)
}

/** A network by its address alone, as long as nobody has looked it up. */
export type Located = Network & { readonly kind: 'unknown' | 'private' }

/** The part of {@link describeNetwork} that no data can change. */
export function located(
  ip: string | null,
  prefixes: { readonly v4: number; readonly v6: number } = DEFAULT_PREFIXES,
): Located {
  checkLength('prefixes.v4', prefixes.v4, 32)
  checkLength('prefixes.v6', prefixes.v6, 128)
  const address = translatedAddress(ip)
  if (address === undefined) return UNKNOWN
  return unplaced(
    formatAddress(address),
    prefixText(address, lengthOf(prefixes, address)),
    prefixText(address, lengthOf(BLOCKS, address)),
    isPublic(address) ? 'unknown' : 'private',
  )
}

/** The prefix of {@link located} alone. */
export function prefixOf(
  ip: string | null,
  prefixes: { readonly v4: number; readonly v6: number } = DEFAULT_PREFIXES,
): string | null {
  const address = translatedAddress(ip)
  return address === undefined ? null : prefixText(address, lengthOf(prefixes, address))
}

/**
 * The address of a client; undefined for a text that is none. NAT64 puts an IPv4 address into the
 * last 32 bits of one prefix (RFC 6052): left there, all of IPv4 would be one network.
 */
export function translatedAddress(ip: string | null): Address | undefined {
  const read = ip === null ? undefined : parseClientAddress(ip)
  return read && translated(read)
}

function lengthOf(
  { v4, v6 }: { readonly v4: number; readonly v6: number },
  { family }: Address,
): number {
  return family === 4 ? v4 : v6
}

/** With what geo and ASN data say of it now. */
export function placed(network: Located, lookup: Lookup | undefined): Network {
  const { address, kind } = network
  if (lookup === undefined || address === null || kind === 'private') return network
  const place = lookup(address) ?? NOWHERE
  return {
    ...network,
    asn: place.asn ?? null,
    organisation: place.organisation ?? null,
    kind: place.kind ?? 'unknown',
    country: place.country ?? null,
    city: place.city ?? null,
    latitude: place.latitude ?? null,
    longitude: place.longitude ?? null,
    radiusKm: place.radiusKm ?? null,
  }
}

function translated(address: Address): Address {
  const [first, second, third, last = 0] = address.words
  const nat64 = first === NAT64 && second === 0 && third === 0
  return nat64 ? { family: 4, words: [last] } : address
}

const NAT64 = 0x0064ff9b

/**
 * Whether an address can be that of a client on the public internet (IANA special-purpose
 * registries, RFC 6890).
 */
export function isPublic(address: Address): boolean {
  return address.family === 4 ? !SPECIAL.has(address) : GLOBAL.has(address) && !SPECIAL.has(address)
}

const NOWHERE: LookupResult = {}

/** Every field is named: copying an object takes longer than all of it. */
function unplaced(
  address: string | null,
  prefix: string | null,
  block: string | null,
  kind: Located['kind'],
): Located {
  return {
    address,
    prefix,
    block,
    asn: null,
    organisation: null,
    kind,
    country: null,
    city: null,
    latitude: null,
    longitude: null,
    radiusKm: null,
  }
}

const UNKNOWN = unplaced(null, null, null, 'unknown')

const SPECIAL = setOf([
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // RFC 1918
  '100.64.0.0/10', // carrier-grade NAT, RFC 6598
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local
  '172.16.0.0/12', // RFC 1918
  '192.0.0.0/24', // protocol assignments
  '192.168.0.0/16', // RFC 1918
  '198.18.0.0/15', // benchmarking, RFC 2544
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '2001:2::/48', // benchmarking, RFC 5180
  '2001:10::/28', // ORCHID, RFC 4843
  '2001:20::/28', // ORCHIDv2, RFC 7343
])

/**
 * All of IPv6 that may be seen on the internet; loopback, unique local, link-local and multicast
 * lie outside.
 */
const GLOBAL = setOf([
  '2000::/3', // global unicast, RFC 4291
  '64:ff9b::/96', // NAT64, RFC 6052
])

function setOf(networks: readonly string[]): ReturnType<typeof addressSet> {
  return addressSet(networks.flatMap((text) => parseCidr(text) ?? []))
}

function checkLength(field: string, bits: number, most: number): void {
  if (Number.isInteger(bits) && bits >= 1 && bits <= most) return
  throw new SessionError(
    'config_invalid',
    `${field} must be a whole number of bits from 1 to ${most}, not ${bits}`,
  )
}
