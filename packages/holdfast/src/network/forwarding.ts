import type { HeaderLookup } from '../core/request.ts'
import { type Address, parseClientAddress } from './address.ts'

/** What lies further left or further back than this is not looked at. */
export const MAX_HOPS = 32
const MAX_LENGTH = 2048

/** Where trusted proxies write the client's address. */
export type ForwardingHeader = 'x-forwarded-for' | 'forwarded' | SingleHeader

/** A header that holds exactly one address. */
export interface SingleHeader {
  /** In lower case, for example `x-real-ip`, `cf-connecting-ip` or `cloudfront-viewer-address`. */
  readonly single: string
  /**
   * Whether a port always follows the address, after a colon and without brackets around IPv6
   * (`2001:db8::1:443`). Default: true for `cloudfront-viewer-address`, false for any other; a port
   * that is there all the same is dropped where it cannot be mistaken.
   */
  readonly port?: boolean | undefined
}

/** Nobody can tell from its value that the last group of an IPv6 address is the port. */
const WITH_PORT: ReadonlySet<string> = new Set(['cloudfront-viewer-address'])

/** Why a hop has no address: its writer said so (`unknown`, `_name`), or it cannot be read. */
export type NoAddress = 'hidden' | 'malformed'

/** What proxies wrote about where a request came from, the nearest proxy's word first. */
export interface Forwarding {
  /** Undefined behind the last hop. */
  node(hop: number): Address | NoAddress | undefined
  /**
   * Whether the client used https, as the outermost of so many trusted proxies reports; null when
   * it does not.
   */
  scheme(proxies: number): boolean | 'malformed' | null
  /** Longer than 2 KB or 32 hops: the rest was not looked at. */
  readonly oversized: boolean
}

const SCHEME_HEADER = 'x-forwarded-proto'

/** Headers in which proxies of whatever make name their clients. */
export const CLIENT_HEADERS: readonly string[] = [
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'cf-connecting-ip',
  'true-client-ip',
  'fly-client-ip',
  'fastly-client-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-envoy-external-address',
  'cloudfront-viewer-address',
]

/** The headers of a family: no other is read. */
export function forwardingHeaders(header: ForwardingHeader): readonly string[] {
  if (header === 'forwarded') return [header]
  return [typeof header === 'object' ? header.single : header, SCHEME_HEADER]
}

/** Reads the one configured header family. Never throws. */
export function readForwarding(header: ForwardingHeader, headers: HeaderLookup): Forwarding {
  if (header === 'forwarded') return readForwarded(headers)
  const { elements, oversized } =
    header === 'x-forwarded-for'
      ? elementsFromRight(linesOf(headers, header), false)
      : { elements: linesOf(headers, header.single).slice(0, 1), oversized: false }
  const form = typeof header === 'object' && hasPort(header) ? 'ported' : 'bare'
  return {
    node: (hop) => parsed(elements[hop], (text) => parseNode(unquoted(text), form)),
    scheme(proxies) {
      const values = elementsFromRight(linesOf(headers, SCHEME_HEADER), false).elements
      // Proxies either append their own or hand on the outermost one's.
      const value = values[Math.min(proxies, values.length) - 1]
      return value === undefined ? null : parseScheme(value)
    },
    oversized,
  }
}

function hasPort({ single, port = WITH_PORT.has(single) }: SingleHeader): boolean {
  return port
}

/**
 * `Forwarded`, RFC 7239, strictly: an element that breaks the grammar has no address and no scheme.
 */
function readForwarded(headers: HeaderLookup): Forwarding {
  const { elements, oversized } = elementsFromRight(linesOf(headers, 'forwarded'), true)
  return {
    node: (hop) =>
      parsed(elements[hop], (text) => {
        const pairs = parsePairs(text)
        if (pairs === undefined) return 'malformed'
        const value = pairs.get('for')
        return value === undefined ? 'hidden' : parseNode(value, 'bracketed')
      }),
    scheme(proxies) {
      const element = elements[proxies - 1]
      const pairs = element === undefined ? undefined : parsePairs(element)
      const value = pairs?.get('proto')
      return value === undefined ? null : parseScheme(value)
    },
    oversized,
  }
}

function parsed<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text)
}

/** Repeated lines are one list (RFC 9110, section 5.3). */
function linesOf(headers: HeaderLookup, name: string): readonly string[] {
  const value = headers(name)
  if (value === undefined) return []
  const text = trimmed(typeof value === 'string' ? value : value.join(','))
  return text === '' ? [] : [text]
}

/**
 * The elements of a list from right to left, empty ones left out (RFC 9110, section 5.6.1). Quotes
 * too are paired from the right: a quote that a client leaves open on the left must not swallow
 * what a proxy appended.
 */
function elementsFromRight(
  [line = '']: readonly string[],
  quoting: boolean,
): { readonly elements: readonly string[]; readonly oversized: boolean } {
  const cut = line.length > MAX_LENGTH
  const text = cut ? line.slice(-MAX_LENGTH) : line
  const elements: string[] = []
  let quoted = false
  let end = text.length
  let commas = 0
  for (let i = text.length - 1; i >= 0; i--) {
    const letter = text[i]
    if (quoting && letter === '"' && !isEscaped(text, i)) quoted = !quoted
    if (letter !== ',' || quoted) continue
    const element = trimmed(text.slice(i + 1, end))
    if (element !== '') elements.push(element)
    end = i
    if (++commas === MAX_HOPS) return { elements, oversized: true }
  }
  const first = trimmed(text.slice(0, end))
  // The first element of a cut text may be the tail of another address.
  if (first !== '' && !cut) elements.push(first)
  return { elements, oversized: cut }
}

/**
 * Without spaces and tabs at its ends; other white space belongs to no header (RFC 9110, section
 * 5.6.3).
 */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && (text[start] === ' ' || text[start] === '\t')) start++
  while (end > start && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--
  return text.slice(start, end)
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

function unquoted(text: string): string {
  return text.length > 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

const OBFUSCATED = /^_[0-9A-Za-z._-]{1,64}$/

/**
 * How a node is written. `bracketed`: IPv6 stands in brackets; `bare`: it may, as proxies differ;
 * `ported`: a port ends it, whatever stands before.
 */
type NodeForm = 'bracketed' | 'bare' | 'ported'

/** A node of RFC 7239, section 6. */
function parseNode(text: string, form: NodeForm): Address | NoAddress {
  const { host, port } = splitPort(text, form)
  if (port === undefined ? form === 'ported' : !isPort(port)) return 'malformed'
  if (host.toLowerCase() === 'unknown' || OBFUSCATED.test(host)) return 'hidden'
  const bracketed = host.startsWith('[') && host.endsWith(']')
  const address = parseClientAddress(bracketed ? host.slice(1, -1) : host)
  if (address === undefined) return 'malformed'
  const hasColon = host.includes(':')
  if (bracketed ? !hasColon : hasColon && form === 'bracketed') return 'malformed'
  return address
}

function splitPort(
  text: string,
  form: NodeForm,
): { readonly host: string; readonly port: string | undefined } {
  const colon = text.lastIndexOf(':')
  const bareIpv6 = form === 'bare' && !text.startsWith('[') && text.indexOf(':') !== colon
  if (colon < 0 || bareIpv6 || text.endsWith(']')) return { host: text, port: undefined }
  return { host: text.slice(0, colon), port: text.slice(colon + 1) }
}

function isPort(text: string): boolean {
  return OBFUSCATED.test(text) || (/^\d{1,5}$/.test(text) && Number(text) <= 65_535)
}

const TOKEN = "([!#$%&'*+.^_`|~0-9A-Za-z-]+)"
const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"'
const PAIR = new RegExp(`[ \\t]*(?:${TOKEN}=(?:${QUOTED}|${TOKEN})[ \\t]*)?(?:;|$)`, 'y')

/** Names in lower case. Undefined when the grammar is broken or a name comes twice. */
function parsePairs(element: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  const pattern = new RegExp(PAIR)
  while (pattern.lastIndex < element.length) {
    const match = pattern.exec(element)
    if (match === null) return undefined
    const [, name, quoted, token = ''] = match
    if (name === undefined) continue
    const key = name.toLowerCase()
    if (pairs.has(key)) return undefined
    pairs.set(key, quoted === undefined ? token : quoted.replaceAll(/\\(.)/g, '$1'))
  }
  return pairs
}

function parseScheme(text: string): boolean | 'malformed' {
  const scheme = text.toLowerCase()
  if (scheme === 'https' || scheme === 'wss') return true
  return scheme === 'http' || scheme === 'ws' ? false : 'malformed'
}
