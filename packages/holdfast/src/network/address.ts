/**
 * An internet address as numbers: one 32-bit word for IPv4, four for IPv6. An IPv4-mapped IPv6
 * address (`::ffff:0:0/96`, RFC 4291, section 2.5.5.2) is the IPv4 address, in whatever spelling it
 * came.
 */
export interface Address {
  readonly family: 4 | 6
  /** Unsigned, most significant first. */
  readonly words: readonly number[]
}

const MAX_IPV6_TEXT = 45
const ZONE = /^[0-9A-Za-z.:_-]{1,32}$/

/**
 * Reads one address, as strictly as `net.isIP`: dotted decimal of exactly four parts without
 * leading zeros, or IPv6 of RFC 4291. Octal, hexadecimal, short forms, ports, brackets and white
 * space are refused: where two readers disagree about an address, a check can be bypassed.
 *
 * A zone id (`fe80::1%eth0`, RFC 4007) is checked for its letters, at most 32, and dropped: it has
 * a meaning only on the machine that wrote it. Undefined for everything that is not an address;
 * never throws.
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const word = parseIpv4(text)
    return word === undefined ? undefined : { family: 4, words: [word] }
  }
  const percent = text.indexOf('%')
  if (percent >= 0 && !ZONE.test(text.slice(percent + 1))) return undefined
  const words = parseIpv6(percent < 0 ? text : text.slice(0, percent))
  if (words === undefined) return undefined
  const [first, second, third, last] = words
  const mapped = first === 0 && second === 0 && third === 0xffff
  return mapped ? { family: 4, words: [last] } : { family: 6, words }
}

/**
 * Reads an address that can be a client's. `0.0.0.0` and `::`, in any spelling, mean "no address"
 * (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.2): nobody sends from them.
 */
export function parseClientAddress(text: string): Address | undefined {
  const address = parseAddress(text)
  return address?.words.every((word) => word === 0) ? undefined : address
}

/** The one text of an address: dotted decimal, or lower-case IPv6 by RFC 5952. */
export function formatAddress({ family, words }: Address): string {
  if (family === 4) return dotted(words[0] ?? 0)
  const { start, end } = longestZeros(words)
  let text = ''
  for (let at = 0; at < 8; at++) {
    if (at === start) {
      text += '::'
      at = end - 1
    } else {
      const colon = at === 0 || at === end ? '' : ':'
      text += colon + groupAt(words, at).toString(16)
    }
  }
  return text
}

/**
 * The first address of the network of so many bits around an address. `bits`: 0 to 32, or 0 to 128.
 */
export function networkOf({ family, words }: Address, bits: number): Address {
  return { family, words: words.map((word, i) => (word & maskOf(bits - 32 * i)) >>> 0) }
}

/**
 * The network around an address in CIDR notation, for example `203.0.113.0/24` or
 * `2001:db8:1:2::/64`.
 */
export function prefixText(address: Address, bits: number): string {
  if (address.family === 4) return `${dotted((address.words[0] ?? 0) & maskOf(bits))}/${bits}`
  return `${formatAddress(networkOf(address, bits))}/${bits}`
}

/** The 32-bit mask that keeps the first `bits` bits of a word. */
export function maskOf(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0
}

const DOT = 46
const ZERO = 48

function parseIpv4(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined
  let word = 0
  let part = -1
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      if (part < 0 || ++dots > 3) return undefined
      word = word * 256 + part
      part = -1
    } else if (code >= ZERO && code < ZERO + 10) {
      if (part === 0) return undefined // a leading zero: octal to some readers, decimal to others
      part = (part < 0 ? 0 : part * 10) + code - ZERO
      if (part > 255) return undefined
    } else {
      return undefined
    }
  }
  return dots === 3 && part >= 0 ? word * 256 + part : undefined
}

type Words = readonly [number, number, number, number]

function parseIpv6(text: string): Words | undefined {
  if (text.length > MAX_IPV6_TEXT) return undefined
  const gap = text.indexOf('::')
  if (gap < 0) return wordsOf(parseGroups(text, true))
  const head = parseGroups(text.slice(0, gap), false)
  const tail = parseGroups(text.slice(gap + 2), true)
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0)
  return wordsOf([...head, ...zeros, ...tail])
}

function parseGroups(text: string, mayEndDotted: boolean): readonly number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? ''
    if (mayEndDotted && i === parts.length - 1 && part.includes('.')) {
      const word = parseIpv4(part)
      if (word === undefined) return undefined
      groups.push(word >>> 16, word & 0xffff)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

function wordsOf(groups: readonly number[] | undefined): Words | undefined {
  if (groups?.length !== 8) return undefined
  const word = (at: number): number => (groups[at] ?? 0) * 0x10000 + (groups[at + 1] ?? 0)
  return [word(0), word(2), word(4), word(6)]
}

function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
}

function groupAt(words: readonly number[], at: number): number {
  const word = words[at >> 1] ?? 0
  return at % 2 === 0 ? word >>> 16 : word & 0xffff
}

/**
 * The first of the longest runs of two or more zero groups (RFC 5952, section 4.2.3); the length of
 * the list when there is none.
 */
function longestZeros(words: readonly number[]): { readonly start: number; readonly end: number } {
  let best = { start: 8, end: 9 }
  let start = 0
  for (let at = 0; at < 8; at++) {
    if (groupAt(words, at) !== 0) start = at + 1
    else if (at + 1 - start > best.end - best.start) best = { start, end: at + 1 }
  }
  return best
}
