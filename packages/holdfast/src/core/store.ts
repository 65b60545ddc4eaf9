import type { Feed, Reason, SealedEvent } from './feed.ts'
import type { SessionId, SubjectKey } from './ids.ts'

/**
 * Keeps ids, versions, deadlines and sealed bytes. A store never sees a session or a secret.
 *
 * Rules for every method: "not there" is an answer. A store that cannot be asked throws
 * `SessionError('store_unavailable')` within a bounded time. All instants are ms since the epoch.
 * All keys of one subject share a partition (`partitionOf`), so each method is one atomic step.
 */
export interface Store {
  readonly entries: Entries
  readonly subjects: Subjects
  readonly replays: ReplayGuard
  readonly feed: Feed
  /**
   * Proves that the store takes writes, by a mark in it: at most one in two seconds, which all
   * callers share. Rejects with what the mark met. Absent: a store that can be asked takes writes.
   */
  proveWritable?(): Promise<void>
  /**
   * Calls `heard` whenever acknowledged writes may have been lost: another server has taken over,
   * or one came back with less. `lost` names the partitions that have certainly lost some. The
   * answer ends it. Absent: what was acknowledged is never lost.
   */
  onRollback?(heard: (lost: readonly number[]) => void): () => void
  /** Frees what the store itself opened. A client that was passed in stays open. */
  close(): Promise<void>
}

/** A sealed session, with what a store has to know in order to keep it and to end it. */
export interface Entry {
  readonly id: SessionId
  /** 1 for a new entry, then one more for each write. */
  readonly version: number
  /** Highest subject generation that the session survived; at first the one of its login. */
  readonly generation: number
  readonly createdAt: number
  readonly deadline: number
  readonly idleMs: number
  readonly sealed: Uint8Array
}

/** An entry, live or expired, and what is kept beside it. */
export interface Found extends Entry {
  /** Newest activity. Undefined when the entry has expired: by its deadline, or by silence. */
  readonly lastActivity: number | undefined
  readonly attributes: Attached | undefined
}

/** Sealed attributes. They have versions of their own: 1 for the first, then one more for each. */
export interface Attached {
  readonly version: number
  readonly sealed: Uint8Array
}

/** What is committed with a write, in the same step. */
export interface WriteOptions {
  /**
   * For version 1: the subject may have at most this many live sessions, this one included.
   * Sessions that have expired do not count.
   */
  readonly limit?: number
  /** The application's attributes from this version on. Absent: it keeps those that it has. */
  readonly attributes?: Attached
  /** Notes this activity. A write of version 1 notes `createdAt` in any case. */
  readonly seenAt?: number
  readonly events?: readonly SealedEvent[]
}

/** How long an entry can be read as expired after its deadline. */
export const EXPIRED_READABLE_MS = 24 * 3_600_000

/** How long the tombstone of a session stands of which nothing was stored. */
export const UNKNOWN_ENDED_MS = 400 * 24 * 3_600_000

/**
 * `now` gives the same answer at once; `wait`: only the promise can tell. A store has it where it
 * answers without I/O over a network. It sits on the function, so that it is gone where somebody
 * puts another `read` in its place.
 */
export interface ReadEntry {
  (id: SessionId): Promise<Found | undefined>
  readonly now?: (id: SessionId) => Found | undefined | 'wait'
}

/**
 * Sealed sessions and their tombstones. An entry expires at its deadline, or `idleMs` after its
 * last activity. It is live until then, and never again after.
 */
export interface Entries {
  /**
   * One round trip. Undefined when the entry is absent, revoked, or of a revoked generation. An
   * expired one is found until {@link EXPIRED_READABLE_MS} after its deadline, without a last
   * activity: its client can be told what happened. Its attributes may be gone by then.
   */
  readonly read: ReadEntry
  /**
   * Compare-and-set: the stored version must be `entry.version - 1`; version 1 must be new.
   * `gone`: there is a tombstone, an expired entry or a newer subject generation, the deadline is
   * past, or nothing is there (version > 1). None of these is ever written over, so a session that
   * a limit did not count cannot come back. `limit`: version 1 only. Events are
   * committed with the answer `written` and with no other. The feed gets `changed` for every
   * version but the first.
   */
  write(entry: Entry, options?: WriteOptions): Promise<'written' | 'conflict' | 'gone' | 'limit'>
  /**
   * Leaves a tombstone until the entry's deadline. Index, feed and events change in the same atomic
   * step. Idempotent: true when it ended something that `read` would have found; feed and events
   * are written only then. An unknown id gets a tombstone too, for {@link UNKNOWN_ENDED_MS}, so
   * that a write in flight cannot resurrect it. A tombstone stays as it is.
   */
  revoke(
    id: SessionId,
    end: {
      readonly reason: Reason
      readonly at: number
      readonly events?: readonly SealedEvent[]
    },
  ): Promise<boolean>
  /**
   * Tells of an entry that has expired: true once, and false where there is none. It is expired
   * from then on whatever the clocks say, and is still found as such. The feed gets `revoked`; feed
   * and events change in the same atomic step.
   */
  expire(
    id: SessionId,
    end: {
      readonly reason: Reason
      readonly at: number
      readonly events?: readonly SealedEvent[]
    },
  ): Promise<boolean>
  /**
   * Moves the last activity of many sessions forward, never back. Creates nothing. Ignores sessions
   * that are dead or expired.
   */
  touch(seen: readonly { readonly id: SessionId; readonly at: number }[]): Promise<void>
  /** Live entries: of one subject, oldest first, or of one partition in any stable order. */
  list(query: Query): Promise<Page<Found>>
}

/** Which entries to list, and which part of them. */
export type Query = { readonly limit: number; readonly after?: string } & (
  | { readonly subject: SubjectKey }
  | { readonly partition: number }
)

/** One part of a list. */
export interface Page<T> {
  /** At most 1000. May be fewer than asked for, even none, before the last page. */
  readonly items: readonly T[]
  /** Pass as `after` for the next page; absent on the last one. */
  readonly next?: string
}

/** What is kept of a subject. */
export interface SubjectEntry {
  /** 0 until the first "log out everywhere"; never falls, never expires. */
  readonly generation: number
  /** Version of the sealed history, 0 when there is none. */
  readonly version: number
  readonly sealed: Uint8Array | undefined
}

/** A sealed history as it is kept. */
export interface KeptHistory {
  readonly subject: SubjectKey
  readonly version: number
  readonly until: number
  readonly sealed: Uint8Array
}

/** Generations and sealed histories, by subject. */
export interface Subjects {
  /** One round trip. An unknown subject is generation 0, version 0. */
  read(subject: SubjectKey): Promise<SubjectEntry>
  /**
   * Compare-and-set of the sealed history: the stored version must be `version - 1`. The store
   * keeps it until `until`.
   */
  write(
    subject: SubjectKey,
    history: { readonly version: number; readonly sealed: Uint8Array; readonly until: number },
  ): Promise<'written' | 'conflict'>
  /**
   * Histories of one partition, in any order, whether their subjects have sessions or not. One that
   * changes meanwhile may come twice.
   */
  list(query: {
    readonly partition: number
    readonly limit: number
    readonly after?: string
  }): Promise<Page<KeptHistory>>
  /**
   * Raises the generation to `max(old + 1, at)` in O(1) and answers it. Every session of an older
   * generation is dead at once, but for `except` if that one is live. Feed and events are written
   * in the same step.
   */
  revoke(
    subject: SubjectKey,
    end: {
      readonly at: number
      readonly reason: Reason
      readonly except?: SessionId
      readonly events?: readonly SealedEvent[]
    },
  ): Promise<number>
}

/** Lets each key through once (replay protection). */
export interface ReplayGuard {
  /** True for exactly one call a key until `until`. False when `until` is past already. */
  once(key: string, until: number): Promise<boolean>
}
