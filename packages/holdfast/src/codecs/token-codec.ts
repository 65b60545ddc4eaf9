import { hash } from 'node:crypto'
import { sameBytes } from '../core/constant-time.ts'
import { derivedProperties } from '../core/derived-properties.ts'
import type { Host } from '../core/host.ts'
import type { SessionId } from '../core/ids.ts'
import { selectiveMemo } from '../core/memo.ts'
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
import { DIGEST_BYTES } from './family-record.ts'
import type { Hmac } from './hmac.ts'
import type { Keyring } from './keyring.ts'
import type { RingKeys } from './ring-keys.ts'

/** Makes tokens, and tells which are authentic. */
export interface TokenCodec {
  /** A fresh secret for a generation of a family. Without parents it descends from none. */
  mint(claims: NewSecret): Minted
  /** The digest under which a link is on record. */
  linkDigest(link: Uint8Array): string
  /**
   * The link that all first secrets of one step-up name as their parent. Nobody can make it without
   * the secret that the step-up began with.
   */
  stepUpLink(nonce: string, link: Uint8Array): Uint8Array
  /** The claims of a token whose tag is right; else what is wrong with it. Reads nothing else. */
  authenticate(token: string): Claims | TokenFault
}

/** What a new token says. Its secret, and links that are not given, are random. */
export interface NewSecret
  extends Pick<TokenClaims, 'session' | 'kind' | 'family' | 'generation'>,
    Pick<Descent, 'mintedAt'>,
    Partial<Pick<Descent, 'parent' | 'grandparent'>> {}

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
  readonly unlinkedDigest?: string
}

/**
 * `token_malformed`: garbage or a forgery. `token_key_unknown`: it looks like a token, under a key
 * that is not on this ring; it may be a guess.
 */
export type TokenFault = 'token_malformed' | 'token_key_unknown'

/** A new token, and the digest of its link for the record, which few ask for. */
export interface Minted {
  readonly token: string
  readonly digest: string
}

const TAG_BYTES = 16
const REMEMBERED_TOKENS = 5_000

/** Tags with HMAC-SHA-256, and digests with SHA-256. */
export function tokenCodec({
  ring,
  keys: { derived, required },
  host,
}: {
  readonly ring: Keyring
  readonly keys: RingKeys
  readonly host: Host
}): TokenCodec {
  /**
   * Claims of authentic tokens by the token's digest: a client shows one token many times, but a
   * refresh token hardly twice.
   */
  const authentic = selectiveMemo<Claims>(REMEMBERED_TOKENS)
  let known = ring.keys

  /** Nothing that a removed key has tagged may be believed any longer. */
  function forgetOldRing(): void {
    if (ring.keys === known) return
    known = ring.keys
    authentic.clear()
  }

  function checkTag(token: string): Claims | TokenFault {
    const parsed = parseToken(token)
    if (parsed === undefined) return 'token_malformed'
    const { keyId, kind, family, generation, secret, descent } = parsed.claims
    const key = derived(keyId, 'tag')
    if (key === undefined) return 'token_key_unknown'
    const tag = tagOf(key.hmac, parsed.claims.session, parsed.signed)
    if (!sameBytes(tag, parsed.tag)) return 'token_malformed'
    // A copy: a slice of the token would keep all of it in memory.
    const session = Buffer.from(parsed.claims.session, 'latin1').toString('latin1')
    const link = linkOf(parsed.claims, secret)
    const digest = digestOf(link)
    const claims = { session, kind, keyId, family, generation, digest }
    if (descent === null) {
      const unlinkedDigest = digestOf(secret)
      return withLinks({ ...claims, unlinkedDigest }, { link, descent, digests: undefined })
    }
    // Copies: what is remembered must not hold the bytes around them, which are the secret's.
    const { mintedAt } = descent
    const [parent, grandparent] = [descent.parent.slice(), descent.grandparent.slice()]
    return withLinks(claims, {
      link,
      descent: { mintedAt, parent, grandparent },
      digests: undefined,
    })
  }

  return {
    mint({ session, kind, family, generation, mintedAt, ...links }) {
      const { parent = host.random(LINK_BYTES), grandparent = host.random(LINK_BYTES) } = links
      const secret = host.random(SECRET_BYTES)
      const descent = { mintedAt, parent, grandparent }
      const claims = { session, kind, keyId: ring.current, family, generation, secret, descent }
      const signed = signedPart(claims)
      const tag = tagOf(required(ring.current, 'tag').hmac, session, signed)
      const token = formatToken(session, signed, Buffer.from(tag, 'latin1'))
      return withDigest({ token }, claims)
    },

    linkDigest: digestOf,

    stepUpLink(nonce, link) {
      const about = Buffer.from(`step-up.${nonce}.`, 'latin1')
      return hash('sha256', Buffer.concat([about, link]), 'buffer').subarray(0, LINK_BYTES)
    },

    authenticate(token) {
      if (!mayBeToken(token)) return 'token_malformed'
      if (saysRefresh(token)) return checkTag(token)
      forgetOldRing()
      const name = hash('sha256', token, 'binary')
      const before = authentic.get(name)
      if (before !== undefined) return before
      const claims = checkTag(token)
      if (typeof claims !== 'string' && authentic.takes(name)) authentic.set(name, claims)
      return claims
    },
  }
}

interface LinkSource {
  readonly link: string
  readonly descent: Descent | null
  digests: ShownSecret['descent'] | undefined
}

/** The secret that counts is known by its own digest. Its descent is asked for of few tokens. */
const withLinks = derivedProperties<LinkSource, Pick<Claims, 'link' | 'parentLink' | 'descent'>>({
  link: ({ link }) => Buffer.from(link, 'latin1'),
  parentLink: ({ descent }) => descent?.parent,
  descent(source) {
    const { descent } = source
    if (descent === null) return null
    source.digests ??= withDigests(
      { mintedAt: descent.mintedAt },
      { descent, parent: undefined, grandparent: undefined },
    )
    return source.digests
  },
})

interface DigestSource {
  readonly descent: Descent
  parent: string | undefined
  grandparent: string | undefined
}

/** A successor of the secret on record is known by its parent alone. */
const withDigests = derivedProperties<
  DigestSource,
  Pick<NonNullable<ShownSecret['descent']>, 'parent' | 'grandparent'>
>({
  parent(source) {
    source.parent ??= digestOf(source.descent.parent)
    return source.parent
  },
  grandparent(source) {
    source.grandparent ??= digestOf(source.descent.grandparent)
    return source.grandparent
  },
})

const withDigest = derivedProperties<TokenClaims, Pick<Minted, 'digest'>>({
  digest: (claims) => digestOf(linkOf(claims, claims.secret)),
})

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

/** For what is digested at once: a buffer of its own would cost as much as the digest. */
const scratch = Buffer.alloc(256)
