import { SessionError } from '../../src/core/errors.ts'
import type { SessionId } from '../../src/core/ids.ts'
import type { Entries, Found, Store } from '../../src/core/store.ts'

/**
 * What goes wrong with one write of a session.
 *
 * - `lost_race`: another writer was faster; nothing was written.
 * - `unheard`: it was written, and looked like a lost race.
 * - `ambiguous`: it was written, and looked like an outage.
 * - `outage`: nothing was written.
 */
export type WriteFault = 'lost_race' | 'unheard' | 'ambiguous' | 'outage'

/** A store whose next writes go wrong as a test says. */
export function faultyWrites(): {
  through(store: Store): Store
  /** What goes wrong with the next writes, in this order; undefined: nothing. */
  plan(faults: readonly (WriteFault | undefined)[]): void
} {
  let faults: (WriteFault | undefined)[] = []
  return {
    plan(next) {
      faults = [...next]
    },
    through: (store) =>
      withEntries(store, {
        async write(entry, options) {
          // A login is not what is tested here.
          const fault = entry.version === 1 ? undefined : faults.shift()
          if (fault === 'lost_race') return 'conflict'
          if (fault === 'outage') throw unavailable()
          const outcome = await store.entries.write(entry, options)
          if (fault === 'ambiguous') throw unavailable()
          return fault === 'unheard' ? 'conflict' : outcome
        },
      }),
  }
}

/** A store whose newest acknowledged writes of a session can be undone, as a fail-over does it. */
export function undoableWrites(onWrite: (id: SessionId, version: number) => void = () => {}): {
  through(store: Store): Store
  /** False: there is no write to undo. */
  undo(id: SessionId, writes?: number): boolean
} {
  /** What each session was, oldest first; the last is what it is. */
  const kept = new Map<SessionId, readonly Found[]>()
  return {
    undo(id, writes = 1) {
      const versions = kept.get(id) ?? []
      if (versions.length <= writes) return false
      kept.set(id, versions.slice(0, -writes))
      return true
    },
    through: (store) =>
      withEntries(store, {
        read: async (id) => kept.get(id)?.at(-1) ?? (await store.entries.read(id)),
        async write(entry, options) {
          if (entry.version === 1) return store.entries.write(entry, options)
          const stored = await store.entries.read(entry.id)
          if (stored === undefined) return 'gone'
          const versions = kept.get(entry.id) ?? [stored]
          const before = versions.at(-1) ?? stored
          if (before.version !== entry.version - 1) return 'conflict'
          const lastActivity = options?.seenAt ?? before.lastActivity
          kept.set(entry.id, [...versions.slice(-9), { ...before, ...entry, lastActivity }])
          onWrite(entry.id, entry.version)
          return 'written'
        },
        async touch(seen) {
          await store.entries.touch(seen)
          for (const { id, at } of seen) {
            const versions = kept.get(id)
            const now = versions?.at(-1)
            if (versions === undefined || now === undefined) continue
            kept.set(id, [...versions.slice(0, -1), { ...now, lastActivity: at }])
          }
        },
        async revoke(id, end) {
          kept.delete(id)
          return store.entries.revoke(id, end)
        },
      }),
  }
}

/** A store that can be read, and on which nothing has an effect. */
export function dryRun(store: Store): Store {
  return {
    ...withEntries(store, {
      write: async () => 'written',
      revoke: async () => true,
      touch: async () => {},
    }),
    subjects: { ...store.subjects, write: async () => 'written', revoke: async () => 1 },
    replays: { once: async () => true },
    feed: { ...store.feed, append: async () => {} },
  }
}

function withEntries(store: Store, changes: Partial<Entries>): Store {
  return { ...store, entries: { ...store.entries, ...changes } }
}

function unavailable(): SessionError {
  return new SessionError('store_unavailable', 'The store did not answer in time.')
}
