import { hash } from 'node:crypto'
import { sameBytes } from '../core/constant-time.ts'
import type { Host } from '../core/host.ts'
import type { SessionId } from '../core/ids.ts'
import type { ShownSecret } from '../core/rotation.ts'
import {
  type Descent,
  formatToken,
  LINK_BYTES,
  mayBeToken,
  PROOF_BYTES,
  parseToken,
  SECRET_BYTES,
  saysRefresh,
  signedPart,
  type TokenClaims,
  type TokenKind,
} from '../core/token.ts'
import { binaryOf } from './bytes.ts'
import { DIGEST_BYTES } from './family-record.ts'
import type { Hmac } from './hmac.ts'
import type { Keyring } from './keyring.ts'
import type { RingKeys } from './ring-keys.ts'
import { ringMemo } from './ring-memo.ts'

/** Makes tokens, and tells which are authentic. */
export interface TokenCodec {
  /** A fresh secret for a generation of a family. Without parents it descends from none. */
  mint(claims: NewSecret): Minted
  /** As `mint`, where nobody asks for the digest. */
  mintToken(claims: NewSecret): string
  /** The digest under which a link is on record. */
  linkDigest(link: Uint8Array): string
  /**
   * The link that all first secrets of one step-up name as their parent. Nobody can make it without
   * the secret that the step-up began with.
   */
  stepUpLink(nonce: string, link: Uint8Array): Uint8Array
  /** The claims of a token whose tag is right; else what is wrong with it. Reads nothing else. */
  authenticate(token: string): Claims | TokenFault
  /** What the remembered claims take, estimated. */
  bytes(): number
}

/** What a new token says. Its secret, and links that are not given, are random. */
export interface NewSecret
  extends Pick<TokenClaims, 'session' | 'kind' | 'family' | 'generation'>,
    Pick<Descent, 'mintedAt'> {
  readonly parent?: Uint8Array | undefined
  readonly grandparent?: Uint8Array | undefined
}

/**
 * What an authentic token says. Its secret is handed on as its link alone, a one-way image: the
 * record has the digest of the link, and the successor has the link.
 */
export interface Claims
  extends Omit<TokenClaims, 'secret' | 'descent'>,
    Pick<ShownSecret, 'digest' | 'descent'> {
  readonly link: Uint8Array
  /** The link of its parent; undefined where the token does not tell it. */
  readonly parentLink?: Uint8Array | undefined
  /** How a version without links has the secret on record. */
  readonly unlinkedDigest?: string | undefined
}

/**
 * `token_malformed`: garbage or a forgery. `token_key_unknown`: it looks like a token, under a key
 * that is not on this ring; it may be a guess.
 */
export type TokenFault = 'token_malformed' | 'token_key_unknown'

/** A new token, and the digest of its link for the record. */
export interface Minted {
  readonly token: string
  readonly digest: string
}

const TAG_BYTES = 16

/** What remembering the claims of a token takes. */
const CLAIMS_BYTES = 800

/** Tags with HMAC-SHA-256, and digests with SHA-256. */
export function tokenCodec({
  ring,
  keys: { derived, required },
  host,
  rememberedBytes,
}: {
  readonly ring: Keyring
  readonly keys: RingKeys
  readonly host: Host
  readonly rememberedBytes: number
}): TokenCodec {
  /**
   * Claims of authentic tokens by the token's digest: a client shows one token many times, but a
   * refresh token hardly twice.
   */
  const authentic = ringMemo<Claims>(
    () => ring.keys,
    rememberedBytes,
    () => CLAIMS_BYTES,
  )

  function checkTag(token: string): Claims | TokenFault {
    const parsed = parseToken(token, proofOf)
    if (parsed === undefined) return 'token_malformed'
    const key = derived(parsed.claims.keyId, 'tag')
    if (key === undefined) return 'token_key_unknown'
    const tag = tagOf(key.hmac, parsed.claims.session, parsed.signed)
    if (!sameBytes(tag, parsed.tag)) return 'token_malformed'
    return new AuthenticClaims(parsed.claims)
  }

  function secretOf(claims: NewSecret): TokenClaims & { readonly descent: Descent } {
    const { session, kind, family, generation, mintedAt } = claims
    const { parent = host.random(LINK_BYTES), grandparent = host.random(LINK_BYTES) } = claims
    const secret = host.random(SECRET_BYTES)
    const descent = { mintedAt, parent, grandparent }
    return { session, kind, keyId: ring.current, family, generation, secret, descent }
  }

  function tokenOf(claims: TokenClaims & { readonly descent: Descent }): string {
    const { session, keyId } = claims
    const signed = signedPart(claims)
    const tag = tagOf(required(keyId, 'tag').hmac, session, signed)
    return formatToken(session, signed, Buffer.from(tag, 'latin1'), base64urlOf)
  }

  return {
    mint(claims) {
      const made = secretOf(claims)
      return { token: tokenOf(made), digest: digestOf(linkOf(made, made.secret)) }
    },

    mintToken: (claims) => tokenOf(secretOf(claims)),

    linkDigest: digestOf,

    stepUpLink(nonce, link) {
      const about = Buffer.from(`step-up.${nonce}.`, 'latin1')
      return hash('sha256', Buffer.concat([about, link]), 'buffer').subarray(0, LINK_BYTES)
    },

    authenticate(token) {
      if (!mayBeToken(token)) return 'token_malformed'
      if (rememberedBytes === 0 || saysRefresh(token)) return checkTag(token)
      const name = hash('sha256', token, 'binary')
      const before = authentic.get(name)
      if (before !== undefined) return before
      const claims = checkTag(token)
      if (typeof claims !== 'string') authentic.keep(name, () => claims)
      return claims
    },

    bytes: authentic.weight,
  }
}

/**
 * What an authentic token says. What nobody asks for as a rule is worked out where it is asked for:
 * the secret that counts is known by its own digest.
 */
class AuthenticClaims implements Claims {
  readonly session: SessionId
  readonly kind: TokenKind
  readonly keyId: string
  readonly family: string
  readonly generation: number
  readonly digest: string
  readonly unlinkedDigest: string | undefined
  /** Text of a character for each byte: a buffer of its own takes several times as much. */
  private readonly ownLink: string
  private readonly links: LinksBefore | null

  constructor(claims: TokenClaims) {
    const { kind, keyId, family, generation, secret, descent } = claims
    // A copy: a slice of the token would keep all of it in memory.
    const size = scratch.write(claims.session, 'latin1')
    this.session = scratch.toString('latin1', 0, size)
    this.kind = kind
    this.keyId = keyId
    this.family = family
    this.generation = generation
    this.ownLink = linkOf(claims, secret)
    this.digest = digestOf(this.ownLink)
    this.unlinkedDigest = descent === null ? digestOf(secret) : undefined
    this.links = descent === null ? null : new LinksBefore(descent)
  }

  get link(): Uint8Array {
    return Buffer.from(this.ownLink, 'latin1')
  }

  get parentLink(): Uint8Array | undefined {
    return this.links === null ? undefined : Buffer.from(this.links.parentLink, 'latin1')
  }

  get descent(): ShownSecret['descent'] {
    return this.links
  }
}

/** A successor of the secret on record is known by the digest of its parent's link. */
class LinksBefore implements NonNullable<ShownSecret['descent']> {
  readonly mintedAt: number
  readonly parentLink: string
  private readonly grandparentLink: string
  private parentDigest: string | undefined
  private grandparentDigest: string | undefined

  /** What is remembered must not hold the bytes around the links, which are the secret's. */
  constructor({ mintedAt, parent, grandparent }: Descent) {
    this.mintedAt = mintedAt
    this.parentLink = binaryOf(parent)
    this.grandparentLink = binaryOf(grandparent)
  }

  get parent(): string {
    this.parentDigest ??= digestOf(this.parentLink)
    return this.parentDigest
  }

  get grandparent(): string {
    this.grandparentDigest ??= digestOf(this.grandparentLink)
    return this.grandparentDigest
  }
}

function base64urlOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64url')
}

/** 16 characters, one a byte. */
function tagOf(hmac: Hmac, session: SessionId, signed: Uint8Array): string {
  return hmac(session, signed).slice(0, TAG_BYTES)
}

/**
 * A successor shows the link: nobody gets back from it to the secret that it succeeds. A character
 * for each byte.
 */
function linkOf(
  { session, family, generation }: Pick<TokenClaims, 'session' | 'family' | 'generation'>,
  secret: Uint8Array,
): string {
  const about = `link.${session}.${family}.${generation}.`
  const size = scratch.write(about, 'latin1')
  scratch.set(secret, size)
  const digest = hash('sha256', scratch.subarray(0, size + secret.length), 'binary')
  return digest.slice(0, LINK_BYTES)
}

function digestOf(random: string | Uint8Array): string {
  const bytes = typeof random === 'string' ? scratch.subarray(0, random.length) : random
  if (typeof random === 'string') scratch.write(random, 'latin1')
  scratch.write(hash('sha256', bytes, 'binary'), 'latin1')
  // Not cut out of a longer text: comparing such a slice letter by letter costs ten times as much.
  return scratch.toString('hex', 0, DIGEST_BYTES)
}

/**
 * Node's decoder takes what is no letter of base64url for one, or leaves it out: the one spelling
 * is what its encoder writes. The bytes are good until the next call.
 */
function proofOf(text: string): Uint8Array | undefined {
  proof.write(text, 'base64url')
  return proof.toString('base64url') === text ? proof : undefined
}

/** The proof part of the token that is being looked at. */
const proof = Buffer.alloc(PROOF_BYTES)

/** For what is digested at once: a buffer of its own would cost as much as the digest. */
const scratch = Buffer.alloc(256)
