import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { type SessionId, SUBJECT_KEY_BYTES, type SubjectKey, subjectOf } from '../core/ids.ts'
import { formatToken, parseToken, signedPart, type TokenClaims } from '../core/token.ts'
import type { Keyring } from './keyring.ts'

/** All cryptography of the engine: seals, tags, digests, names. */
export interface Codec {
  subjectKey(tenant: string, subject: string): SubjectKey
  newSessionId(subject: SubjectKey): SessionId
  /** A fresh secret for a family's next generation. */
  mint(line: Pick<TokenClaims, 'session' | 'kind' | 'family' | 'generation'>): Minted
  /** The claims of a token whose tag is ours. Undefined otherwise, without touching anything else. */
  authenticate(token: string): TokenClaims | undefined
  digest(random: Uint8Array): string
  /** Constant time for texts of one length. */
  same(a: string, b: string): boolean
  seal(place: Place, value: unknown): Uint8Array
  /** Throws `record_invalid` when it was altered or moved, `key_unknown` when its key has left the ring. */
  open(place: Place, sealed: Uint8Array): unknown
  /** Sealed under another key than the current one. */
  isStale(sealed: Uint8Array): boolean
  /** Binds a form to a session: HMAC of the session id under a key that never rotates. */
  formToken(session: SessionId): string
}

export interface Minted {
  readonly token: string
  readonly digest: string
}

/** Where a sealed value belongs. All of it is authenticated: a value opens in no other place. */
export interface Place {
  readonly kind: 'session' | 'attributes' | 'subject' | 'event' | 'challenge'
  readonly subject: SubjectKey
  readonly id: string
  readonly version: number
}

const FORMAT = 1
const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES
const RANDOM_BYTES = 32

/**
 * AES-256-GCM under keys derived per purpose (HKDF-SHA-256) from the ring, HMAC-SHA-256 tags, SHA-256 digests.
 * Keys are KeyObjects throughout: raw buffers are several times slower on Node 24.
 */
export function sealingCodec(ring: Keyring, host: Host): Codec {
  const derivedKeys = new Map<string, KeyObject>()

  function derived(keyId: string, purpose: string): KeyObject | undefined {
    const name = `${keyId} ${purpose}`
    const known = derivedKeys.get(name)
    if (known !== undefined) return known
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

  function digest(random: Uint8Array): string {
    return createHash('sha256').update(random).digest('base64url')
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
      return { token: formatToken(line.session, signed, tag), digest: digest(random) }
    },

    authenticate(token) {
      const parsed = parseToken(token)
      if (parsed === undefined) return undefined
      const key = derived(parsed.claims.keyId, 'tag')
      if (key === undefined) return undefined
      const expected = tagOf(key, parsed.claims.session, parsed.signed)
      return timingSafeEqual(expected, parsed.tag) ? parsed.claims : undefined
    },

    digest,

    same(a, b) {
      const left = Buffer.from(a)
      const right = Buffer.from(b)
      return left.length === right.length && timingSafeEqual(left, right)
    },

    seal(place, value) {
      const iv = host.random(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', required(ring.current, place.kind), iv)
      cipher.setAAD(boundTo(ring.current, place))
      const body = cipher.update(JSON.stringify(value), 'utf8')
      const rest = cipher.final()
      const keyId = Buffer.from(ring.current, 'hex')
      return Buffer.concat([Buffer.of(FORMAT), keyId, iv, body, rest, cipher.getAuthTag()])
    },

    open(place, sealed) {
      if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== FORMAT) throw altered(place)
      const keyId = Buffer.from(sealed.subarray(1, 1 + KEY_ID_BYTES)).toString('hex')
      const iv = sealed.subarray(1 + KEY_ID_BYTES, HEADER_BYTES)
      const key = required(keyId, place.kind)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
        decipher.setAAD(boundTo(keyId, place))
        decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
        const body = decipher.update(sealed.subarray(HEADER_BYTES, sealed.length - TAG_BYTES))
        return JSON.parse(Buffer.concat([body, decipher.final()]).toString('utf8'))
      } catch (cause) {
        throw altered(place, cause)
      }
    },

    isStale(sealed) {
      return Buffer.from(sealed.subarray(1, 1 + KEY_ID_BYTES)).toString('hex') !== ring.current
    },

    formToken(session) {
      return createHmac('sha256', required('index', 'form')).update(session).digest('base64url')
    },
  }
}

/** Every field has its length in front or a fixed form, so that no two places share an encoding. */
function boundTo(keyId: string, { kind, subject, id, version }: Place): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, keyId, kind, subject, id, version]))
}

function altered({ kind }: Place, cause?: unknown): SessionError {
  return new SessionError(
    'record_invalid',
    `A ${kind} record does not open: it was altered, moved, or sealed under another ring. It is refused.`,
    { cause },
  )
}

/** The place of a session's own record. */
export function sessionPlace(id: SessionId, version: number): Place {
  return { kind: 'session', subject: subjectOf(id), id, version }
}
