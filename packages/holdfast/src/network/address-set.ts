import { type Address, maskOf, networkOf, parseAddress } from './address.ts'

/** A network in CIDR notation (RFC 4632), as its first address and its length. */
export interface Cidr {
  readonly address: Address
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly bits: number
}

/** A set of networks. */
export interface AddressSet {
  /**
   * Logarithmic in the number of networks. An IPv6 network holds no IPv4 address, not even `::/0`.
   */
  has(address: Address): boolean
}

/**
 * Reads `10.0.0.0/8`, or a single address. A mapped network (`::ffff:10.0.0.0/104`) is the IPv4
 * network. Undefined when it is malformed, has bits set behind the prefix, or carries a zone id.
 */
export function parseCidr(text: string): Cidr | undefined {
  if (text.includes('%')) return undefined
  const slash = text.indexOf('/')
  const base = slash < 0 ? text : text.slice(0, slash)
  const address = parseAddress(base)
  if (address === undefined) return undefined
  const width = 32 * address.words.length
  if (slash < 0) return { address, bits: width }
  const length = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(length)) return undefined
  const mapped = address.family === 4 && base.includes(':')
  const bits = Number(length) - (mapped ? 96 : 0)
  if (bits < 0 || bits > width) return undefined
  return compare(networkOf(address, bits).words, address.words) === 0
    ? { address, bits }
    : undefined
}

/** The union of networks, as sorted intervals that do not overlap. */
export function addressSet(networks: readonly Cidr[]): AddressSet {
  const intervals = { 4: mergedIntervals(networks, 4), 6: mergedIntervals(networks, 6) }
  return {
    has({ family, words }) {
      const sorted = intervals[family]
      let low = 0
      let high = sorted.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (compare(sorted[middle]?.first ?? [], words) <= 0) low = middle + 1
        else high = middle
      }
      const candidate = sorted[low - 1]
      return candidate !== undefined && compare(words, candidate.last) <= 0
    },
  }
}

interface Interval {
  readonly first: readonly number[]
  readonly last: readonly number[]
}

function mergedIntervals(networks: readonly Cidr[], family: 4 | 6): readonly Interval[] {
  const sorted = networks
    .filter(({ address }) => address.family === family)
    .map(({ address, bits }) => ({ first: address.words, last: lastOf(address, bits) }))
    .sort((a, b) => compare(a.first, b.first))
  const merged: Interval[] = []
  for (const interval of sorted) {
    const before = merged.at(-1)
    if (before === undefined || compare(interval.first, before.last) > 0) merged.push(interval)
    else if (compare(interval.last, before.last) > 0) {
      merged[merged.length - 1] = { first: before.first, last: interval.last }
    }
  }
  return merged
}

function lastOf({ words }: Address, bits: number): readonly number[] {
  return words.map((word, i) => (word | ~maskOf(bits - 32 * i)) >>> 0)
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
