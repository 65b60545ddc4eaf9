import type { Entries, Store, Subjects } from '../../core/store.ts'
import type { LocalCopies } from '../context.ts'

/**
 * The store as the engine writes to it. The copies of what a write changes are dropped before
 * anybody learns that it is written, and reads that ran meanwhile do not become copies. The same
 * holds where nobody knows how a write ended.
 */
export function invalidatingStore(store: Store, copies: LocalCopies): Store {
  async function dropping<Answer>(drop: () => void, write: () => Promise<Answer>): Promise<Answer> {
    drop()
    try {
      return await write()
    } finally {
      drop()
    }
  }

  const entries: Entries = {
    read: store.entries.read,
    touch: (seen) => store.entries.touch(seen),
    list: (query) => store.entries.list(query),
    write: (entry, options) =>
      dropping(
        () => copies.drop(entry.id),
        () => store.entries.write(entry, options),
      ),
    revoke: (id, end) =>
      dropping(
        () => copies.drop(id),
        () => store.entries.revoke(id, end),
      ),
    expire: (id, end) =>
      dropping(
        () => copies.drop(id),
        () => store.entries.expire(id, end),
      ),
  }
  const subjects: Subjects = {
    read: (subject) => store.subjects.read(subject),
    write: (subject, history) => store.subjects.write(subject, history),
    list: (query) => store.subjects.list(query),
    revoke: (subject, end) =>
      dropping(
        () => copies.dropSubject(subject),
        () => store.subjects.revoke(subject, end),
      ),
  }
  return { entries, subjects, replays: store.replays, feed: store.feed, close: () => store.close() }
}
