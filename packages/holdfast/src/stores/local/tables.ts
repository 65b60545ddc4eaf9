import type { FeedItem } from '../../core/feed.ts'
import type { SessionId, SubjectKey } from '../../core/ids.ts'
import type { Numbered, Range } from '../feed/reader.ts'
import type { History, StoredRecord } from '../stored-record.ts'

/** Orders the sessions of a subject: by the generation that they live under, then by age. */
export interface IndexEntry {
  readonly generation: number
  readonly createdAt: number
  readonly id: SessionId
}

/** Something that may be removed once its time has passed. */
export type Expiring =
  | { readonly kind: 'entry'; readonly key: SessionId }
  | { readonly kind: 'history'; readonly key: SubjectKey }
  | { readonly kind: 'replay'; readonly key: string }

/** What a store on this machine keeps: plain tables, no rules. All calls are synchronous. */
export interface Tables {
  record(id: SessionId): StoredRecord | undefined
  putRecord(id: SessionId, record: StoredRecord): void
  removeRecord(id: SessionId): void

  /** 0 when the subject was never revoked. */
  generation(subject: SubjectKey): number
  putGeneration(subject: SubjectKey, generation: number): void

  history(subject: SubjectKey): History | undefined
  putHistory(subject: SubjectKey, history: History): void
  removeHistory(subject: SubjectKey): void
  /** Subjects of a partition that have a history, in the order of their bytes, after a subject. */
  historiesIn(partition: number, after: SubjectKey | undefined): Iterable<SubjectKey>

  /** The instant until which a key of the replay guard is refused. */
  replay(key: string): number | undefined
  putReplay(key: string, until: number): void
  removeReplay(key: string): void

  /** The index of a subject in order: from a generation up, after an entry. */
  indexEntries(
    subject: SubjectKey,
    from: { readonly generation: number; readonly after: IndexEntry | undefined },
  ): Iterable<IndexEntry>
  putIndexEntry(subject: SubjectKey, entry: IndexEntry): void
  removeIndexEntry(subject: SubjectKey, entry: IndexEntry): void
  /** Ids of a partition in the order of their bytes, after an id. */
  inPartition(partition: number, after: SessionId | undefined): Iterable<SessionId>

  /** Puts something into the expiry queue: it may be removed from `at` on. */
  queueExpiry(at: number, expiring: Expiring): void
  /** Takes at most `limit` items whose time has passed out of the expiry queue. */
  takeExpired(now: number, limit: number): readonly Expiring[]

  /** Newest sequence number of each partition. Each wake-up asks for it, so it has to be cheap. */
  feedHeads(): readonly number[]
  /** Newest sequence number of a partition, 0 at first. Each change asks for it. */
  feedNewest(partition: number): number
  /** Oldest kept sequence number of a partition, or the one that comes next. */
  feedOldest(partition: number): number
  feedRange(range: Range): readonly Numbered[]
  /** Appends an entry and drops those before `keepFrom`. */
  appendFeed(partition: number, entry: Appended, keepFrom: number): void
  /** What the audit log has of a partition. Undefined: the feed is not held for one. */
  confirmed(partition: number): number | undefined
  putConfirmed(partition: number, sequence: number): void
  removeConfirmed(partition: number): void
}

/** A feed entry to be appended. */
export interface Appended extends Numbered {
  readonly item: FeedItem
}

/** Tables with a way to read and to change them. */
export interface Backend {
  readonly tables: Tables
  /** Runs reads and writes as one atomic step. Resolves once it is as durable as the store is. */
  transaction<T>(change: () => T): Promise<T>
  /** Runs reads over one state of the tables: the newest that anybody was told of. */
  read<T>(query: () => T): T
}

/** Appends to the feed of the partition within the transaction that is running. */
export type Publish = (partition: number, items: readonly FeedItem[]) => void
