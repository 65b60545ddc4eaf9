import { SessionError } from '../core/errors.ts'
import { parseJa4 } from '../core/ja4.ts'
import { selectiveMemo } from '../core/memo.ts'
import { either, group, list, needed, passing, whole, words } from '../core/option-kinds.ts'
import { isObject } from '../core/options.ts'
import type { HeaderLookup } from '../core/request.ts'
import {
  type Address,
  formatAddress,
  networkOf,
  parseAddress,
  parseClientAddress,
} from './address.ts'
import { addressSet, type Cidr, parseCidr } from './address-set.ts'
import {
  type Forwarding,
  type ForwardingHeader,
  forwardingHeaders,
  MAX_HOPS,
  readForwarding,
} from './forwarding.ts'

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

/** What is known of the client behind the proxies. */
export interface ClientAddress {
  /**
   * Canonical text. `null`: the peer has no address (a unix socket) and nobody trusted named one.
   */
  readonly ip: string | null
  /** How the client reached the outermost trusted proxy; `null` when no trusted proxy said. */
  readonly https: boolean | null
  /** A trusted proxy handed on something malformed, too long, or shorter than `hops` says. */
  readonly suspicious: boolean
  /**
   * JA4, as a trusted proxy passed it on; `null` when none did, or not in that form, or several
   * times.
   */
  readonly tls: string | null
}

/** `peer` is the socket's remote address. Never throws. */
export type ClientAddressResolver = (
  peer: string | undefined,
  headers: HeaderLookup,
) => ClientAddress

/**
 * Who the client is, behind proxies (RFC 7239; ASVS 4.1.3). Starts at the socket's peer and goes
 * from right to left through what trusted proxies wrote. Anybody can write what stands further
 * left, so it is not read. A hop that cannot be read, or is `unknown` or hidden (`_name`), stops
 * the walk at the last address that was established. Reads at most 32 hops and the last 2 KB of a
 * header.
 *
 * The scheme comes from `proto` of `Forwarded`, with the other families from `X-Forwarded-Proto`,
 * under the same trust.
 *
 * Throws `config_invalid` for options that make no sense.
 *
 * @example
 * const resolve = clientAddressResolver({ trust: { proxies: ['10.0.0.0/8'] } })
 * const { ip } = resolve(request.socket.remoteAddress, (name) => request.headers[name])
 */
export function clientAddressResolver(options: ClientAddressOptions = {}): ClientAddressResolver {
  const { trust, header = 'x-forwarded-for', tlsHeader } = options
  checkHeader(header)
  checkTlsHeader(tlsHeader, trust)
  const chain = trust === undefined ? NO_CHAIN : chainOf(trust, header)
  const peerOf = peerReader(chain)
  const names = [...forwardingHeaders(header), ...(tlsHeader === undefined ? [] : [tlsHeader])]
  const resolve = remembering(names, (peer, headers) => {
    const tls = tlsHeader === undefined ? null : handedOn(headers(tlsHeader))
    return { ...walk(peer.address, readForwarding(header, headers), chain), tls }
  })
  return (peerText, headers) => {
    const peer = peerOf(peerText)
    return peer.trusted ? resolve(peer, headers) : peer.alone
  }
}

/** As many as sessions are remembered as shipped: some 400 bytes a peer, 750 a client. */
const REMEMBERED = 20_000

/** Longer texts are no browser's behind a few proxies, and must not fill the memory. */
const MAX_TEXT = 128

/** What is known of the sender of a request before any header is read. */
interface Peer {
  readonly text: string | undefined
  readonly address: Address | undefined
  /** Its headers count. */
  readonly trusted: boolean
  /** The client, where no header counts. */
  readonly alone: ClientAddress
}

/** Reads each peer once: a connection sends many requests, and a proxy has many connections. */
function peerReader({ trusted }: Chain): (text: string | undefined) => Peer {
  const known = selectiveMemo<Peer>(REMEMBERED)

  function read(text: string | undefined): Peer {
    const address = text === undefined ? undefined : parseClientAddress(text)
    return { text, address, trusted: trusted(address, 0), alone: peerOnly(address) }
  }

  return (text) => {
    if (text === undefined) return read(text)
    const before = known.get(text)
    if (before !== undefined) return before
    const peer = read(text)
    if (text.length <= MAX_TEXT && known.takes(text)) known.set(text, peer)
    return peer
  }
}

type ResolveBehind = (peer: Peer, headers: HeaderLookup) => ClientAddress

/** What was resolved, and from what: one value for each of the headers. */
interface Resolved {
  readonly peer: string | undefined
  readonly values: readonly (string | undefined)[]
  readonly address: ClientAddress
}

/**
 * A client keeps its address, and its proxies write the same with each of its requests. So what was
 * resolved is remembered under the first of the headers that are read, or else under the peer, and
 * holds where all of these texts are the same.
 */
function remembering(names: readonly string[], resolve: ResolveBehind): ResolveBehind {
  const known = selectiveMemo<Resolved>(REMEMBERED)
  const [first = ''] = names

  return (peer, headers) => {
    const named = headers(first)
    const key = typeof named === 'string' ? named : peer.text
    const before = key === undefined ? undefined : known.get(key)
    if (before !== undefined && before.peer === peer.text && isFrom(before, names, headers)) {
      return before.address
    }
    const address = resolve(peer, headers)
    const values = shortValues(names, headers)
    if (key === undefined || values === undefined) return address
    if (before !== undefined || known.takes(key)) {
      known.set(key, { peer: peer.text, values, address })
    }
    return address
  }
}

function isFrom({ values }: Resolved, names: readonly string[], headers: HeaderLookup): boolean {
  for (let at = 0; at < names.length; at++) {
    if (headers(names[at] ?? '') !== values[at]) return false
  }
  return true
}

/** Undefined where a header is long, or came in several lines. */
function shortValues(
  names: readonly string[],
  headers: HeaderLookup,
): readonly (string | undefined)[] | undefined {
  const values: (string | undefined)[] = []
  for (const name of names) {
    const value = headers(name)
    if (typeof value === 'object' || (value !== undefined && value.length > MAX_TEXT)) {
      return undefined
    }
    values.push(value)
  }
  return values
}

interface Chain {
  /** Whether what the sender of hop `hop` wrote counts; hop 0 is the peer. */
  trusted(address: Address | undefined, hop: number): boolean
  /** Fewer hops than this, and somebody came past a proxy. */
  readonly least: number
}

function walk(
  peer: Address | undefined,
  forwarding: Forwarding,
  chain: Chain,
): Omit<ClientAddress, 'tls'> {
  let address = peer
  let hop = 0
  let problem = forwarding.oversized
  while (chain.trusted(address, hop)) {
    const next = forwarding.node(hop)
    if (next === undefined) {
      problem ||= hop < chain.least
      break
    }
    hop++
    if (typeof next === 'string') {
      problem ||= next === 'malformed'
      break
    }
    address = next
  }
  const scheme = forwarding.scheme(Math.max(hop, 1))
  return {
    ip: address === undefined ? null : formatAddress(address),
    https: typeof scheme === 'boolean' ? scheme : null,
    suspicious: problem || scheme === 'malformed',
  }
}

function peerOnly(peer: Address | undefined): ClientAddress {
  const ip = peer === undefined ? null : formatAddress(peer)
  return { ip, https: null, suspicious: false, tls: null }
}

/** Nobody is believed. */
const NO_CHAIN: Chain = { trusted: () => false, least: 0 }

function chainOf(trust: Trust, header: ForwardingHeader): Chain {
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

/** Twice is none: one of them may be the client's. */
function handedOn(value: string | readonly string[] | undefined): string | null {
  const [one, another] = typeof value === 'string' ? [value] : (value ?? [])
  return another === undefined ? parseJa4(one) : null
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
