import { createSecretKey, type KeyObject } from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { systemHost } from './system-host.ts'

/**
 * The keys of an estate: one index key, which names subjects and never rotates, and master keys,
 * from which every purpose derives its own. The current one seals new records and tokens; older
 * ones still open what they sealed. A ring may change in place (getters): code that uses it reads
 * `keys` and `current` anew each time.
 */
export interface Keyring {
  readonly index: KeyObject
  /** From the oldest to the newest. */
  readonly keys: readonly RingKey[]
  /** Id of the key that seals. */
  readonly current: string
}

/** One master key of a ring. */
export interface RingKey {
  /** 8 hex digits, not zero. */
  readonly id: string
  readonly createdAt: number
  readonly secret: KeyObject
}

const KEY_BYTES = 32
const MAX_KEYS = 64

/** A ring with fresh keys from the host's generator. */
export function newKeyring(host: Host = systemHost()): Keyring {
  const key = newKey(host, [])
  return { index: createSecretKey(host.random(KEY_BYTES)), keys: [key], current: key.id }
}

/**
 * Adds a key that opens and does not seal yet: it waits, after the current one, for
 * {@link rotateKeyring}. Once every process has it, any of them may seal under it. Throws
 * `config_invalid` when the ring holds 64 keys, the most that its file form may have.
 */
export function addKey(ring: Keyring, host: Host = systemHost()): Keyring {
  if (ring.keys.length >= MAX_KEYS) {
    throw new SessionError(
      'config_invalid',
      `The key ring holds ${MAX_KEYS} keys, as many as it may. ` +
        'Run "holdfast reseal", then take its oldest key out.',
    )
  }
  return { ...ring, keys: [...ring.keys, newKey(host, ring.keys)] }
}

/**
 * Makes the newest key current; adds one first when none waits. The older keys stay: they must
 * outlive every token and record under them. Throws as {@link addKey} does.
 */
export function rotateKeyring(ring: Keyring, host: Host = systemHost()): Keyring {
  const ready = ring.keys.at(-1)?.id === ring.current ? addKey(ring, host) : ring
  return { ...ready, current: ready.keys.at(-1)?.id ?? ready.current }
}

/**
 * `current` seals and opens; `older` opens; `waiting` opens, and seals after the next rotation.
 */
export type KeyState = 'older' | 'current' | 'waiting'

/** What may be shown of a ring, oldest first: no key material. */
export function keyringStatus(
  ring: Keyring,
): readonly { readonly id: string; readonly createdAt: number; readonly state: KeyState }[] {
  const current = ring.keys.findIndex(({ id }) => id === ring.current)
  return ring.keys.map(({ id, createdAt }, at) => {
    if (at === current) return { id, createdAt, state: 'current' }
    return { id, createdAt, state: at < current ? 'older' : 'waiting' }
  })
}

/**
 * The file form: JSON with the secrets in clear. Whoever reads it can read every session, so the
 * file must have mode 0600.
 */
export function formatKeyring(ring: Keyring): string {
  const keys = ring.keys.map(({ id, createdAt, secret }) => ({
    id,
    createdAt,
    secret: text(secret),
  }))
  const json = { format: 1, index: text(ring.index), current: ring.current, keys }
  return `${JSON.stringify(json, null, 2)}\n`
}

/** Reads the file form. Throws `config_invalid` that names the field, never its value. */
export function parseKeyring(source: string): Keyring {
  let json: unknown
  try {
    json = JSON.parse(source)
  } catch {
    throw invalid('is not JSON')
  }
  if (!isObject(json) || json.format !== 1) throw invalid('must have "format": 1')
  if (!Array.isArray(json.keys) || json.keys.length === 0) throw invalid('must have "keys"')
  if (json.keys.length > MAX_KEYS) throw invalid(`has more than ${MAX_KEYS} "keys"`)
  const keys = json.keys.map(parseKey)
  const current = json.current
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw invalid('has a key id twice')
  if (typeof current !== 'string' || !keys.some(({ id }) => id === current)) {
    throw invalid('must name one of its keys as "current"')
  }
  return { index: parseSecret(json.index, 'index'), keys, current }
}

function parseKey(value: unknown, at: number): RingKey {
  if (!isObject(value)) throw invalid(`keys[${at}] must be an object`)
  const { id, createdAt, secret } = value
  if (typeof id !== 'string' || !/^[0-9a-f]{8}$/.test(id)) {
    throw invalid(`keys[${at}].id must be 8 hex digits`)
  }
  if (typeof createdAt !== 'number' || !Number.isSafeInteger(createdAt)) {
    throw invalid(`keys[${at}].createdAt must be ms since the epoch`)
  }
  return { id, createdAt, secret: parseSecret(secret, `keys[${at}].secret`) }
}

function parseSecret(value: unknown, field: string): KeyObject {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64url') : Buffer.alloc(0)
  if (bytes.length !== KEY_BYTES) throw invalid(`${field} must be 32 bytes in base64url`)
  return createSecretKey(bytes)
}

function newKey(host: Host, taken: readonly RingKey[]): RingKey {
  for (;;) {
    const id = Buffer.from(host.random(4)).toString('hex')
    if (id === '00000000' || taken.some((key) => key.id === id)) continue
    return { id, createdAt: host.now(), secret: createSecretKey(host.random(KEY_BYTES)) }
  }
}

function text(key: KeyObject): string {
  return key.export().toString('base64url')
}

function invalid(problem: string): SessionError {
  return new SessionError(
    'config_invalid',
    `The key ring ${problem}. Make one with "holdfast keys new".`,
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
