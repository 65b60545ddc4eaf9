import type { HeaderLookup, HttpFacts } from 'holdfast/gateway'
import { parseAddress } from 'holdfast/network'

/** What a gateway says of the request that it holds in its hands. */
export interface Said {
  readonly method: string
  /** As the client wrote it: neither decoded nor normalised. */
  readonly url: string
  readonly host: string
  readonly https: boolean
  /** The address that the gateway itself saw. */
  readonly peer: string
  /** What those before wrote into `X-Forwarded-For`; theirs to be trusted or not. */
  readonly before: string | undefined
}

/** Why what a gateway says cannot be used: its configuration, or somebody who plays with it. */
export type Unreadable = 'header_missing' | 'header_malformed' | 'headers_conflict'

/** A gateway's word, or what is wrong with it. */
export type Read =
  | { readonly ok: true; readonly said: Said }
  | { readonly ok: false; readonly reason: Unreadable; readonly detail: string }

/** The words as a dialect found them; undefined is what it did not find. */
export interface Words {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly host: string | undefined
  readonly proto: string | undefined
  readonly forwardedFor: string | undefined
  /** What the gateway has of the client's address beside `X-Forwarded-For`. */
  readonly peer?: string | undefined
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/
const HOST = /^(?:\[[0-9a-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i
const ORIGIN_FORM = /^\/[^\0-\x20\x7f]*$/
const ABSOLUTE_FORM = /^https?:\/\/([^/?#\0-\x20\x7f]+)[^\0-\x20\x7f]*$/i
const SCHEME = /^(?:http|ws)(s?)$/i

/**
 * Checks the words of one header family, each of which must be there once, and that no other family says otherwise: a
 * family that the gateway does not write is the client's, and whoever reads it later would be lied to.
 */
export function readWords(words: Words, header: HeaderLookup): Read {
  const { method, url, host, proto } = words
  for (const [name, word] of Object.entries({ method, url, host, proto })) {
    if (word === undefined || word === '') return unreadable('header_missing', name)
  }
  if (!METHOD.test(method ?? '')) return unreadable('header_malformed', 'method')
  if (!HOST.test(host ?? '')) return unreadable('header_malformed', 'host')
  const scheme = SCHEME.exec(proto ?? '')
  if (scheme === null) return unreadable('header_malformed', 'proto')
  const absolute = ABSOLUTE_FORM.exec(url ?? '')
  if (absolute === null && url !== '*' && !ORIGIN_FORM.test(url ?? '')) {
    return unreadable('header_malformed', 'url')
  }
  const { peer, before } = lastHop(words)
  if (peer === undefined) return unreadable('header_missing', 'x-forwarded-for')
  if (parseAddress(peer) === undefined) return unreadable('header_malformed', 'x-forwarded-for')
  const said = { method: method ?? '', url: url ?? '', host: host ?? '', https: scheme[1] !== '' }
  if (absolute?.[1] !== undefined && !sameHost(absolute[1], said.host)) {
    return unreadable('headers_conflict', 'host')
  }
  const conflict = contradiction(said, header)
  if (conflict !== undefined) return unreadable('headers_conflict', conflict)
  return { ok: true, said: { ...said, peer, before } }
}

/** A header that may come once; several lines of one are as unreadable as a list in it. */
export function word(header: HeaderLookup, name: string): string | undefined {
  const value = header(name)
  return typeof value === 'string' ? value : value?.join(', ')
}

/** Every way in which gateways name the method, the address and the host of the request that they hold. */
function contradiction(
  said: Pick<Said, 'method' | 'url' | 'host'>,
  header: HeaderLookup,
): string | undefined {
  const original = originalUrl(word(header, 'x-original-url'))
  for (const name of ['x-forwarded-method', 'x-original-method']) {
    if (differs(word(header, name), said.method)) return name
  }
  for (const name of ['x-forwarded-uri', 'x-original-uri', 'x-rewrite-url']) {
    if (differs(word(header, name), said.url)) return name
  }
  if (original !== undefined && original.url !== said.url) return 'x-original-url'
  const host = word(header, 'x-forwarded-host')
  if (host !== undefined && host !== '' && !sameHost(host, said.host)) return 'x-forwarded-host'
  if (original?.host !== undefined && !sameHost(original.host, said.host)) return 'x-original-url'
  return undefined
}

/** `X-Original-URL` is an absolute URL by nginx's custom, and a path by that of others. */
export function originalUrl(
  text: string | undefined,
): { readonly proto?: string; readonly host?: string; readonly url: string } | undefined {
  if (text === undefined || text === '') return undefined
  const match = /^([a-z]{2,5}):\/\/([^/?#]*)(.*)$/i.exec(text)
  const [, proto, host, url] = match ?? []
  if (proto === undefined || host === undefined || url === undefined) return { url: text }
  return { proto, host, url: url.startsWith('/') ? url : `/${url}` }
}

/** The last entry is the gateway's own; the client may have written everything before it. */
function lastHop({ forwardedFor, peer }: Words): Pick<Said, 'before'> & { readonly peer?: string } {
  if (peer !== undefined) return { peer: addressOf(peer), before: forwardedFor }
  if (forwardedFor === undefined || forwardedFor.trim() === '') return { before: undefined }
  const comma = forwardedFor.lastIndexOf(',')
  const before = comma < 0 ? undefined : forwardedFor.slice(0, comma)
  return { peer: addressOf(forwardedFor.slice(comma + 1).trim()), before }
}

/** Some gateways add the port. */
function addressOf(text: string): string {
  const match = /^\[([^\]]+)\](?::\d{1,5})?$|^([\d.]+):\d{1,5}$/.exec(text)
  return match?.[1] ?? match?.[2] ?? text
}

function differs(other: string | undefined, own: string): boolean {
  return other !== undefined && other !== '' && other !== own
}

function sameHost(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function unreadable(reason: Unreadable, detail: string): Read {
  return { ok: false, reason, detail }
}

/** The client's request, as the library's checks want it. */
export function factsOf(
  { method, url, host, https, peer, before }: Said,
  header: HeaderLookup,
): HttpFacts {
  return {
    method,
    url,
    peer,
    encrypted: https,
    header(name) {
      switch (name) {
        case 'host':
          return host
        case 'x-forwarded-for':
          return before
        // The gateway's word is known already; those before it have none about its own connection.
        case 'x-forwarded-proto':
        case ':authority':
          return undefined
        // Gateways keep the hop's own headers to themselves, and this one of the same handshake goes on.
        case 'upgrade':
          return (
            header(name) ?? (header('sec-websocket-key') === undefined ? undefined : 'websocket')
          )
        default:
          return header(name)
      }
    },
  }
}
