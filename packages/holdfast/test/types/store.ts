import { createSessions, newKeyring, type Store } from 'holdfast'
import { checkKeyring, eventLog, keyringStatus, rotateKeyring } from 'holdfast/maintenance'
import {
  type Entries,
  type Feed,
  partitionOf,
  type ReplayGuard,
  type Subjects,
  type Store as WrittenStore,
} from 'holdfast/store'

/** A store of one's own is four contracts. */
export function ownStore(parts: {
  readonly entries: Entries
  readonly subjects: Subjects
  readonly replays: ReplayGuard
  readonly feed: Feed
}): WrittenStore {
  return { ...parts, close: async () => {} }
}

/** A guard that lets everything through keeps to the types: the contract's tests find it. */
export const open: ReplayGuard = { once: async () => true }

// @ts-expect-error Whether a key passes is asked of a database: the answer comes later.
export const sync: ReplayGuard = { once: () => true }

/** What is written with one entry is taken by the other. */
export function start(store: WrittenStore): number {
  const same: Store = store
  createSessions({ store: same, keyring: newKeyring() })
  return partitionOf('A'.repeat(43))
}

/** Operators have the same key rings as applications. */
export async function look(store: WrittenStore): Promise<string | undefined> {
  const keyring = rotateKeyring(newKeyring())
  const missing: readonly string[] = await checkKeyring({ store, keyring })
  const { items } = await eventLog({ store, keyring }).read(undefined, 10)
  // @ts-expect-error Key material is not part of what may be shown.
  keyringStatus(keyring)[0]?.secret
  return missing[0] ?? items[0]?.type
}
