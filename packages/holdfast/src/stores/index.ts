/** What the author of a store needs beside `storeContract` of `holdfast/contracts`. */
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
  Cursor,
  Entries,
  Entry,
  Feed,
  FeedEntry,
  FeedHold,
  FeedItem,
  Found,
  Heartbeat,
  KeptHistory,
  Page,
  Query,
  Reason,
  ReplayGuard,
  SealedEvent,
  StopSignal,
  Store,
  SubjectEntry,
  Subjects,
  WatchOptions,
  WriteOptions,
} from '../core/store.ts'
export { EXPIRED_READABLE_MS, UNKNOWN_ENDED_MS } from '../core/store.ts'
export { decodeCursor, encodeCursor, type Positions } from './feed/cursor.ts'
