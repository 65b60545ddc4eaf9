/** What the author of a store needs beside `storeContract` of `holdfast/contracts`. */

export type {
  Cursor,
  Feed,
  FeedEntry,
  FeedHold,
  FeedItem,
  Heartbeat,
  Reason,
  SealedEvent,
  StopSignal,
  WatchOptions,
} from '../core/feed.ts'
export {
  isSessionId,
  isSubjectKey,
  PARTITIONS,
  partitionOf,
  type SessionId,
  type SubjectKey,
  subjectOf,
} from '../core/ids.ts'
export type {
  Entries,
  Entry,
  Found,
  KeptHistory,
  Page,
  Query,
  ReplayGuard,
  Store,
  SubjectEntry,
  Subjects,
  WriteOptions,
} from '../core/store.ts'
export { EXPIRED_READABLE_MS, UNKNOWN_ENDED_MS } from '../core/store.ts'
export { decodeCursor, encodeCursor, type Positions } from './feed/cursor.ts'
