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

/** An event in its sealed form. `id` names it in the feed. */
export interface SealedEvent {
  readonly id: string
  readonly at: number
  readonly sealed: Uint8Array
}

/** Why something ended: a stable code, for example `logout`, `session_limit` or `not_me`. */
export type Reason = string

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

/**
 * A position in the feed over all partitions. Opaque, but for a reader that keeps a window of the
 * feed and has to compare positions (`decodeCursor`).
 */
export type Cursor = string

/** What the feed tells of: an ended session, a raised generation, a change, or an event. */
export type FeedItem =
  | {
      readonly kind: 'revoked'
      readonly session: SessionId
      readonly reason: Reason
      readonly at: number
    }
  | {
      readonly kind: 'subject'
      readonly subject: SubjectKey
      readonly generation: number
      readonly except: SessionId | null
      readonly reason: Reason
      readonly at: number
    }
  | {
      readonly kind: 'changed'
      readonly session: SessionId
      readonly version: number
      readonly at: number
    }
  | ({ readonly kind: 'event' } & SealedEvent)

/** An item of the feed and its place in it. */
export type FeedEntry = FeedItem & {
  readonly partition: number
  /** Counts from 1 within its partition, without a gap. */
  readonly sequence: number
  /** The position after this entry, to read on from. */
  readonly cursor: Cursor
}

/** Revocations, changes and events, in order within a partition, kept up to a bound. */
export interface Feed {
  /** The position after everything that has happened so far. */
  head(): Promise<Cursor>
  /**
   * A position before everything that happened at or after the instant `at`. Takes a bounded number
   * of reads, whatever the size of the feed. Clocks of writers may differ by ten seconds. `from` is
   * later than `at` where the feed no longer reaches back so far: entries from before `from` may be
   * missing.
   */
  position(at: number): Promise<{ readonly cursor: Cursor; readonly from: number }>
  /** Appends events that come with no other change. */
  append(
    key: SessionId | SubjectKey,
    events: readonly SealedEvent[],
    options?: AppendOptions,
  ): Promise<void>
  /**
   * Up to `limit` entries after a position (undefined: from the oldest that is kept). At the end
   * `items` is empty. Throws `feed_gap` when entries after the position have been dropped already.
   */
  read(
    after: Cursor | undefined,
    limit: number,
  ): Promise<{ readonly items: readonly FeedEntry[]; readonly cursor: Cursor }>
  /**
   * Entries after a position as they come, until `stop` aborts or the store is closed. Throws
   * `feed_gap` as above, and `store_unavailable` when the store is lost: follow again from the last
   * cursor.
   */
  follow(after: Cursor, stop: StopSignal): AsyncIterable<FeedEntry>
  /**
   * As `follow`, with a heartbeat about every `everyMs`, whether entries come or not: proof that
   * nothing was missed.
   */
  watch(
    after: Cursor,
    stop: StopSignal,
    options: WatchOptions,
  ): AsyncIterable<FeedEntry | Heartbeat>
  /** Keeps what the audit log has not got yet. Absent: this store drops it with the rest. */
  readonly hold?: FeedHold
}

/** How events are appended that come with no other change. */
export interface AppendOptions {
  /** They are samples, which strangers can cause: changes must not have to wait for them. */
  readonly sampled?: boolean
}

/**
 * Holds the feed for an audit log. From the first `confirm` until `release` nothing after the
 * confirmed position is dropped, whatever the bounds of the feed say. What is kept beyond them has
 * a bound of its own. In a partition that has reached it, every `append`, and a `write` that is
 * neither `gone` nor `conflict`, throws `store_unavailable` before anything is written; an
 * `append` of samples does so from half of that bound on.
 * What ends a session (`revoke`, `expire`) is never refused for it, and is kept. All else goes on.
 */
export interface FeedHold {
  /**
   * The audit log has everything up to `through`. Idempotent, never goes back, and writes only
   * where something has moved. Throws `feed_gap` for a position that is ahead of the store.
   */
  confirm(through: Cursor): Promise<void>
  /** What was confirmed: a successor reads on from there. Undefined: nothing is held. */
  confirmed(): Promise<Cursor | undefined>
  /** Ends it: there is to be no audit log any more. Idempotent. */
  release(): Promise<void>
}

/** What a watcher wants to hear. */
export interface WatchOptions {
  readonly everyMs: number
  /**
   * Only entries of these kinds are told, and the others cost next to nothing. Entries of several
   * partitions then come in order of time only about. Default: all kinds.
   */
  readonly kinds?: readonly FeedItem['kind'][]
}

/** Says that the store was asked and had nothing after `cursor` that was not told before. */
export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly cursor: Cursor
  /** How long ago the store was asked, ms. Nothing that was committed before then is missing. */
  readonly ageMs: number
}

/** The part of an `AbortSignal` that a follower needs. */
export interface StopSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}
