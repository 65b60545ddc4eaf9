import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import { type Hmac, hmacUnder } from './hmac.ts'
import type { Keyring } from './keyring.ts'

/**
 * The keys of a ring by what they are for, one per purpose (HKDF-SHA-256).
 */
export interface RingKeys {
  /** `index` names the key that never rotates. Undefined: the ring has no such key. */
  derived(keyId: string, purpose: string): DerivedKey | undefined
  /** Throws `key_unknown` where the ring has no such key. */
  required(keyId: string, purpose: string): DerivedKey
}

export interface DerivedKey {
  /** A KeyObject: ciphers are several times slower with raw buffers on Node 24. */
  readonly key: KeyObject
  readonly hmac: Hmac
}

/** A ring may change in place: keys that have left it are not given any longer. */
export function ringKeys(ring: Keyring): RingKeys {
  let known = ring.keys
  /** By purpose, and by key. */
  const derivedKeys = new Map<string, Map<string, DerivedKey>>()

  function derived(keyId: string, purpose: string): DerivedKey | undefined {
    if (ring.keys !== known) {
      known = ring.keys
      derivedKeys.clear()
    }
    let ofPurpose = derivedKeys.get(purpose)
    const before = ofPurpose?.get(keyId)
    if (before !== undefined) return before
    const master = keyId === 'index' ? ring.index : ring.keys.find(({ id }) => id === keyId)?.secret
    if (master === undefined) return undefined
    const key = createSecretKey(
      Buffer.from(hkdfSync('sha256', master, new Uint8Array(0), `holdfast/1/${purpose}`, 32)),
    )
    const made = { key, hmac: hmacUnder(key) }
    ofPurpose ??= new Map()
    derivedKeys.set(purpose, ofPurpose)
    ofPurpose.set(keyId, made)
    return made
  }

  return {
    derived,

    required(keyId, purpose) {
      const key = derived(keyId, purpose)
      if (key === undefined) {
        throw new SessionError(
          'key_unknown',
          `A record is sealed under key ${keyId}, which the key ring lacks. Restore that key.`,
        )
      }
      return key
    },
  }
}
