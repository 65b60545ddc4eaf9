import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
} from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { type SessionId, SUBJECT_KEY_BYTES, type SubjectKey } from '../core/ids.ts'
import { selectiveMemo } from '../core/memo.ts'
import { isWellFormed } from '../core/request.ts'
import type { Entry } from '../core/store.ts'
import type { Keyring } from './keyring.ts'
import { type DerivedKey, ringKeys } from './ring-keys.ts'
import { type TokenCodec, tokenCodec } from './token-codec.ts'

/** All cryptography of the engine: tokens, seals, names. */
export interface Codec extends TokenCodec {
  /** Throws `invalid_input` for names that are not well-formed: they would share a key. */
  subjectKey(tenant: string, subject: string): SubjectKey
  newSessionId(subject: SubjectKey): SessionId
  seal(identity: RecordIdentity, content: Uint8Array): Uint8Array
  /**
   * Throws `record_invalid` for a record that was altered or moved, `key_unknown` for one whose key
   * has left the ring.
   */
  open(identity: RecordIdentity, sealed: Uint8Array): Buffer
  /** Throws `key_unknown` as `open` does, and opens nothing. */
  requireKey(kind: RecordIdentity['kind'], sealed: Uint8Array): void
  /** Another list once keys have come or gone: what was opened before may not open any longer. */
  keys(): unknown
  sealJson(identity: RecordIdentity, value: unknown): Uint8Array
  /** Throws as `open` does. */
  openJson(identity: RecordIdentity, sealed: Uint8Array): unknown
  /** Whether a record is sealed under another key than the current one, or in an older format. */
  isStale(sealed: Uint8Array): boolean
  /** Binds a form to a session: HMAC of the session id under a key that never rotates. */
  formToken(session: SessionId): string
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
const GCM = { authTagLength: TAG_BYTES }
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES
const KEY_BYTES = 32
/** As many as sessions are remembered as shipped; some 250 bytes each. */
const REMEMBERED_FORM_TOKENS = 20_000

/** For tokens, where the engine says nothing else. */
const REMEMBERED_BYTES = 5_000_000

/** Seals with AES-256-GCM, under a key of its own for each record. */
export function sealingCodec(
  ring: Keyring,
  host: Host,
  rememberedBytes: number = REMEMBERED_BYTES,
): Codec {
  const keys = ringKeys(ring)
  const { required } = keys
  const formTokens = selectiveMemo<string>(REMEMBERED_FORM_TOKENS)

  /** Who is opened is often sealed again right after. */
  let latest: RecordKey | undefined
  const keyBytes = Buffer.alloc(KEY_BYTES)

  /**
   * HKDF-Expand (RFC 5869) of one block, with the id as `info`. No key seals more than the versions
   * of one record, so random nonces are far from ever meeting.
   */
  function recordKey(keyId: string, { kind, id }: RecordIdentity): CipherKey {
    const { hmac } = required(keyId, PURPOSES[kind])
    if (latest?.hmac === hmac && latest.id === id) return latest.key
    keyBytes.write(hmac(id, LAST_BLOCK), 'latin1')
    const key = cipherKey(keyBytes)
    latest = { hmac, id, key }
    return key
  }

  function seal(identity: RecordIdentity, content: Uint8Array): Uint8Array {
    const nonce = host.random(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', recordKey(ring.current, identity), nonce)
    cipher.setAAD(boundTo(FORMAT, ring.current, identity))
    const body = cipher.update(content)
    cipher.final()
    const keyId = Buffer.from(ring.current, 'hex')
    return Buffer.concat([Buffer.of(FORMAT), keyId, nonce, body, cipher.getAuthTag()])
  }

  function open(identity: RecordIdentity, sealed: Uint8Array): Buffer {
    const format = sealed[0] ?? 0
    const known = format === FORMAT || format === SHARED_KEY_FORMAT
    if (!known || sealed.length < HEADER_BYTES + TAG_BYTES) throw altered(identity)
    const keyId = keyIdOf(sealed)
    const key = format === FORMAT ? recordKey(keyId, identity) : required(keyId, identity.kind).key
    try {
      const end = sealed.length - TAG_BYTES
      for (let at = 0; at < IV_BYTES; at++) iv[at] = sealed[1 + KEY_ID_BYTES + at] ?? 0
      for (let at = 0; at < TAG_BYTES; at++) tag[at] = sealed[end + at] ?? 0
      const decipher = createDecipheriv('aes-256-gcm', key, iv, GCM)
      decipher.setAAD(boundTo(format, keyId, identity))
      decipher.setAuthTag(tag)
      const content = decipher.update(sealed.subarray(HEADER_BYTES, end))
      decipher.final()
      return content
    } catch (cause) {
      throw altered(identity, cause)
    }
  }

  return {
    ...tokenCodec({ ring, keys, host, rememberedBytes }),

    subjectKey(tenant, subject) {
      if (!isWellFormed(tenant) || !isWellFormed(subject)) {
        throw new SessionError('invalid_input', 'tenant and subject must be well-formed Unicode')
      }
      return createHmac('sha256', required('index', 'subject').key)
        .update(`${Buffer.byteLength(tenant)}:${tenant}${subject}`)
        .digest()
        .subarray(0, SUBJECT_KEY_BYTES)
        .toString('base64url')
    },

    newSessionId(subject) {
      const tag = Buffer.from(subject, 'base64url')
      return Buffer.concat([tag, host.random(16)]).toString('base64url')
    },

    seal,
    open,
    requireKey: (kind, sealed) => {
      required(keyIdOf(sealed), PURPOSES[kind])
    },
    keys: () => ring.keys,
    sealJson: (identity, value) => seal(identity, Buffer.from(JSON.stringify(value))),
    openJson: (identity, sealed) => JSON.parse(open(identity, sealed).toString()),

    isStale(sealed) {
      return sealed[0] !== FORMAT || keyIdOf(sealed) !== ring.current
    },

    formToken(session) {
      const known = formTokens.get(session)
      if (known !== undefined) return known
      const made = createHmac('sha256', required('index', 'form').key)
        .update(session)
        .digest('base64url')
      if (formTokens.takes(session)) formTokens.set(session, made)
      return made
    },
  }
}

interface RecordKey {
  /** Of its purpose and master key. */
  readonly hmac: DerivedKey['hmac']
  readonly id: string
  readonly key: CipherKey
}

type CipherKey = KeyObject | Buffer

const PURPOSES = {
  session: 'record/session',
  attributes: 'record/attributes',
  subject: 'record/subject',
  event: 'record/event',
  challenge: 'record/challenge',
} as const satisfies Record<RecordIdentity['kind'], string>

/**
 * For a key that is used once: from Node 24 on a cipher takes bytes several times as slowly, and
 * before, making a KeyObject of them costs a third of the cipher. Both copy them.
 */
const cipherKey: (bytes: Buffer) => CipherKey =
  Number.parseInt(process.versions.node, 10) < 24 ? (bytes) => bytes : createSecretKey

/** The id of the key that a sealed value names. */
export function keyIdOf(sealed: Uint8Array): string {
  let number = 0
  for (let at = 1; at <= KEY_ID_BYTES; at++) number = 256 * number + (sealed[at] ?? 0)
  // Nearly all that is opened is under one key.
  if (number !== latestKeyId.number) {
    latestKeyId = { number, text: number.toString(16).padStart(2 * KEY_ID_BYTES, '0') }
  }
  return latestKeyId.text
}

let latestKeyId = { number: 0, text: '00000000' }

/**
 * No field contains a dot, and each kind has a fixed number of fields, so no two identities have
 * the same text. The bytes are good until the next call.
 */
function boundTo(
  format: number,
  keyId: string,
  { kind, id, version, terms = NO_TERMS }: RecordIdentity,
): Buffer {
  let fields = `${format}.${keyId}.${kind}.${id}.${version}.${terms[0] ?? ''}`
  for (let at = 1; at < terms.length; at++) fields += `.${terms[at]}`
  if (fields.length > bound.length) return Buffer.from(fields, 'latin1')
  return bound.subarray(0, bound.write(fields, 'latin1'))
}

const NO_TERMS: readonly number[] = []

/** Ciphers copy what they are given at once: buffers and views cost more than filling these. */
const bound = Buffer.alloc(512)
const iv = Buffer.alloc(IV_BYTES)
const tag = Buffer.alloc(TAG_BYTES)

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

export function eventIdentity(id: string): RecordIdentity {
  return { kind: 'event', id, version: 1 }
}

export function historyIdentity(subject: SubjectKey, version: number): RecordIdentity {
  return { kind: 'subject', id: subject, version }
}
