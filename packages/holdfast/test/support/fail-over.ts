import type { Store } from '../../src/core/store.ts'
import type { OpenStore } from './harness.ts'

/** Two stores behind one, as a primary and its replica are behind one address. */
export interface FailOver {
  readonly open: OpenStore
  /** From now on writes do not reach the replica: what is acknowledged can be lost. */
  lag(): void
  /** The replica takes the place of the primary. */
  failOver(): void
}

/**
 * Every write goes to both stores until the second one lags. After the fail-over the first one is
 * never asked again: whatever was written since then is lost.
 */
export function failingOver(open: OpenStore): FailOver {
  let lagging = false
  let failed = false
  return {
    async open(now): Promise<Store> {
      const [primary, replica] = [await open(now), await open(now)]
      const current = (): Store => (failed ? replica : primary)
      async function both<Answer>(write: (store: Store) => Promise<Answer>): Promise<Answer> {
        const answer = await write(current())
        if (!lagging) await write(replica)
        return answer
      }
      return {
        entries: {
          read: (id) => current().entries.read(id),
          list: (query) => current().entries.list(query),
          write: (entry, options) => both(({ entries }) => entries.write(entry, options)),
          revoke: (id, end) => both(({ entries }) => entries.revoke(id, end)),
          expire: (id, end) => both(({ entries }) => entries.expire(id, end)),
          touch: (seen) => both(({ entries }) => entries.touch(seen)),
        },
        subjects: {
          read: (subject) => current().subjects.read(subject),
          list: (query) => current().subjects.list(query),
          write: (subject, history) => both(({ subjects }) => subjects.write(subject, history)),
          revoke: (subject, end) => both(({ subjects }) => subjects.revoke(subject, end)),
        },
        replays: { once: (key, until) => both(({ replays }) => replays.once(key, until)) },
        feed: {
          head: () => current().feed.head(),
          position: (at) => current().feed.position(at),
          read: (after, limit) => current().feed.read(after, limit),
          follow: (after, stop) => current().feed.follow(after, stop),
          watch: (after, stop, options) => current().feed.watch(after, stop, options),
          append: (key, events) => both(({ feed }) => feed.append(key, events)),
        },
        async close() {
          await primary.close()
          await replica.close()
        },
      }
    },
    lag() {
      lagging = true
    },
    failOver() {
      failed = true
    },
  }
}
