import { isUtf8 } from 'node:buffer'

/** A token taken apart. Nothing of it is believed yet. */
export interface ParsedJwt {
  readonly kid: string
  /** What the token claims; the key decides. */
  readonly alg: unknown
  /** What was signed: header and payload as they came. */
  readonly signed: Buffer
  readonly payload: Buffer
  readonly signature: Buffer
}

/** Before anything is decoded. Tokens of a Holdfast service have some 600 characters. */
export const MAX_TOKEN_LENGTH = 8_192

const TYPES: readonly string[] = ['at+jwt', 'application/at+jwt']

/**
 * The parts of a compact JWS with the header of an access token (RFC 9068, section 4), or what is
 * wrong with them. Only `typ`, `kid` and `alg` of the header are read: a key that comes with the
 * token (`jwk`, `jku`, `x5u`, `x5c`) is never looked at.
 */
export function parseJwt(token: string): ParsedJwt | string {
  if (token.length > MAX_TOKEN_LENGTH) return `it is longer than ${MAX_TOKEN_LENGTH} characters`
  const parts = token.split('.')
  if (parts.length !== 3) return 'it has not three parts'
  const [header, payload, signature] = parts.map(bytesOf)
  if (header === undefined || payload === undefined || signature === undefined) {
    return 'a part is not base64url in its one spelling'
  }
  const head = jsonOf(header)
  if (typeof head !== 'object' || head === null || Array.isArray(head)) {
    return 'the header is no JSON object'
  }
  const { typ, kid, alg } = head as Readonly<Record<string, unknown>>
  // RFC 7515, section 4.1.9: media types, with or without `application/`, in any case
  if (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase())) {
    return 'typ is not that of an access token'
  }
  // RFC 7515, section 4.1.11: an extension that is not understood. None is; and RFC 7797 is one.
  if (Object.hasOwn(head, 'crit') || Object.hasOwn(head, 'b64')) return 'it asks for an extension'
  if (typeof kid !== 'string' || kid === '') return 'kid names no key'
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1')
  return { kid, alg, signed, payload, signature }
}

/** Readers of other languages stop somewhere; no claim goes that far. */
const MAX_DEPTH = 32

/** The value, or undefined for anything but one JSON text in UTF-8, nested 32 deep at most. */
export function jsonOf(bytes: Buffer): unknown {
  if (!isUtf8(bytes) || depthOf(bytes) > MAX_DEPTH) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined // whoever sent it may send what they like: no value is the whole answer
  }
}

/** How deep objects and arrays are nested, the outermost one counted. */
function depthOf(json: Buffer): number {
  let depth = 0
  let most = 0
  let quoted = false
  for (let at = 0; at < json.length; at++) {
    const letter = json[at]
    if (letter === QUOTE) quoted = !quoted
    else if (quoted) at += letter === BACKSLASH ? 1 : 0
    else if (letter === OPEN_BRACE || letter === OPEN_BRACKET) most = Math.max(most, ++depth)
    else if (letter === CLOSE_BRACE || letter === CLOSE_BRACKET) depth--
  }
  return most
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] =
  Buffer.from('"\\{}[]')

/**
 * Node ignores padding, white space, foreign letters and stray bits. Only the spelling that it
 * would write is accepted.
 */
function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
