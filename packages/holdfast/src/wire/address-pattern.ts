import type { Pattern } from './describe.ts'

const PART = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const V4 = `${PART}(?:\\.${PART}){3}`
const H16 = '[0-9A-Fa-f]{1,4}'
const LS32 = `(?:${H16}:${H16}|${V4})`

/** `IPv6address` of RFC 3986, section 3.2.2, rule by rule. */
const V6 = [
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  `(?:${H16})?::(?:${H16}:){4}${LS32}`,
  `(?:(?:${H16}:){0,1}${H16})?::(?:${H16}:){3}${LS32}`,
  `(?:(?:${H16}:){0,2}${H16})?::(?:${H16}:){2}${LS32}`,
  `(?:(?:${H16}:){0,3}${H16})?::${H16}:${LS32}`,
  `(?:(?:${H16}:){0,4}${H16})?::${LS32}`,
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join('|')

/** RFC 4007, section 11. */
const ZONE = '%[0-9A-Za-z.:_\\-]{1,32}'

/** All zeros, also as the IPv4 address of an IPv4-mapped one: no address. */
const ZERO = '0{1,4}'
const MAPPED = [
  `[0:]+:[Ff]{4}:(?:${ZERO}:${ZERO}|0\\.0\\.0\\.0)`,
  `(?:${ZERO}:){5}[Ff]{4}:(?::|:${ZERO}|${ZERO}::)`,
].join('|')
const UNSPECIFIED = `^(?:[0:.]+|${MAPPED})(?:%|$)`

/** One address, as `parseClientAddress` of the network folder reads it. */
export const CLIENT_ADDRESS: Pattern = {
  source: `^(?:${V4}|(?:${V6})(?:${ZONE})?)$`,
  except: UNSPECIFIED,
  problem: 'must be one address of a client without port or brackets, or null',
}
