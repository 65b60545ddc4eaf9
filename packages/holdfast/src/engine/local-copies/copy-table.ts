import { type SessionId, type SubjectKey, subjectOf } from '../../core/ids.ts'
import type { OpenedSession } from '../context.ts'

export interface Copy {
  readonly opened: OpenedSession
  /** When it was asked for. */
  readonly readAt: number
  /** A newer copy has been asked for. */
  renewing: boolean
}

/** Copies by session and by subject, and the reads that may become some. */
export interface CopyTable {
  get(id: SessionId): Copy | undefined
  /** Call the result with what was read. Undefined: nothing is to be kept. */
  reading(id: SessionId, at: number): (opened: OpenedSession | undefined) => void
  drop(id: SessionId): void
  dropSubject(subject: SubjectKey): void
  /** Drops those that were read at that time or before. */
  dropOlder(at: number): void
  clear(): void
  size(): number
}

/** Reads of one session that are under way, with no change of it since the first began. */
interface Reads {
  under: number
  overtaken: boolean
}

/** At most `max` copies. The one that was read first goes first: its lease ends first. */
export function copyTable(max: number): CopyTable {
  const copies = new Map<SessionId, Copy>()
  const subjects = new Map<SubjectKey, Set<SessionId>>()
  const reads = new Map<SessionId, Reads>()

  function remove(id: SessionId): void {
    if (!copies.delete(id)) return
    const subject = subjectOf(id)
    const ids = subjects.get(subject)
    ids?.delete(id)
    if (ids?.size === 0) subjects.delete(subject)
  }

  function keep(id: SessionId, copy: Copy): void {
    // The map keeps the order of the reads, so this one goes to its end.
    const known = copies.delete(id)
    copies.set(id, copy)
    if (known) return
    const subject = subjectOf(id)
    const ids = subjects.get(subject)
    if (ids === undefined) subjects.set(subject, new Set([id]))
    else ids.add(id)
    if (copies.size <= max) return
    const [oldest] = copies.keys()
    if (oldest !== undefined) remove(oldest)
  }

  function overtake(id: SessionId, under: Reads): void {
    under.overtaken = true
    // Reads that begin from now on see what has happened.
    reads.delete(id)
  }

  return {
    get: (id) => copies.get(id),

    reading(id, at) {
      const joined = reads.get(id) ?? { under: 0, overtaken: false }
      joined.under++
      reads.set(id, joined)
      return (opened) => {
        joined.under--
        if (joined.overtaken) return
        if (joined.under === 0) reads.delete(id)
        if (opened !== undefined) keep(id, { opened, readAt: at, renewing: false })
      }
    },

    drop(id) {
      const under = reads.get(id)
      if (under !== undefined) overtake(id, under)
      remove(id)
    },

    dropSubject(subject) {
      for (const [id, under] of reads) if (subjectOf(id) === subject) overtake(id, under)
      for (const id of [...(subjects.get(subject) ?? [])]) remove(id)
    },

    dropOlder(at) {
      for (const [id, { readAt }] of copies) {
        if (readAt > at) return
        remove(id)
      }
    },

    clear() {
      for (const [id, under] of reads) overtake(id, under)
      copies.clear()
      subjects.clear()
    },

    size: () => copies.size,
  }
}
