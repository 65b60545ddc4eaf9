import { fromBase64url, toBase64url } from './base64url.ts'
import { isSessionId, type SessionId } from './ids.ts'

/** `hf1.<session id>.<proof part>`: 3 + 1 + 43 + 1 + 116 characters, always. */
export const TOKEN_LENGTH = 164

/** Tokens that tell nothing of their descent: 82 characters of proof part. Read, never made. */
const UNLINKED_LENGTH = 130

/** How every token begins: the format's name and version. */
export const TOKEN_PREFIX = 'hf1.'

/** The links of a token to the secrets before its own. */
export const LINK_BYTES = 16

/** The secret part of a token. */
export const SECRET_BYTES = 16

const KINDS = ['session', 'refresh'] as const
const TAG_BYTES = 16
const HEADER_BYTES = 23 // kind 1, key id 4, family 8, generation 4, minted at 6
const SIGNED_BYTES = HEADER_BYTES + SECRET_BYTES + 2 * LINK_BYTES
const UNLINKED_HEADER_BYTES = 13 // kind 1, key id 4, family 4, generation 4
const UNLINKED_SECRET_BYTES = 32
const UNLINKED_SIGNED_BYTES = UNLINKED_HEADER_BYTES + UNLINKED_SECRET_BYTES

/** Bytes of the proof part of a token. */
export const PROOF_BYTES = SIGNED_BYTES + TAG_BYTES

/** What a token is for: presenting a session, or refreshing it. */
export type TokenKind = (typeof KINDS)[number]

/** What a token says before anybody has checked its tag: claims, not facts. */
export interface TokenClaims {
  readonly session: SessionId
  readonly kind: TokenKind
  /** Which key made the tag: 32 bits as 8 hex digits. */
  readonly keyId: string
  /** The unbroken line of secrets that it belongs to: 64 bits as 16 hex digits. */
  readonly family: string
  readonly generation: number
  /** The secret. Only the digest of its link is ever stored. */
  readonly secret: Uint8Array
  /** Null in a token of a version that knew no links. */
  readonly descent: Descent | null
}

/** From which secrets a secret descends, and since when. */
export interface Descent {
  /** When it was made, ms since the epoch. */
  readonly mintedAt: number
  /** Link of the secret that it succeeds. Random bytes where there is none. */
  readonly parent: Uint8Array
  /** Link of that secret's parent. Random bytes where there is none. */
  readonly grandparent: Uint8Array
}

export interface ParsedToken {
  readonly claims: TokenClaims
  /** The bytes under the tag, without the session id. */
  readonly signed: Uint8Array
  readonly tag: Uint8Array
}

/** The proof part without its tag, in its one byte layout. */
export function signedPart(claims: TokenClaims & { readonly descent: Descent }): Uint8Array {
  const bytes = new Uint8Array(SIGNED_BYTES)
  const view = new DataView(bytes.buffer)
  const { mintedAt, parent, grandparent } = claims.descent
  view.setUint8(0, KINDS.indexOf(claims.kind) + 1)
  view.setUint32(1, Number.parseInt(claims.keyId, 16))
  view.setUint32(5, Number.parseInt(claims.family.slice(0, 8), 16))
  view.setUint32(9, Number.parseInt(claims.family.slice(8), 16))
  view.setUint32(13, claims.generation)
  view.setUint16(17, Math.floor(mintedAt / 2 ** 32))
  view.setUint32(19, mintedAt % 2 ** 32)
  bytes.set(claims.secret, HEADER_BYTES)
  bytes.set(parent, HEADER_BYTES + SECRET_BYTES)
  bytes.set(grandparent, HEADER_BYTES + SECRET_BYTES + LINK_BYTES)
  return bytes
}

/** `encode` makes base64url of bytes, where somebody has a faster way. */
export function formatToken(
  session: SessionId,
  signed: Uint8Array,
  tag: Uint8Array,
  encode: (bytes: Uint8Array) => string = toBase64url,
): string {
  const proof = new Uint8Array(signed.length + TAG_BYTES)
  proof.set(signed)
  proof.set(tag, signed.length)
  return `${TOKEN_PREFIX}${session}.${encode(proof)}`
}

/**
 * Undefined for anything that is not byte for byte a token. Reads no key and no store. `decode`
 * reads the canonical base64url of {@link PROOF_BYTES}, where somebody has a faster way; what is
 * returned is views of what it answers.
 */
export function parseToken(
  text: string,
  decode: (proof: string) => Uint8Array | undefined = fromBase64url,
): ParsedToken | undefined {
  if (!mayBeToken(text)) return undefined
  const dot = text.indexOf('.', TOKEN_PREFIX.length)
  const session = text.slice(TOKEN_PREFIX.length, dot)
  if (!isSessionId(session)) return undefined
  const linked = text.length === TOKEN_LENGTH
  const proofText = text.slice(dot + 1)
  const proof = linked ? decode(proofText) : fromBase64url(proofText)
  const signedBytes = linked ? SIGNED_BYTES : UNLINKED_SIGNED_BYTES
  if (proof === undefined || proof.length !== signedBytes + TAG_BYTES) return undefined

  const kind = KINDS[(proof[0] ?? 0) - 1]
  if (kind === undefined) return undefined
  const keyId = hexOf(proof, 1, 4)
  const rest = linked ? linkedClaims(proof) : unlinkedClaims(proof)
  return {
    claims: { session, kind, keyId, ...rest },
    signed: proof.subarray(0, signedBytes),
    tag: proof.subarray(signedBytes),
  }
}

/** Whether a text has the length and the beginning of a token. */
export function mayBeToken(text: string): boolean {
  const { length } = text
  return (length === TOKEN_LENGTH || length === UNLINKED_LENGTH) && text.startsWith(TOKEN_PREFIX)
}

/** Whether a text that may be a token says that it is a refresh token. */
export function saysRefresh(text: string): boolean {
  // The second letter of the proof part has the two low bits of the kind.
  return LETTERS_OF_REFRESH.includes(text.charAt(KIND_LETTER))
}

const KIND_LETTER = TOKEN_PREFIX.length + 45
const LETTERS_OF_REFRESH = 'ghijklmnopqrstuv'

type Rest = Omit<TokenClaims, 'session' | 'kind' | 'keyId'>

function linkedClaims(proof: Uint8Array): Rest {
  const parent = HEADER_BYTES + SECRET_BYTES
  const grandparent = parent + LINK_BYTES
  return {
    family: hexOf(proof, 5, 8),
    generation: numberOf(proof, 13, 4),
    secret: proof.subarray(HEADER_BYTES, parent),
    descent: {
      mintedAt: numberOf(proof, 17, 6),
      parent: proof.subarray(parent, grandparent),
      grandparent: proof.subarray(grandparent, SIGNED_BYTES),
    },
  }
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Two digits for each of so many bytes. */
function hexOf(bytes: Uint8Array, at: number, size: number): string {
  let text = ''
  for (let i = at; i < at + size; i++) text += DIGITS[bytes[i] ?? 0]
  return text
}

/** A whole number of at most six bytes, the highest first. */
function numberOf(bytes: Uint8Array, at: number, size: number): number {
  let number = 0
  for (let i = at; i < at + size; i++) number = 256 * number + (bytes[i] ?? 0)
  return number
}

function unlinkedClaims(proof: Uint8Array): Rest {
  return {
    family: hexOf(proof, 5, 4).padStart(16, '0'),
    generation: numberOf(proof, 9, 4),
    secret: proof.subarray(UNLINKED_HEADER_BYTES, UNLINKED_SIGNED_BYTES),
    descent: null,
  }
}
