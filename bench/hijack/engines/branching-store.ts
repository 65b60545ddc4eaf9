import type { SessionId, Store } from 'holdfast'
import type { Entry, Found, SubjectEntry, SubjectKey } from 'holdfast/store'

/** What one moment of a store holds; nothing in it is ever changed in place. */
export interface Branch {
  readonly entries: Map<SessionId, Entry & { readonly seenAt: number }>
  readonly ended: Set<SessionId>
  readonly subjects: Map<SubjectKey, SubjectEntry>
  readonly marks: Set<string>
}

export function emptyBranch(): Branch {
  return { entries: new Map(), ended: new Set(), subjects: new Map(), marks: new Set() }
}

/** From here another future may follow. */
export function copyOf({ entries, ended, subjects, marks }: Branch): Branch {
  return {
    entries: new Map(entries),
    ended: new Set(ended),
    subjects: new Map(subjects),
    marks: new Set(marks),
  }
}

/**
 * A store of one person, as small as the contract allows: no feed, no lists, nobody else who
 * writes.
 */
export function branchingStore(
  { entries, ended, subjects, marks }: Branch,
  now: () => number,
): Store {
  const nobodyAsks = (): never => {
    throw new Error('the benchmark asks for no such thing')
  }
  return {
    entries: {
      async read(id): Promise<Found | undefined> {
        const entry = entries.get(id)
        if (entry === undefined || now() >= entry.deadline) return undefined
        const idle = now() - entry.seenAt >= entry.idleMs
        return { ...entry, lastActivity: idle ? undefined : entry.seenAt, attributes: undefined }
      },
      async write(entry, also) {
        const { id, version } = entry
        const known = entries.get(id)
        if (ended.has(id) || now() >= entry.deadline) return 'gone'
        if ((known?.version ?? 0) !== version - 1) return 'conflict'
        entries.set(id, {
          ...entry,
          seenAt: Math.max(known?.seenAt ?? entry.createdAt, also?.seenAt ?? 0),
        })
        return 'written'
      },
      async revoke(id) {
        ended.add(id)
        return entries.delete(id)
      },
      async expire(id) {
        ended.add(id)
        return entries.delete(id)
      },
      async touch(seen) {
        for (const { id, at } of seen) {
          const entry = entries.get(id)
          if (entry !== undefined) entries.set(id, { ...entry, seenAt: Math.max(entry.seenAt, at) })
        }
      },
      list: nobodyAsks,
    },
    subjects: {
      read: async (subject) =>
        subjects.get(subject) ?? { generation: 0, version: 0, sealed: undefined },
      async write(subject, { version, sealed }) {
        const known = subjects.get(subject)
        if ((known?.version ?? 0) !== version - 1) return 'conflict'
        subjects.set(subject, { generation: known?.generation ?? 0, version, sealed })
        return 'written'
      },
      list: nobodyAsks,
      revoke: nobodyAsks,
    },
    replays: {
      async once(key) {
        if (marks.has(key)) return false
        marks.add(key)
        return true
      },
    },
    feed: {
      head: async () => '',
      append: async () => undefined,
      position: nobodyAsks,
      read: nobodyAsks,
      follow: nobodyAsks,
      watch: nobodyAsks,
    },
    close: async () => undefined,
  }
}
