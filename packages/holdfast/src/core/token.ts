import { fromBase64url, toBase64url } from './base64url.ts'
import { isSessionId, type SessionId } from './ids.ts'

/** `hf1.<session id>.<proof part>`: 3 + 1 + 43 + 1 + 82 characters, always. */
export const TOKEN_LENGTH = 130

/** How every token begins: the format's name and version. */
export const TOKEN_PREFIX = 'hf1.'
const KINDS = ['session', 'refresh'] as const
const RANDOM_BYTES = 32
const TAG_BYTES = 16
const HEADER_BYTES = 13 // kind 1, key id 4, family 4, generation 4
const SIGNED_BYTES = HEADER_BYTES + RANDOM_BYTES

/** What a token is for: presenting a session, or refreshing it. */
export type TokenKind = (typeof KINDS)[number]

/** What a token says before anybody has checked its tag: claims, not facts. */
export interface TokenClaims {
  readonly session: SessionId
  readonly kind: TokenKind
  /** Which key made the tag: 32 bits as 8 hex digits. */
  readonly keyId: string
  readonly family: number
  readonly generation: number
  /** The secret. Only its digest is ever stored. */
  readonly random: Uint8Array
}

export interface ParsedToken {
  readonly claims: TokenClaims
  /** The bytes under the tag, without the session id. */
  readonly signed: Uint8Array
  readonly tag: Uint8Array
}

/** The proof part without its tag, in its one byte layout. */
export function signedPart(claims: TokenClaims): Uint8Array {
  const bytes = new Uint8Array(SIGNED_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, KINDS.indexOf(claims.kind) + 1)
  view.setUint32(1, Number.parseInt(claims.keyId, 16))
  view.setUint32(5, claims.family)
  view.setUint32(9, claims.generation)
  bytes.set(claims.random, HEADER_BYTES)
  return bytes
}

export function formatToken(session: SessionId, signed: Uint8Array, tag: Uint8Array): string {
  const proof = new Uint8Array(SIGNED_BYTES + TAG_BYTES)
  proof.set(signed)
  proof.set(tag, SIGNED_BYTES)
  return `${TOKEN_PREFIX}${session}.${toBase64url(proof)}`
}

/** Undefined for anything that is not byte for byte a token. Reads no key and no store. */
export function parseToken(text: string): ParsedToken | undefined {
  if (text.length !== TOKEN_LENGTH || !text.startsWith(TOKEN_PREFIX)) return undefined
  const dot = text.indexOf('.', TOKEN_PREFIX.length)
  const session = text.slice(TOKEN_PREFIX.length, dot)
  if (!isSessionId(session)) return undefined
  const proof = fromBase64url(text.slice(dot + 1))
  if (proof === undefined || proof.length !== SIGNED_BYTES + TAG_BYTES) return undefined

  const view = new DataView(proof.buffer, proof.byteOffset)
  const kind = KINDS[view.getUint8(0) - 1]
  if (kind === undefined) return undefined
  return {
    claims: {
      session,
      kind,
      keyId: view.getUint32(1).toString(16).padStart(8, '0'),
      family: view.getUint32(5),
      generation: view.getUint32(9),
      random: proof.slice(HEADER_BYTES, SIGNED_BYTES),
    },
    signed: proof.slice(0, SIGNED_BYTES),
    tag: proof.slice(SIGNED_BYTES),
  }
}
