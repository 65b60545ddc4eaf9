import { SessionError } from '../core/errors.ts'
import { either, group, list, needed, passing, whole, words } from '../core/option-kinds.ts'
import { isObject } from '../core/options.ts'
import { type Address, formatAddress, networkOf, parseAddress } from './address.ts'
import { addressSet, type Cidr, parseCidr } from './address-set.ts'
import { type ForwardingHeader, MAX_HOPS } from './forwarding.ts'

/** Which proxies are believed, and in which header. */
export interface ClientAddressOptions {
  /**
   * Which proxies are believed about the client. Default: none, the socket's peer is the client.
   *
   * - `proxies`: CIDR list. Addresses in it are stepped over; the first that is not in it is the
   *   client.
   * - `hops`: 1 to 32, how many proxies stand before this process. Only right when nobody can reach
   *   this process past one of them.
   */
  readonly trust?: Trust | undefined
  /**
   * The one header family that the trusted proxies write; no other is ever read. Default
   * `x-forwarded-for`. Edges that write one address have a header of their own: `{ single:
   * 'cf-connecting-ip' }`. They must overwrite what clients send under that name.
   */
  readonly header?: ForwardingHeader | undefined
  /**
   * In lower case, the header in which the trusted proxies pass on the JA4 fingerprint of the
   * client's TLS handshake. They must remove it from what clients send: nobody can tell afterwards
   * who wrote it. Default: none is read.
   */
  readonly tlsHeader?: string | undefined
}

const trustOfHops = group<{ readonly hops: number }>()({
  hops: needed(whole({ min: 1, max: MAX_HOPS }), 'hops: 1'),
})

const trustOfProxies = group<{ readonly proxies: readonly string[] }>()(
  { proxies: needed(list(words('an address or a prefix')), "proxies: ['10.0.0.0/8']") },
  {},
  "{ proxies: ['10.0.0.0/8'] }, whose word counts, or { hops: 1 }",
)

/** {@link ClientAddressOptions}, as an option of whoever resolves addresses. */
export const ADDRESS_OPTIONS = group<ClientAddressOptions>()(
  {
    trust: either(trustOfHops, trustOfProxies, (value) => isObject(value) && 'hops' in value),
    header: passing<ForwardingHeader>(
      "x-forwarded-for, forwarded, or { single: 'cf-connecting-ip' }",
      (value) => value === 'x-forwarded-for' || value === 'forwarded' || isSingle(value),
    ),
    tlsHeader: words('the name of a header in lower case'),
  },
  {
    proxies: "write trust: { proxies: ['10.0.0.0/8'] }",
    hops: 'write trust: { hops: 1 }',
    trustProxy: "write trust: { proxies: ['10.0.0.0/8'] }",
    forwardedHeader: 'header',
  },
)

function isSingle(value: unknown): boolean {
  return isObject(value) && 'single' in value
}

/** Whose word about the client counts. */
export type Trust = { readonly proxies: readonly string[] } | { readonly hops: number }

/** The proxies whose word counts, from this process outwards. */
export interface TrustedChain {
  /** Whether what the sender of hop `hop` wrote counts; hop 0 is the peer. */
  trusted(address: Address | undefined, hop: number): boolean
  /** Fewer hops than this, and somebody came past a proxy. */
  readonly least: number
}

/** Throws `config_invalid` for options that make no sense. */
export function trustedChain(options: ClientAddressOptions): TrustedChain {
  const { trust, header = 'x-forwarded-for', tlsHeader } = options
  checkHeader(header)
  checkTlsHeader(tlsHeader, trust)
  return trust === undefined ? NO_CHAIN : chainOf(trust, header)
}

/** Nobody is believed. */
const NO_CHAIN: TrustedChain = { trusted: () => false, least: 0 }

function chainOf(trust: Trust, header: ForwardingHeader): TrustedChain {
  if (typeof trust !== 'object' || trust === null || !('proxies' in trust || 'hops' in trust)) {
    throw invalid('trust', 'must be { proxies: [networks] } or { hops: number }')
  }
  if ('proxies' in trust && 'hops' in trust) {
    throw invalid('trust', 'names both "proxies" and "hops"; keep the one that fits')
  }
  if ('proxies' in trust) {
    if (!Array.isArray(trust.proxies)) throw invalid('trust.proxies', 'must be a list of networks')
    const proxies = addressSet(trust.proxies.map(parseProxy))
    return { trusted: (address) => address !== undefined && proxies.has(address), least: 0 }
  }
  const { hops } = trust
  const most = typeof header === 'object' ? 1 : MAX_HOPS
  if (!Number.isInteger(hops) || hops < 1 || hops > most) {
    const range = most === 1 ? '1 with a single-value header' : `a whole number from 1 to ${most}`
    throw invalid('trust.hops', `must be ${range}; for no proxies leave "trust" out`)
  }
  return { trusted: (_, hop) => hop < hops, least: hops }
}

function parseProxy(text: unknown, at: number): Cidr {
  const field = `trust.proxies[${at}]`
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined
  if (cidr === undefined) {
    throw invalid(field, `must be an address or a network like 10.0.0.0/8${suggestion(text)}`)
  }
  if (cidr.bits === 0) throw invalid(field, 'trusts everybody; list the networks of your proxies')
  return cidr
}

function suggestion(text: unknown): string {
  const [base = '', length = ''] = typeof text === 'string' ? text.split('/') : []
  const address = parseAddress(base)
  if (address === undefined || !/^\d{1,3}$/.test(length)) return ''
  const bits = Math.min(Number(length), 32 * address.words.length)
  return `; did you mean ${formatAddress(networkOf(address, bits))}/${bits}?`
}

function checkHeader(header: unknown): void {
  if (header === 'x-forwarded-for' || header === 'forwarded') return
  const isObject = typeof header === 'object' && header !== null
  const name = isObject && 'single' in header ? header.single : undefined
  if (typeof name !== 'string' || !HEADER_NAME.test(name)) {
    throw invalid(
      'header',
      'must be "x-forwarded-for", "forwarded" or { single: a header name in lower case }',
    )
  }
  if (name === 'x-forwarded-for' || name === 'forwarded') {
    throw invalid('header.single', `holds a list; write header: "${name}"`)
  }
  if (isObject && 'port' in header && !['boolean', 'undefined'].includes(typeof header.port)) {
    throw invalid('header.port', 'must be true where a port always follows the address, or false')
  }
}

function checkTlsHeader(name: unknown, trust: Trust | undefined): void {
  if (name === undefined) return
  if (typeof name !== 'string' || !HEADER_NAME.test(name))
    throw invalid('tlsHeader', 'must be a header name in lower case')
  if (trust === undefined)
    throw invalid('tlsHeader', 'is the word of a proxy; say in "trust" which are believed')
}

const HEADER_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/

function invalid(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}`)
}
