import type { SessionId, SubjectKey } from './ids.ts'

/** An event in its sealed form. `id` names it in the feed. */
export interface SealedEvent {
  readonly id: string
  readonly at: number
  readonly sealed: Uint8Array
}

/** Why something ended: a stable code, for example `logout`, `session_limit` or `not_me`. */
export type Reason = string

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
