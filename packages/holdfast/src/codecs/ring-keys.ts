import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { SessionError } from '../core/errors.ts'
import type { Keyring } from './keyring.ts'

/**
 * The keys of a ring by what they are for, one per purpose (HKDF-SHA-256). They are KeyObjects: raw
 * buffers are several times slower on Node 24.
 */
export interface RingKeys {
  /** `index` names the key that never rotates. Undefined: the ring has no such key. */
  derived(keyId: string, purpose: string): KeyObject | undefined
  /** Throws `key_unknown` where the ring has no such key. */
  required(keyId: string, purpose: string): KeyObject
}

/** A ring may change in place: keys that have left it are not given any longer. */
export function ringKeys(ring: Keyring): RingKeys {
  let known = ring.keys
  const derivedKeys = new Map<string, KeyObject>()

  function derived(keyId: string, purpose: string): KeyObject | undefined {
    if (ring.keys !== known) {
      known = ring.keys
      derivedKeys.clear()
    }
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

  return {
    derived,

    required(keyId: string, purpose: string): KeyObject {
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
