export { type Keyring, newKeyring, parseKeyring } from './codecs/keyring.ts'
export { systemHost } from './codecs/system-host.ts'
export {
  type Decision,
  decision,
  type Outcome,
  type Policy,
  type Situation,
} from './core/decision.ts'
export type { Duration } from './core/duration.ts'
export { CODES, type Code, type RefusalCode, SessionError } from './core/errors.ts'
export type { PersonalFacts, SessionEvent } from './core/events.ts'
export type { Evidence } from './core/evidence.ts'
export type { SubjectHistory } from './core/history.ts'
export type { Host } from './core/host.ts'
export { isSessionId, type SessionId } from './core/ids.ts'
export {
  type ClassOptions,
  DEFAULT_LIFETIMES,
  DEFAULT_ROTATE_EVERY_MS,
  type Lifetime,
} from './core/lifetimes.ts'
export type { Lookup, LookupResult } from './core/lookup.ts'
export {
  type Activity,
  type ClientFacts,
  type Presentation,
  RELEVANT_HEADERS,
  type RequestFacts,
  type Sensitivity,
} from './core/request.ts'
export type { SensitiveCall } from './core/sensitive-calls.ts'
export type {
  Attributes,
  JsonValue,
  SessionDetail,
  SessionState,
  SessionView,
} from './core/session.ts'
export type {
  ChangedBy,
  Created,
  JsonMergePatch,
  Login,
  Ordered,
  PageRequest,
  Presented,
  Proof,
  Refreshed,
  Report,
  Requirements,
  Sessions,
  StepUpBegun,
  SubjectRef,
  Traced,
  Verification,
  VerifiesNow,
} from './core/sessions.ts'
export type { Signal } from './core/signal.ts'
export type { Store } from './core/store.ts'
export { createSessions } from './engine/create-sessions.ts'
export {
  DEFAULT_CACHE_BYTES,
  type LocalCopiesOptions,
  type Memories,
  type SessionsOptions,
} from './engine/options.ts'
export { type Costs, thresholdsFor } from './policies/costs.ts'
export { balanced, lenient, PRESETS, strict } from './policies/presets.ts'
export { type Thresholds, thresholdPolicy } from './policies/threshold.ts'
export { starterSignals, timed } from './signals/index.ts'
