import { type Address, maskOf } from './address.ts'
import type { Cidr } from './address-set.ts'

/**
 * A set of networks that knows the narrowest one around an address; a few bytes each, so that
 * millions fit.
 */
export interface PrefixSet {
  readonly size: number
  /** Length of the narrowest of them that holds the address; undefined when none does. */
  longest(address: Address): number | undefined
}

/** Takes networks one by one. After `build` it is used up. */
export interface PrefixSetBuilder {
  add(network: Cidr): void
  /** Pauses (yields) now and then: sorting millions at one go would keep everybody else waiting. */
  build(): Generator<void, PrefixSet>
}

/** 1,024 buckets for each prefix length: each grows and is sorted by itself. */
const BUCKET_BITS = 10
const FIRST_CAPACITY = 8

/**
 * Masks an address to each prefix length that occurs, the longest first, and looks for that
 * network.
 */
export function prefixSetBuilder(): PrefixSetBuilder {
  const levels = { 4: new Map<number, Level>(), 6: new Map<number, Level>() }
  let size = 0

  return {
    add({ address: { family, words }, bits }) {
      const level = levels[family].get(bits) ?? { bits, width: Math.ceil(bits / 32), buckets: [] }
      levels[family].set(bits, level)
      const network = words.slice(0, level.width)
      const at = bucketOf(network)
      const bucket = level.buckets[at] ?? { words: new Uint32Array(FIRST_CAPACITY), used: 0 }
      level.buckets[at] = bucket
      append(bucket, network)
      size++
    },
    *build() {
      for (const family of [4, 6] as const) {
        for (const { buckets, width } of levels[family].values()) {
          for (const bucket of buckets) {
            if (bucket === undefined) continue
            bucket.words = sorted(bucket.words.slice(0, bucket.used), width)
            yield
          }
        }
      }
      const longestFirst = { 4: byLength(levels[4]), 6: byLength(levels[6]) }
      return {
        size,
        longest: ({ family, words }) =>
          longestFirst[family].find((level) => holds(level, words))?.bits,
      }
    },
  }
}

/** All networks of one length above 0, `width` words each. */
interface Level {
  readonly bits: number
  readonly width: number
  readonly buckets: (Bucket | undefined)[]
}

interface Bucket {
  words: Uint32Array
  used: number
}

function append(bucket: Bucket, network: readonly number[]): void {
  if (bucket.used + network.length > bucket.words.length) {
    const larger = new Uint32Array(bucket.words.length * 2)
    larger.set(bucket.words)
    bucket.words = larger
  }
  bucket.words.set(network, bucket.used)
  bucket.used += network.length
}

/** Neighbours are spread by a multiplicative hash (Knuth, TAOCP 3, 6.4). */
function bucketOf(network: readonly number[]): number {
  let hash = 0
  for (const word of network) hash = Math.imul(hash ^ word, 0x9e37_79b1)
  return hash >>> (32 - BUCKET_BITS)
}

function byLength(levels: ReadonlyMap<number, Level>): readonly Level[] {
  return [...levels.values()].sort((a, b) => b.bits - a.bits)
}

function sorted(words: Uint32Array, width: number): Uint32Array {
  if (width === 1) return words.sort()
  const order = Uint32Array.from({ length: words.length / width }, (_, at) => at * width)
  order.sort((a, b) => compareAt(words, a, { words, at: b, width }))
  const result = new Uint32Array(words.length)
  for (const [to, from] of order.entries()) {
    result.set(words.subarray(from, from + width), to * width)
  }
  return result
}

function holds({ bits, width, buckets }: Level, address: readonly number[]): boolean {
  const wanted = address.slice(0, width).map((word, i) => (word & maskOf(bits - 32 * i)) >>> 0)
  const words = buckets[bucketOf(wanted)]?.words
  if (words === undefined) return false
  let low = 0
  let high = words.length / width
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareAt(words, middle * width, { words: wanted, at: 0, width })
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle
  }
  return false
}

function compareAt(
  words: Uint32Array,
  at: number,
  other: { readonly words: ArrayLike<number>; readonly at: number; readonly width: number },
): number {
  for (let i = 0; i < other.width; i++) {
    const difference = (words[at + i] ?? 0) - (other.words[other.at + i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
