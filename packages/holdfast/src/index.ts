export { type CookieCarrier, type CookieOptions, cookie } from './carriers/cookie.ts'
export {
  addKey,
  formatKeyring,
  type Keyring,
  type KeyState,
  keyringStatus,
  newKeyring,
  parseKeyring,
  type RingKey,
  rotateKeyring,
} from './codecs/keyring.ts'
export { systemHost } from './codecs/system-host.ts'
export type { AccessGrant, AccessTokens } from './core/access-token.ts'
export type { Context, ContextState } from './core/context.ts'
export {
  type Decision,
  decision,
  type Outcome,
  type Policy,
  type Situation,
} from './core/decision.ts'
export {
  CODES,
  type Code,
  type FaultCode,
  type RefusalCode,
  SessionError,
  statusOf,
} from './core/errors.ts'
export { EVENT_TYPES, type EventNetwork, type EventType, type SessionEvent } from './core/events.ts'
export { type Evidence, type EvidenceGroup, type Signal, totalOf } from './core/evidence.ts'
export { type Changes, type KnownContext, NO_HISTORY, type SubjectHistory } from './core/history.ts'
export type { Host } from './core/host.ts'
export {
  isSessionId,
  isSubjectKey,
  PARTITIONS,
  partitionOf,
  type SessionId,
  type SubjectKey,
  subjectOf,
} from './core/ids.ts'
export { DEFAULT_LIFETIMES, type Lifetime } from './core/lifetimes.ts'
export type { Lookup, LookupResult } from './core/lookup.ts'
export {
  type BrowserFamily,
  type ClientFacts,
  type Device,
  LIMITS,
  type Network,
  type NetworkKind,
  type OperatingSystem,
  type Presentation,
  RELEVANT_HEADERS,
  type RequestFacts,
  type Sensitivity,
} from './core/request.ts'
export type {
  Attributes,
  JsonValue,
  SessionDetail,
  SessionFamily,
  SessionState,
  SessionView,
  TokenFamily,
} from './core/session.ts'
export type {
  Created,
  JsonMergePatch,
  Login,
  Ordered,
  PageRequest,
  Presented,
  Proof,
  Refreshed,
  RefreshStatus,
  Report,
  Requirements,
  Sessions,
  StepUpBegun,
  SubjectRef,
  Traced,
  Verification,
  VerifiesNow,
} from './core/sessions.ts'
export type {
  Cursor,
  Entries,
  Entry,
  Feed,
  FeedEntry,
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
  WriteOptions,
} from './core/store.ts'
export type { SessionLimit } from './engine/context.ts'
export {
  createSessions,
  type LocalCopiesOptions,
  type SessionsOptions,
} from './engine/create-sessions.ts'
export { explain, type Scales, type WeighOptions } from './engine/judging/weigh.ts'
export { checkKeyring } from './maintenance/check-keyring.ts'
export { type EventLog, eventLog, type LoggedEvent } from './maintenance/event-log.ts'
export {
  type IntrospectedToken,
  type TokenIntrospector,
  tokenIntrospector,
} from './maintenance/introspect.ts'
export { type Resealed, type ResealProgress, resealAll } from './maintenance/reseal.ts'
export { subjectKeys } from './maintenance/subject-key.ts'
export * from './policies/index.ts'
export * from './signals/index.ts'
export { decodeCursor, encodeCursor, type Positions } from './stores/feed/cursor.ts'
