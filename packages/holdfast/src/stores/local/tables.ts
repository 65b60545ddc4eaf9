import type { SessionId, SubjectKey } from '../../core/ids.ts'
import type { FeedItem } from '../../core/store.ts'
import type { Numbered, Range } from '../feed/reader.ts'
import type { History, StoredRecord, Versioned } from '../stored-record.ts'

/** Where a session stands among those of its subject: oldest first within the generation that it lives under. */
export interface IndexEntry {
  readonly floor: number
  readonly createdAt: number
  readonly id: SessionId
}

/** Something that has to be looked at once its time has passed. */
export type Due =
  | { readonly kind: 'entry'; readonly key: SessionId }
  | { readonly kind: 'history'; readonly key: SubjectKey }
  | { readonly kind: 'mark'; readonly key: string }

/** What a store on this machine keeps: plain tables, no rules. All calls are synchronous. */
export interface Tables {
  record(id: SessionId): StoredRecord | undefined
  putRecord(id: SessionId, record: StoredRecord): void
  removeRecord(id: SessionId): void

  attributes(id: SessionId): Versioned | undefined
  putAttributes(id: SessionId, attributes: Versioned): void
  removeAttributes(id: SessionId): void

  /** 0 when the subject was never revoked. */
  generation(subject: SubjectKey): number
  putGeneration(subject: SubjectKey, generation: number): void

  history(subject: SubjectKey): History | undefined
  putHistory(subject: SubjectKey, history: History): void
  removeHistory(subject: SubjectKey): void
  /** Subjects of a partition that have a history, in the order of their bytes, after a subject. */
  historiesIn(partition: number, after: SubjectKey | undefined): Iterable<SubjectKey>

  /** Until when a mark stands. */
  mark(key: string): number | undefined
  putMark(key: string, until: number): void
  removeMark(key: string): void

  /** Places of a subject from `floor` up, in order, after a place. */
  places(
    subject: SubjectKey,
    from: { readonly floor: number; readonly after: IndexEntry | undefined },
  ): Iterable<IndexEntry>
  putPlace(subject: SubjectKey, place: IndexEntry): void
  removePlace(subject: SubjectKey, place: IndexEntry): void
  /** Ids of a partition in the order of their bytes, after an id. */
  inPartition(partition: number, after: SessionId | undefined): Iterable<SessionId>

  /** Notes that something may be swept from `at` on. */
  expireAt(at: number, due: Due): void
  /** At most `limit` notes whose time has passed; each is handed out once. */
  takeDue(now: number, limit: number): readonly Due[]

  /** Newest sequence number of every partition: asked for at each wake-up, so it has to be cheap. */
  feedHeads(): readonly number[]
  /** Newest and oldest kept sequence number of a partition; `newest` 0 and `oldest` 1 at first. */
  feedEnds(partition: number): { readonly newest: number; readonly oldest: number }
  feedRange(range: Range): readonly Numbered[]
  /** Appends an entry and drops those before `keepFrom`. */
  appendFeed(partition: number, entry: Numbered, keepFrom: number): void
}

/** Tables with a way to change them. */
export interface Backend {
  readonly tables: Tables
  /** Runs reads and writes as one atomic step; resolves once it is as durable as the store is. */
  step<T>(change: () => T): Promise<T>
  /** Runs reads over one state of the tables. */
  look<T>(read: () => T): T
}

/** Appends to the feed of the partition within the step that is running. */
export type Publish = (partition: number, items: readonly FeedItem[]) => void
