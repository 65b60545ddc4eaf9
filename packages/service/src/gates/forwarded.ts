import type { HeaderLookup, HttpFacts } from 'holdfast/gateway'
import { parseClientAddress } from 'holdfast/network'

/** The client's request, as a gateway reports it. */
export interface ForwardedRequest {
  readonly method: string
  /** As the client wrote it: neither decoded nor normalised. */
  readonly url: string
  readonly host: string
  readonly https: boolean
  /** The address that the gateway itself saw. */
  readonly peer: string
  /** What earlier hops wrote into `X-Forwarded-For`. Whether they are trusted is decided later. */
  readonly before: string | undefined
}

/** Why a report cannot be used: the gateway is configured wrongly, or a client forges headers. */
export type UnreadableReason = 'header_missing' | 'header_malformed' | 'headers_conflict'

/** The reported request, or what is wrong with the report. */
export type ForwardedReading =
  | { readonly ok: true; readonly request: ForwardedRequest }
  | { readonly ok: false; readonly reason: UnreadableReason; readonly detail: string }

/** The fields of a report as a dialect found them; undefined where it found none. */
export interface ForwardedFields {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly host: string | undefined
  readonly proto: string | undefined
  readonly forwardedFor: string | undefined
  /** The client's address, where the gateway reports it outside `X-Forwarded-For`. */
  readonly peer?: string | undefined
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const HOST = /^(?:\[[0-9a-f:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?$/i
const ORIGIN_FORM = /^\/[^\0-\x20\x7f]*$/
const ABSOLUTE_FORM = /^https?:\/\/([^/?#\0-\x20\x7f]+)[^\0-\x20\x7f]*$/i
const SCHEME = /^(?:http|ws)(s?)$/i

/**
 * Checks the fields of one header family. Each must be there once, and no other family may
 * contradict it: the client writes a family that the gateway does not write, and an application
 * that reads that family would believe the client.
 */
export function readForwarded(fields: ForwardedFields, header: HeaderLookup): ForwardedReading {
  const { method, url, host, proto } = fields
  for (const [name, value] of Object.entries({ method, url, host, proto })) {
    if (value === undefined || value === '') return unreadable('header_missing', name)
  }
  if (!METHOD.test(method ?? '')) return unreadable('header_malformed', 'method')
  if (!HOST.test(host ?? '')) return unreadable('header_malformed', 'host')
  const scheme = SCHEME.exec(proto ?? '')
  if (scheme === null) return unreadable('header_malformed', 'proto')
  const absolute = ABSOLUTE_FORM.exec(url ?? '')
  if (absolute === null && url !== '*' && !ORIGIN_FORM.test(url ?? '')) {
    return unreadable('header_malformed', 'url')
  }
  const { peer, before } = lastHop(fields)
  if (peer === undefined) return unreadable('header_missing', 'x-forwarded-for')
  if (parseClientAddress(peer) === undefined)
    return unreadable('header_malformed', 'x-forwarded-for')
  const request = {
    method: method ?? '',
    url: url ?? '',
    host: host ?? '',
    https: scheme[1] !== '',
  }
  if (absolute?.[1] !== undefined && !sameHost(absolute[1], request.host)) {
    return unreadable('headers_conflict', 'host')
  }
  const conflict = contradiction(request, header)
  if (conflict !== undefined) return unreadable('headers_conflict', conflict)
  return { ok: true, request: { ...request, peer, before } }
}

/** A header that may come once. Several lines are joined, so that no check accepts them. */
export function headerText(header: HeaderLookup, name: string): string | undefined {
  const value = header(name)
  return typeof value === 'string' ? value : value?.join(', ')
}

/** Compares with every header in which gateways report method, URL and host. */
function contradiction(
  request: Pick<ForwardedRequest, 'method' | 'url' | 'host'>,
  header: HeaderLookup,
): string | undefined {
  const original = originalUrl(headerText(header, 'x-original-url'))
  for (const name of ['x-forwarded-method', 'x-original-method']) {
    if (differs(headerText(header, name), request.method)) return name
  }
  for (const name of ['x-forwarded-uri', 'x-original-uri', 'x-rewrite-url']) {
    if (differs(headerText(header, name), request.url)) return name
  }
  if (original !== undefined && original.url !== request.url) return 'x-original-url'
  const host = headerText(header, 'x-forwarded-host')
  if (host !== undefined && host !== '' && !sameHost(host, request.host)) return 'x-forwarded-host'
  if (original?.host !== undefined && !sameHost(original.host, request.host))
    return 'x-original-url'
  return undefined
}

/** `X-Original-URL` is an absolute URL with nginx, and a path with others. */
export function originalUrl(
  text: string | undefined,
): { readonly proto?: string; readonly host?: string; readonly url: string } | undefined {
  if (text === undefined || text === '') return undefined
  const match = /^([a-z]{2,5}):\/\/([^/?#]*)(.*)$/i.exec(text)
  const [, proto, host, url] = match ?? []
  if (proto === undefined || host === undefined || url === undefined) return { url: text }
  return { proto, host, url: url.startsWith('/') ? url : `/${url}` }
}

/** The gateway wrote the last entry; the client may have written everything before it. */
function lastHop({
  forwardedFor,
  peer,
}: ForwardedFields): Pick<ForwardedRequest, 'before'> & { readonly peer?: string } {
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

function unreadable(reason: UnreadableReason, detail: string): ForwardedReading {
  return { ok: false, reason, detail }
}

/** The client's request, as the library's checks want it. */
export function factsOf(
  { method, url, host, https, peer, before }: ForwardedRequest,
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
        // Reported in other fields. No earlier hop knows how the gateway's own client connected.
        case 'x-forwarded-proto':
        case ':authority':
          return undefined
        // Gateways drop hop-by-hop headers, but pass on `Sec-WebSocket-Key` of the same handshake.
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
