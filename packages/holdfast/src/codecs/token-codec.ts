import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Host } from '../core/host.ts'
import type { SessionId } from '../core/ids.ts'
import { memo } from '../core/memo.ts'
import type { ShownSecret } from '../core/rotation.ts'
import {
  type Descent,
  formatToken,
  LINK_BYTES,
  mayBeToken,
  parseToken,
  SECRET_BYTES,
  signedPart,
  type TokenClaims,
} from '../core/token.ts'
import { DIGEST_BYTES } from './family-record.ts'
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
  readonly parentLink?: Uint8Array
  /** How a version without links has the secret on record. */
  readonly unlinkedDigest?: string
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
  /** Claims of authentic tokens by the token's digest: a client shows one token many times. */
  const authentic = memo<string, Claims>(REMEMBERED_TOKENS)
  let known = ring.keys

  /** Nothing that a removed key has tagged may be believed any longer. */
  function forgetOldRing(): void {
    if (ring.keys === known) return
    known = ring.keys
    authentic.clear()
  }

  function tagOf(key: KeyObject, session: SessionId, signed: Uint8Array): Uint8Array {
    return createHmac('sha256', key).update(session).update(signed).digest().subarray(0, TAG_BYTES)
  }

  function checkTag(token: string): Claims | TokenFault {
    const parsed = parseToken(token)
    if (parsed === undefined) return 'token_malformed'
    const { session, secret, descent, ...claims } = parsed.claims
    const key = derived(claims.keyId, 'tag')
    if (key === undefined) return 'token_key_unknown'
    if (!timingSafeEqual(tagOf(key, session, parsed.signed), parsed.tag)) return 'token_malformed'
    // A copy: a slice of the token would keep all of it in memory.
    const id = Buffer.from(session, 'latin1').toString('latin1')
    const link = linkOf({ ...claims, session }, secret)
    const linked = { ...claims, session: id, link, digest: digestOf(link) }
    if (descent === null) return { ...linked, descent, unlinkedDigest: digestOf(secret) }
    const { mintedAt, parent, grandparent } = descent
    return {
      ...linked,
      parentLink: parent,
      descent: { mintedAt, parent: digestOf(parent), grandparent: digestOf(grandparent) },
    }
  }

  return {
    mint({ session, kind, family, generation, mintedAt, ...links }) {
      const { parent = host.random(LINK_BYTES), grandparent = host.random(LINK_BYTES) } = links
      const secret = host.random(SECRET_BYTES)
      const descent = { mintedAt, parent, grandparent }
      const claims = { session, kind, keyId: ring.current, family, generation, secret, descent }
      const signed = signedPart(claims)
      const tag = tagOf(required(ring.current, 'tag'), session, signed)
      const token = formatToken(session, signed, tag)
      return { token, digest: digestOf(linkOf(claims, secret)) }
    },

    linkDigest: digestOf,

    stepUpLink(nonce, link) {
      const about = Buffer.from(`step-up.${nonce}.`, 'latin1')
      return hash('sha256', Buffer.concat([about, link]), 'buffer').subarray(0, LINK_BYTES)
    },

    authenticate(token) {
      if (!mayBeToken(token)) return 'token_malformed'
      forgetOldRing()
      const name = hash('sha256', token, 'binary')
      const before = authentic.get(name)
      if (before !== undefined) return before
      const claims = checkTag(token)
      if (typeof claims !== 'string') authentic.set(name, claims)
      return claims
    },
  }
}

/** A successor shows the link: nobody gets back from it to the secret that it succeeds. */
function linkOf(
  { session, family, generation }: Pick<TokenClaims, 'session' | 'family' | 'generation'>,
  secret: Uint8Array,
): Uint8Array {
  const about = Buffer.from(`link.${session}.${family}.${generation}.`, 'latin1')
  return hash('sha256', Buffer.concat([about, secret]), 'buffer').subarray(0, LINK_BYTES)
}

function digestOf(random: Uint8Array): string {
  // Not cut out of a longer text: comparing such a slice letter by letter costs ten times as much.
  return hash('sha256', random, 'buffer').toString('hex', 0, DIGEST_BYTES)
}
