import { type Address, networkOf, parseAddress, parseCidr } from 'holdfast/network'

/**
 * Addresses as text that sorts as they do: `4` or `6`, then all digits in hexadecimal. A network of
 * any length is one range of it.
 */
export interface NetworkRange {
  /** First and last `prefix`, which are the same for a network that is no wider than a prefix. */
  readonly prefixes: readonly [first: string, last: string]
  /** First and last `address_key`; null where the prefixes say it all. */
  readonly addresses: readonly [first: string, last: string] | null
}

/** Characters of a prefix: a /24, or a /64 of IPv6. */
const PREFIX_LENGTH = { 4: 7, 6: 17 }
const PREFIX_BITS = { 4: 24, 6: 64 }

/** Null for what is no address. */
export function addressKey(text: string | null): string | null {
  const address = parseAddress(text ?? '')
  return address === undefined ? null : keyOf(address)
}

/** The /24 or /64 of an {@link addressKey}. */
export function prefixKey(key: string | null): string | null {
  if (key === null) return null
  return key.slice(0, PREFIX_LENGTH[key.startsWith('4') ? 4 : 6])
}

/** Of an address or a network in CIDR notation. Undefined for everything else. */
export function networkRange(text: string): NetworkRange | undefined {
  const cidr = parseCidr(text)
  if (cidr === undefined) return undefined
  const { address, bits } = cidr
  const { family } = address
  const first = keyOf(networkOf(address, bits))
  const last = lastKey(first, bits)
  const length = PREFIX_LENGTH[family]
  return {
    prefixes: [first.slice(0, length), last.slice(0, length)],
    addresses: bits > PREFIX_BITS[family] ? [first, last] : null,
  }
}

function keyOf({ family, words }: Address): string {
  return family + words.map((word) => word.toString(16).padStart(8, '0')).join('')
}

function lastKey(first: string, bits: number): string {
  const digits = first.slice(1)
  const free = (1n << BigInt(4 * digits.length - bits)) - 1n
  const last = BigInt(`0x${digits}`) | free
  return first.charAt(0) + last.toString(16).padStart(digits.length, '0')
}
