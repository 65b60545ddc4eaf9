import type { Host } from '../../core/host.ts'
import { type SessionId, type SubjectKey, subjectOf } from '../../core/ids.ts'
import type { Entries, Found, Store, Subjects } from '../../core/store.ts'
import type { EventWriter } from '../context.ts'

export interface EndedOptions {
  readonly host: Host
  readonly eventWriter: EventWriter
  /** Records of these partitions may be older than before, and that is no forgery. None: of all. */
  readonly onRollback?: (lost: readonly number[]) => void
  /** Hears of partitions that have lost writes. */
  readonly onWarning: (message: string) => void
  /** Most sessions, and most subjects, whose end is remembered. */
  readonly max?: number
}

const MAX_REMEMBERED = 100_000
const REASON = 'store_rolled_back'

/** Endings that are looked for in the store together. */
const AT_ONCE = 64
const AGAIN_MS = 1_000

/** A store, and how many endings it remembers. */
export interface KeepingEnded extends Store {
  remembered(): number
}

/** Reads at once where the store can and what it found is believed. */
function readingNow(
  read: (id: SessionId) => Promise<Found | undefined>,
  now: Entries['read']['now'],
  isBelieved: (found: Found) => boolean,
): Entries['read'] {
  if (now === undefined) return read
  return Object.assign(read, {
    now(id: SessionId) {
      const found = now(id)
      return found === undefined || found === 'wait' || isBelieved(found) ? found : 'wait'
    },
  })
}

/** The newest "log out everywhere" of a subject. */
interface Raised {
  readonly generation: number
  /** The session that went on. */
  readonly except: SessionId | undefined
}

/**
 * A store whose acknowledged endings hold in this process, whatever the store forgets. A fail-over
 * can lose them; then the record of an ended session is live again. It is refused here, ended once
 * more for the other processes, and reported. A generation that fell is raised again, which ends
 * the sessions since then, too, but for the one that went on.
 *
 * Where the store notices that it may have lost writes, everything that is remembered is looked for
 * at once, and not only when somebody comes with it.
 *
 * Up to `max` sessions and `max` subjects are remembered. Beyond that, the ending that was noted
 * first is left to the store alone: a store loses its newest writes.
 */
export function keepingEnded(
  store: Store,
  { host, eventWriter, onRollback, onWarning, max = MAX_REMEMBERED }: EndedOptions,
): KeepingEnded {
  const ended = new Set<SessionId>()
  const raised = new Map<SubjectKey, Raised>()
  let unwatch: (() => void) | undefined
  /** How often the store may have lost something: what was begun before begins anew. */
  let rollbacks = 0

  /** Asks the store to say when it may have lost writes, from the first use on. */
  function watch(): void {
    if (unwatch !== undefined || store.onRollback === undefined) return
    unwatch = store.onRollback((lost) => {
      onRollback?.(lost)
      if (lost.length > 0) {
        eventWriter.tell('anomaly-detected', () => {
          return { at: host.now(), actor: 'engine', reason: REASON }
        })
        onWarning(
          `The store has lost acknowledged writes of ${lost.length} of its partitions. What this ` +
            'process has ended is ended once more; what others ended, they end.',
        )
      }
      rollbacks++
      void giveAllAgain(rollbacks)
    })
  }

  /** The newest first: a store loses its newest writes. Tries again while it cannot be asked. */
  async function giveAllAgain(rollback: number): Promise<void> {
    try {
      const sessions = [...ended].reverse()
      for (let at = 0; at < sessions.length && rollback === rollbacks; at += AT_ONCE) {
        await Promise.all(sessions.slice(at, at + AT_ONCE).map((id) => entries.read(id)))
      }
      const subjects = [...raised].reverse()
      for (let at = 0; at < subjects.length && rollback === rollbacks; at += AT_ONCE) {
        const some = subjects.slice(at, at + AT_ONCE)
        await Promise.all(some.map(([subject, before]) => raiseAgain(subject, before)))
      }
    } catch {
      // The store tells its operator by itself that it cannot be asked.
      setTimeout(() => {
        if (rollback === rollbacks) void giveAllAgain(rollback)
      }, AGAIN_MS).unref()
    }
  }

  function noteEnded(id: SessionId): void {
    ended.delete(id)
    ended.add(id)
    forgetOldest(ended)
  }

  function noteRaised(subject: SubjectKey, newest: Raised): void {
    raised.delete(subject)
    raised.set(subject, newest)
    forgetOldest(raised)
  }

  function forgetOldest<Key>(notes: Map<Key, unknown> | Set<Key>): void {
    if (notes.size <= max) return
    const [oldest] = notes.keys()
    if (oldest !== undefined) notes.delete(oldest)
  }

  function raisedOf(id: SessionId): Raised | undefined {
    return raised.size === 0 ? undefined : raised.get(subjectOf(id))
  }

  /** What the store found, unless it was ended here. */
  async function believed(found: Found): Promise<Found | undefined> {
    if (ended.has(found.id)) {
      await endAgain(found.id)
      return undefined
    }
    const before = raisedOf(found.id)
    if (before === undefined || found.generation >= before.generation) return found
    const { generation } = await raiseAgain(subjectOf(found.id), before)
    if (before.except !== found.id) return undefined
    const again = await store.entries.read(found.id)
    return again !== undefined && again.generation >= generation ? again : undefined
  }

  /** Has no effect where a read began before the session ended: its tombstone stands. */
  async function endAgain(session: SessionId): Promise<void> {
    const at = host.now()
    const facts = { at, session, actor: 'engine', reason: REASON } as const
    const events = [eventWriter.event('anomaly-detected', facts)]
    const sealed = eventWriter.seal(events)
    if (await store.entries.revoke(session, { reason: REASON, at, events: sealed })) {
      eventWriter.publish(events)
    }
  }

  async function raiseAgain(subject: SubjectKey, before: Raised): Promise<Raised> {
    if ((await store.subjects.read(subject)).generation >= before.generation) return before
    const at = host.now()
    const facts = { at, subject, actor: 'engine', reason: REASON } as const
    const events = [eventWriter.event('anomaly-detected', facts)]
    const again = await raise(subject, {
      at: Math.max(at, before.generation + 1),
      reason: REASON,
      events: eventWriter.seal(events),
      ...(before.except === undefined || ended.has(before.except) ? {} : { except: before.except }),
    })
    eventWriter.publish(events)
    return again
  }

  async function raise(
    subject: SubjectKey,
    end: Parameters<Subjects['revoke']>[1],
  ): Promise<Raised> {
    watch()
    // Never a number twice, also where the store has lost it and the clock was set back.
    const at = Math.max(end.at, (raised.get(subject)?.generation ?? 0) + 1)
    const generation = await store.subjects.revoke(subject, { ...end, at })
    const before = raised.get(subject)
    if (before !== undefined && before.generation > generation) return before
    // Noted before the next step, so that nothing passes meanwhile. Whether the session to be kept
    // was live, only the store knows.
    noteRaised(subject, { generation, except: end.except })
    if (end.except !== undefined) {
      const kept = await store.entries.read(end.except)
      if (kept?.generation !== generation) noteRaised(subject, { generation, except: undefined })
    }
    return raised.get(subject) ?? { generation, except: undefined }
  }

  function isBelieved({ id, generation }: Found): boolean {
    return !ended.has(id) && generation >= (raisedOf(id)?.generation ?? 0)
  }

  const entries: Entries = {
    read: readingNow(
      async (id) => {
        watch()
        const found = await store.entries.read(id)
        return found === undefined || isBelieved(found) ? found : believed(found)
      },
      store.entries.read.now,
      isBelieved,
    ),
    async write(entry, options) {
      watch()
      const { id, generation } = entry
      const before = raisedOf(id)
      if (ended.has(id)) return 'gone'
      if (before !== undefined && generation < before.generation && before.except !== id) {
        return 'gone'
      }
      return store.entries.write(entry, options)
    },
    async revoke(id, end) {
      watch()
      const done = await store.entries.revoke(id, end)
      noteEnded(id)
      return done
    },
    expire: (id, end) => store.entries.expire(id, end),
    touch: (seen) => store.entries.touch(seen),
    async list(query) {
      const page = await store.entries.list(query)
      if (ended.size === 0 && raised.size === 0) return page
      const items: Found[] = []
      for (const found of page.items) {
        const one = await believed(found)
        if (one !== undefined) items.push(one)
      }
      return { ...page, items }
    },
  }

  const subjects: Subjects = {
    async read(subject) {
      const entry = await store.subjects.read(subject)
      const generation = Math.max(entry.generation, raised.get(subject)?.generation ?? 0)
      return { ...entry, generation }
    },
    write: (subject, history) => store.subjects.write(subject, history),
    list: (query) => store.subjects.list(query),
    async revoke(subject, end) {
      return (await raise(subject, end)).generation
    },
  }

  const { replays, feed } = store
  return {
    entries,
    subjects,
    replays,
    feed,
    close() {
      unwatch?.()
      // What is being given again ends here.
      rollbacks++
      return store.close()
    },
    remembered: () => ended.size + raised.size,
  }
}
