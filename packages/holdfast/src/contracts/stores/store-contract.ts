import { afterEach, describe } from 'vitest'
import type { Store } from '../../core/store.ts'
import { type FakeHost, fakeHost } from '../fake-host.ts'
import { entriesContract } from './entries.ts'
import { feedContract } from './feed.ts'
import { followersContract } from './followers.ts'
import { heldFeedContract } from './held-feed.ts'
import { listsContract } from './lists.ts'
import { racesContract } from './races.ts'
import { revocationContract } from './revocation.ts'
import { type Samples, samples } from './sample-entry.ts'
import { subjectsContract } from './subjects.ts'

/** What a store under test is made with. */
export interface StoreContext {
  /** A clock that starts at the real time and only moves forward. UTC, ms. */
  readonly now: () => number
  /** Feed entries to keep for each partition; the store may keep up to 150 more. */
  readonly feedLimit: number
  /** For a store that holds its feed: bytes that may wait beyond `feedLimit`, of all partitions. */
  readonly auditBacklogBytes: number
}

/** A store of one test, with its clock. */
export interface Subject {
  readonly store: Store
  readonly host: FakeHost
  readonly make: Samples
}

/** Makes the store of a test. */
export type Open = (bounds?: Partial<Omit<StoreContext, 'now'>>) => Promise<Subject>

/**
 * Tests every promise of the `Store` interface, with vitest. `make` is called once for each test
 * and must return an empty store each time. The contract closes it.
 *
 * @example
 * storeContract('postgres', ({ now }) => postgresStore({ pool, schema: nextSchema(), now }))
 */
export function storeContract(
  name: string,
  make: (context: StoreContext) => Promise<Store> | Store,
): void {
  describe(`store contract: ${name}`, () => {
    const opened: Store[] = []

    const open: Open = async (bounds = {}) => {
      const host = fakeHost()
      const store = await make({
        now: host.now,
        feedLimit: 10_000,
        auditBacklogBytes: 256_000_000,
        ...bounds,
      })
      opened.push(store)
      return { store, host, make: samples(host) }
    }

    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
    })

    describe('entries', () => entriesContract(open))
    describe('lists and limits', () => listsContract(open))
    describe('revocation', () => revocationContract(open))
    describe('subjects and replays', () => subjectsContract(open))
    describe('feed', () => feedContract(open))
    describe('followers of the feed', () => followersContract(open))
    describe('a held feed', () => heldFeedContract(open))
    describe('races', () => racesContract(open))
  })
}
