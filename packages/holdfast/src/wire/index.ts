export { formatDuration, parseDuration } from '../core/duration.ts'
export { lifetimesOf } from '../core/lifetimes.ts'
export { nearest } from '../core/nearest.ts'
export { isRequestId } from '../core/trace.ts'
export {
  createdAnswer,
  refreshedAnswer,
  refusedLoginAnswer,
  refusedRefreshAnswer,
  stepUpBegunAnswer,
  verificationAnswer,
  verificationAnswers,
  verificationLine,
} from './answers.ts'
export { type Arrival, arrival, type ToldHeader } from './arrival.ts'
export {
  batchBody,
  login,
  logoutBody,
  presented,
  proof,
  report,
  revokeBody,
  revokeSubjectBody,
  tokenBody,
} from './bodies.ts'
export { type Checker, checker, type Problem, type Side } from './check.ts'
export {
  constantOf,
  described,
  type Field,
  type Fields,
  type Form,
  fieldsOf,
  integer,
  list,
  nullable,
  type Optional,
  object,
  oneOf,
  optional,
  type Pattern,
  record,
  type Shape,
  scalar,
  type TypeOf,
  text,
  type Wire,
} from './describe.ts'
export {
  type EventAtCursor,
  type EventPage,
  eventPage,
  personalFacts,
  sessionEvent,
} from './events.ts'
export { knownFields } from './known.ts'
export { LINES_TYPE, type Line, MAX_BATCH } from './lines.ts'
export { type ProblemDetails, problemDetails } from './problems.ts'
export {
  attributesVersion,
  browserFamily,
  networkKind,
  operatingSystem,
  outcome,
  session,
  sessionDetail,
  sessionPage,
} from './sessions.ts'
export { introspection, publishedKeys, type RevokedSubject, revocations } from './tokens.ts'
export { attributes, instant, sessionId, subject, tenant } from './words.ts'
