import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { type SessionId, SUBJECT_KEY_BYTES, type SubjectKey } from '../core/ids.ts'
import { type Memo, memo } from '../core/memo.ts'
import { isWellFormed } from '../core/request.ts'
import type { ShownSecret } from '../core/rotation.ts'
import type { Entry } from '../core/store.ts'
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

/** All cryptography of the engine: seals, tags, digests, names. */
export interface Codec {
  /** Throws `invalid_input` for names that are not well-formed: they would share a key. */
  subjectKey(tenant: string, subject: string): SubjectKey
  newSessionId(subject: SubjectKey): SessionId
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
  seal(identity: RecordIdentity, content: Uint8Array): Uint8Array
  /**
   * Throws `record_invalid` for a record that was altered or moved, `key_unknown` for one whose key
   * has left the ring.
   */
  open(identity: RecordIdentity, sealed: Uint8Array): Buffer
  sealJson(identity: RecordIdentity, value: unknown): Uint8Array
  /** Throws as `open` does. */
  openJson(identity: RecordIdentity, sealed: Uint8Array): unknown
  /** Whether a record is sealed under another key than the current one, or in an older format. */
  isStale(sealed: Uint8Array): boolean
  /** Binds a form to a session: HMAC of the session id under a key that never rotates. */
  formToken(session: SessionId): string
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

/** Says which record a sealed value is. It is authenticated, so the value opens as no other one. */
export interface RecordIdentity {
  readonly kind: 'session' | 'attributes' | 'subject' | 'event' | 'challenge'
  /** Letters without a dot. A session id begins with its subject. */
  readonly id: string
  readonly version: number
  /** What is stored in clear beside it. */
  readonly terms?: readonly number[]
}

/** Records of this format are sealed with a key of their own. */
const FORMAT = 2

/** Records of the first format share the key of their kind. They are read, and written no more. */
const SHARED_KEY_FORMAT = 1
const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const LAST_BLOCK = Uint8Array.of(1)
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES
const REMEMBERED_TOKENS = 5_000

/**
 * 6 to 13 MB. A session is opened at each of its versions, so its key is of use again. That of an
 * event is not, and is not remembered.
 */
const REMEMBERED_RECORD_KEYS = 5_000

/**
 * Seals with AES-256-GCM, tags with HMAC-SHA-256 and digests with SHA-256. Keys are derived from
 * the ring, one per purpose (HKDF-SHA-256), and from those of records one per record. They are
 * KeyObjects throughout: raw buffers are several times slower on Node 24.
 */
export function sealingCodec(ring: Keyring, host: Host): Codec {
  /** The keys that the caches below belong to. A ring may change in place. */
  let known = ring.keys
  const derivedKeys = new Map<string, KeyObject>()
  /** Claims of authentic tokens by the token's digest: a client shows one token many times. */
  const authentic = memo<string, Claims>(REMEMBERED_TOKENS)
  const formTokens = memo<SessionId, string>(REMEMBERED_TOKENS)
  /** By the key that they are derived from, and by the id of the record. */
  const recordKeys = new Map<KeyObject, Memo<string, KeyObject>>()

  /** Nothing that a removed key has tagged or sealed may be believed any longer. */
  function forgetOldRing(): void {
    if (ring.keys === known) return
    known = ring.keys
    derivedKeys.clear()
    recordKeys.clear()
    authentic.clear()
  }

  function derived(keyId: string, purpose: string): KeyObject | undefined {
    forgetOldRing()
    const name = `${keyId} ${purpose}`
    const before = derivedKeys.get(name)
    if (before !== undefined) return before
    const master = keyId === 'index' ? ring.index : ring.keys.find(({ id }) => id === keyId)?.secret
    if (master === undefined) return undefined
    const key = createSecretKey(
      Buffer.from(hkdfSync('sha256', master, new Uint8Array(0), `holdfast/1/${purpose}`, 32)),
    )
    derivedKeys.set(name, key)
    return key
  }

  function required(keyId: string, purpose: string): KeyObject {
    const key = derived(keyId, purpose)
    if (key === undefined) {
      throw new SessionError(
        'key_unknown',
        `A record is sealed under key ${keyId}, which the key ring lacks. Restore that key.`,
      )
    }
    return key
  }

  /**
   * HKDF-Expand (RFC 5869) of one block, with the id as `info`. No key seals more than the versions
   * of one record, so random nonces are far from ever meeting.
   */
  function recordKey(keyId: string, { kind, id }: RecordIdentity): KeyObject {
    const ofKind = required(keyId, `record/${kind}`)
    const known = recordKeys.get(ofKind) ?? memo(REMEMBERED_RECORD_KEYS)
    recordKeys.set(ofKind, known)
    const before = known.get(id)
    if (before !== undefined) return before
    const key = createSecretKey(
      createHmac('sha256', ofKind).update(id, 'latin1').update(LAST_BLOCK).digest(),
    )
    if (kind !== 'event' && kind !== 'challenge') known.set(id, key)
    return key
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

  function seal(identity: RecordIdentity, content: Uint8Array): Uint8Array {
    const iv = host.random(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', recordKey(ring.current, identity), iv)
    cipher.setAAD(boundTo(FORMAT, ring.current, identity))
    const body = cipher.update(content)
    cipher.final()
    const keyId = Buffer.from(ring.current, 'hex')
    return Buffer.concat([Buffer.of(FORMAT), keyId, iv, body, cipher.getAuthTag()])
  }

  function open(identity: RecordIdentity, sealed: Uint8Array): Buffer {
    const [format = 0] = sealed
    const known = format === FORMAT || format === SHARED_KEY_FORMAT
    if (!known || sealed.length < HEADER_BYTES + TAG_BYTES) throw altered(identity)
    const keyId = keyIdOf(sealed)
    const key = format === FORMAT ? recordKey(keyId, identity) : required(keyId, identity.kind)
    try {
      const iv = sealed.subarray(1 + KEY_ID_BYTES, HEADER_BYTES)
      const end = sealed.length - TAG_BYTES
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
      decipher.setAAD(boundTo(format, keyId, identity))
      decipher.setAuthTag(sealed.subarray(end))
      const content = decipher.update(sealed.subarray(HEADER_BYTES, end))
      decipher.final()
      return content
    } catch (cause) {
      throw altered(identity, cause)
    }
  }

  return {
    subjectKey(tenant, subject) {
      if (!isWellFormed(tenant) || !isWellFormed(subject)) {
        throw new SessionError('invalid_input', 'tenant and subject must be well-formed Unicode')
      }
      return createHmac('sha256', required('index', 'subject'))
        .update(`${Buffer.byteLength(tenant)}:${tenant}${subject}`)
        .digest()
        .subarray(0, SUBJECT_KEY_BYTES)
        .toString('base64url')
    },

    newSessionId(subject) {
      const tag = Buffer.from(subject, 'base64url')
      return Buffer.concat([tag, host.random(16)]).toString('base64url')
    },

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

    seal,
    open,
    sealJson: (identity, value) => seal(identity, Buffer.from(JSON.stringify(value))),
    openJson: (identity, sealed) => JSON.parse(open(identity, sealed).toString()),

    isStale(sealed) {
      return sealed[0] !== FORMAT || keyIdOf(sealed) !== ring.current
    },

    formToken(session) {
      const known = formTokens.get(session)
      if (known !== undefined) return known
      const made = createHmac('sha256', required('index', 'form'))
        .update(session)
        .digest('base64url')
      formTokens.set(session, made)
      return made
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

/** The id of the key that a sealed value names. */
export function keyIdOf(sealed: Uint8Array): string {
  const { buffer, byteOffset } = sealed
  return Buffer.from(buffer, byteOffset + 1, KEY_ID_BYTES).toString('hex')
}

/**
 * No field contains a dot, and each kind has a fixed number of fields, so no two identities have
 * the same text.
 */
function boundTo(
  format: number,
  keyId: string,
  { kind, id, version, terms = [] }: RecordIdentity,
): Buffer {
  const fields = `${format}.${keyId}.${kind}.${id}.${version}.${terms.join('.')}`
  return Buffer.from(fields, 'latin1')
}

function altered({ kind }: RecordIdentity, cause?: unknown): SessionError {
  return new SessionError(
    'record_invalid',
    `A ${kind} record does not open: it was altered, moved, or sealed under another ring. ` +
      'It is refused.',
    { cause },
  )
}

/** Whether an error means that one record does not open. Other records may. */
export function isUnreadable(error: unknown): error is SessionError {
  if (!(error instanceof SessionError)) return false
  return error.code === 'record_invalid' || error.code === 'key_unknown'
}

/** Binds version and deadlines to a session's record, so that nobody changes them in the store. */
export function sessionIdentity(
  entry: Pick<Entry, 'id' | 'version' | 'createdAt' | 'deadline' | 'idleMs'>,
): RecordIdentity {
  const { id, version, createdAt, deadline, idleMs } = entry
  return { kind: 'session', id, version, terms: [createdAt, deadline, idleMs] }
}

export function attributesIdentity(id: SessionId, version: number): RecordIdentity {
  return { kind: 'attributes', id, version }
}

export function historyIdentity(subject: SubjectKey, version: number): RecordIdentity {
  return { kind: 'subject', id: subject, version }
}
