import {
  historyIdentity,
  isUnreadable,
  keyIdOf,
  sealingCodec,
  sessionIdentity,
} from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { systemHost } from '../codecs/system-host.ts'
import { SessionError } from '../core/errors.ts'
import { PARTITIONS } from '../core/ids.ts'
import type { Store } from '../core/store.ts'

/** Records of each kind that are looked at in each partition. */
const SAMPLE = 8

/**
 * Checks by some sessions and histories of each partition that a ring is the ring of a store.
 * Answers the ids of keys that it lacks for some of them. Throws `config_invalid` when none opens:
 * a process that went on would refuse everybody.
 *
 * @example
 * const missing = await checkKeyring({ store, keyring })
 */
export async function checkKeyring({
  store,
  keyring,
}: {
  readonly store: Pick<Store, 'entries' | 'subjects'>
  readonly keyring: Keyring
}): Promise<readonly string[]> {
  const codec = sealingCodec(keyring, systemHost())
  const missing = new Set<string>()
  let opened = 0

  function sample(sealed: Uint8Array, open: () => unknown): void {
    try {
      open()
      opened++
    } catch (error) {
      if (!isUnreadable(error)) throw error
      if (error.code === 'key_unknown') missing.add(keyIdOf(sealed))
    }
  }

  async function partition(number: number): Promise<void> {
    const query = { partition: number, limit: SAMPLE }
    const [sessions, histories] = await Promise.all([
      store.entries.list(query),
      store.subjects.list(query),
    ])
    for (const found of sessions.items) {
      sample(found.sealed, () => codec.open(sessionIdentity(found), found.sealed))
    }
    for (const { subject, version, sealed } of histories.items) {
      sample(sealed, () => codec.open(historyIdentity(subject, version), sealed))
    }
  }

  // One after the other: a store on this machine reads in the turn in which it is asked.
  for (let number = 0; number < PARTITIONS; number++) await partition(number)
  const ids = [...missing].sort()
  if (opened === 0 && ids.length > 0) {
    throw new SessionError(
      'config_invalid',
      `The store is sealed under another key ring: this one lacks the key ${ids.join(', ')}. ` +
        'Name the ring of this store (HOLDFAST_KEYRING), or another store (HOLDFAST_STORE).',
    )
  }
  return ids
}
