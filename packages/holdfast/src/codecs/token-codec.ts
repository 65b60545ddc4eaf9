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
  parseToken,
  SECRET_BYTES,
  saysRefresh,
  signedPart,
  type TokenClaims,
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
    const parsed = parseToken(token)
    if (parsed === undefined) return 'token_malformed'
    const { keyId, kind, family, generation, secret, descent } = parsed.claims
    const key = derived(keyId, 'tag')
    if (key === undefined) return 'token_key_unknown'
    const tag = tagOf(key.hmac, parsed.claims.session, parsed.signed)
    if (!sameBytes(tag, parsed.tag)) return 'token_malformed'
    // A copy: a slice of the token would keep all of it in memory.
    const size = scratch.write(parsed.claims.session, 'latin1')
    const session = scratch.toString('latin1', 0, size)
    const link = linkOf(parsed.claims, secret)
    const digest = digestOf(link)
    const links: Links = { own: link, descent: descent && copyOf(descent) }
    const claims = {
      __proto__: LAZY_CLAIMS,
      session,
      kind,
      keyId,
      family,
      generation,
      digest,
      unlinkedDigest: descent === null ? digestOf(secret) : undefined,
      links,
    }
    return claims as unknown as Claims
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
      if (typeof claims !== 'string') authentic.keep(name, claims)
      return claims
    },

    bytes: authentic.weight,
  }
}

/** Links as text of a character for each byte: a buffer of its own takes several times as much. */
interface Links {
  readonly own: string
  readonly descent: DescentLinks | null
  shown?: ShownSecret['descent']
}

interface DescentLinks {
  readonly mintedAt: number
  readonly parent: string
  readonly grandparent: string
}

/**
 * What is worked out where it is asked for: the secret that counts is known by its own digest.
 * Claims have it from their prototype, because getters of its own cost an object more than all the
 * rest of it.
 */
const LAZY_CLAIMS = {
  links: { own: '', descent: null } as Links,
  get link(): Uint8Array {
    return Buffer.from(this.links.own, 'latin1')
  },
  get parentLink(): Uint8Array | undefined {
    const { descent } = this.links
    return descent === null ? undefined : Buffer.from(descent.parent, 'latin1')
  },
  get descent(): ShownSecret['descent'] {
    const { links } = this
    if (links.descent === null) return null
    const digests = {}
    links.shown ??= { __proto__: LAZY_DESCENT, links: links.descent, digests } as never
    return links.shown ?? null
  },
}

/** A successor of the secret on record is known by its parent alone. */
const LAZY_DESCENT = {
  links: { mintedAt: 0, parent: '', grandparent: '' } as DescentLinks,
  digests: {} as { parent?: string; grandparent?: string },
  get mintedAt(): number {
    return this.links.mintedAt
  },
  get parent(): string {
    this.digests.parent ??= digestOf(this.links.parent)
    return this.digests.parent
  },
  get grandparent(): string {
    this.digests.grandparent ??= digestOf(this.links.grandparent)
    return this.digests.grandparent
  },
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

/** What is remembered must not hold the bytes around the links, which are the secret's. */
function copyOf({ mintedAt, parent, grandparent }: Descent): DescentLinks {
  return { mintedAt, parent: binaryOf(parent), grandparent: binaryOf(grandparent) }
}

/** For what is digested at once: a buffer of its own would cost as much as the digest. */
const scratch = Buffer.alloc(256)
