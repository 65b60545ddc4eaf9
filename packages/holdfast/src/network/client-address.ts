import { parseJa4 } from '../core/ja4.ts'
import { selectiveMemo } from '../core/memo.ts'
import type { HeaderLookup } from '../core/request.ts'
import { type Address, formatAddress, parseClientAddress } from './address.ts'
import { type Forwarding, forwardingHeaders, readForwarding } from './forwarding.ts'
import { type ClientAddressOptions, type TrustedChain, trustedChain } from './trusted-proxies.ts'

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
  const { header = 'x-forwarded-for', tlsHeader } = options
  const chain = trustedChain(options)
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
function peerReader({ trusted }: TrustedChain): (text: string | undefined) => Peer {
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

function walk(
  peer: Address | undefined,
  forwarding: Forwarding,
  chain: TrustedChain,
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

/** Twice is none: one of them may be the client's. */
function handedOn(value: string | readonly string[] | undefined): string | null {
  const [one, another] = typeof value === 'string' ? [value] : (value ?? [])
  return another === undefined ? parseJa4(one) : null
}
