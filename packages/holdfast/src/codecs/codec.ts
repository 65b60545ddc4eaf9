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
import { memo } from '../core/memo.ts'
import type { Entry } from '../core/store.ts'
import {
  formatToken,
  parseToken,
  signedPart,
  TOKEN_LENGTH,
  type TokenClaims,
} from '../core/token.ts'
import { DIGEST_BYTES } from './family-record.ts'
import type { Keyring } from './keyring.ts'

/** All cryptography of the engine: seals, tags, digests, names. */
export interface Codec {
  subjectKey(tenant: string, subject: string): SubjectKey
  newSessionId(subject: SubjectKey): SessionId
  /** A fresh secret for a family's next generation. */
  mint(line: Pick<TokenClaims, 'session' | 'kind' | 'family' | 'generation'>): Minted
  /** The claims of a token whose tag is ours; else what is wrong with it, without touching anything else. */
  authenticate(token: string): Claims | TokenFault
  seal(place: RecordIdentity, content: Uint8Array): Uint8Array
  /** Throws `record_invalid` when it was altered or moved, `key_unknown` when its key has left the ring. */
  open(place: RecordIdentity, sealed: Uint8Array): Buffer
  sealJson(place: RecordIdentity, value: unknown): Uint8Array
  /** Throws as `open` does. */
  openJson(place: RecordIdentity, sealed: Uint8Array): unknown
  /** Sealed under another key than the current one. */
  isStale(sealed: Uint8Array): boolean
  /** Binds a form to a session: HMAC of the session id under a key that never rotates. */
  formToken(session: SessionId): string
}

/** What an authentic token says. Of its secret nothing is handed on but the digest. */
export interface Claims extends Omit<TokenClaims, 'random'> {
  readonly digest: string
}

/** Garbage and forgeries, or the form of a token under a key that is not on this ring. Nobody can tell the latter from a guess. */
export type TokenFault = 'token_malformed' | 'token_key_unknown'

export interface Minted {
  readonly token: string
  readonly digest: string
}

/** Where a sealed value belongs. All of it is authenticated: a value opens in no other place. */
export interface RecordIdentity {
  readonly kind: 'session' | 'attributes' | 'subject' | 'event' | 'challenge'
  /** Of letters without a dot. The ids of sessions begin with their subject. */
  readonly id: string
  readonly version: number
  /** What stands in clear beside it. */
  readonly terms?: readonly number[]
}

const FORMAT = 1
const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES
const RANDOM_BYTES = 32
const REMEMBERED_TOKENS = 5_000

/**
 * AES-256-GCM under keys derived per purpose (HKDF-SHA-256) from the ring, HMAC-SHA-256 tags, SHA-256 digests.
 * Keys are KeyObjects throughout: raw buffers are several times slower on Node 24.
 */
export function sealingCodec(ring: Keyring, host: Host): Codec {
  /** The keys that the memories below are of. A ring may change in place. */
  let known = ring.keys
  const derivedKeys = new Map<string, KeyObject>()
  /** Claims of tokens whose tag was right, by the digest of the token: a client shows one token many times. */
  const authentic = memo<string, Claims>(REMEMBERED_TOKENS)
  const formTokens = memo<SessionId, string>(REMEMBERED_TOKENS)

  /** What a key that was taken out has tagged and sealed must not be believed any longer. */
  function forgetOldRing(): void {
    if (ring.keys === known) return
    known = ring.keys
    derivedKeys.clear()
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
        `A record is sealed under key ${keyId}, which the key ring does not have. Restore that key.`,
      )
    }
    return key
  }

  function tagOf(key: KeyObject, session: SessionId, signed: Uint8Array): Uint8Array {
    return createHmac('sha256', key).update(session).update(signed).digest().subarray(0, TAG_BYTES)
  }

  function checkTag(token: string): Claims | TokenFault {
    const parsed = parseToken(token)
    if (parsed === undefined) return 'token_malformed'
    const { session, random, ...line } = parsed.claims
    const key = derived(line.keyId, 'tag')
    if (key === undefined) return 'token_key_unknown'
    if (!timingSafeEqual(tagOf(key, session, parsed.signed), parsed.tag)) return 'token_malformed'
    // a copy: a slice of the token would keep all of it in memory
    const id = Buffer.from(session, 'latin1').toString('latin1')
    return { ...line, session: id, digest: digestOf(random) }
  }

  function seal(place: RecordIdentity, content: Uint8Array): Uint8Array {
    const iv = host.random(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', required(ring.current, place.kind), iv)
    cipher.setAAD(boundTo(ring.current, place))
    const body = cipher.update(content)
    cipher.final()
    const keyId = Buffer.from(ring.current, 'hex')
    return Buffer.concat([Buffer.of(FORMAT), keyId, iv, body, cipher.getAuthTag()])
  }

  function open(place: RecordIdentity, sealed: Uint8Array): Buffer {
    if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== FORMAT) throw altered(place)
    const keyId = keyIdOf(sealed)
    const key = required(keyId, place.kind)
    try {
      const iv = sealed.subarray(1 + KEY_ID_BYTES, HEADER_BYTES)
      const end = sealed.length - TAG_BYTES
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
      decipher.setAAD(boundTo(keyId, place))
      decipher.setAuthTag(sealed.subarray(end))
      const content = decipher.update(sealed.subarray(HEADER_BYTES, end))
      decipher.final()
      return content
    } catch (cause) {
      throw altered(place, cause)
    }
  }

  return {
    subjectKey(tenant, subject) {
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

    mint(line) {
      const random = host.random(RANDOM_BYTES)
      const signed = signedPart({ ...line, keyId: ring.current, random })
      const tag = tagOf(required(ring.current, 'tag'), line.session, signed)
      return { token: formatToken(line.session, signed, tag), digest: digestOf(random) }
    },

    authenticate(token) {
      if (token.length !== TOKEN_LENGTH) return 'token_malformed'
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
    sealJson: (place, value) => seal(place, Buffer.from(JSON.stringify(value))),
    openJson: (place, sealed) => JSON.parse(open(place, sealed).toString()),

    isStale(sealed) {
      return keyIdOf(sealed) !== ring.current
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

function digestOf(random: Uint8Array): string {
  // not cut out of a longer text: comparing such a piece letter by letter costs ten times as much
  return hash('sha256', random, 'buffer').toString('hex', 0, DIGEST_BYTES)
}

/** Under which key something was sealed, by its own account. */
export function keyIdOf(sealed: Uint8Array): string {
  const { buffer, byteOffset } = sealed
  return Buffer.from(buffer, byteOffset + 1, KEY_ID_BYTES).toString('hex')
}

/** No field has a dot in it and the number of fields is that of the kind, so that no two places share a text. */
function boundTo(keyId: string, { kind, id, version, terms = [] }: RecordIdentity): Buffer {
  const fields = `${FORMAT}.${keyId}.${kind}.${id}.${version}.${terms.join('.')}`
  return Buffer.from(fields, 'latin1')
}

function altered({ kind }: RecordIdentity, cause?: unknown): SessionError {
  return new SessionError(
    'record_invalid',
    `A ${kind} record does not open: it was altered, moved, or sealed under another ring. It is refused.`,
    { cause },
  )
}

/** Whether one record cannot be opened, for good or until the ring has its key again. Others may. */
export function isUnreadable(error: unknown): error is SessionError {
  if (!(error instanceof SessionError)) return false
  return error.code === 'record_invalid' || error.code === 'key_unknown'
}

/** The place of a session's own record: whoever writes to the store can change neither its deadlines nor its version. */
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
