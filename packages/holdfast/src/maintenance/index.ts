/** What operators need: key rings and their rotation, the event log, and a look into tokens. */
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
} from '../codecs/keyring.ts'
export { type DescribedEvent, eventAttributes, SEVERITY_NUMBERS } from '../core/event-attributes.ts'
export { EVENTS } from '../core/event-catalogue.ts'
export {
  EVENT_FIELDS,
  type EventDescription,
  OPTIONAL_FIELDS,
  OTHER_REASONS,
  PERSONAL_FIELDS,
  type Presence,
  type ReasonDescription,
  type VaryingField,
} from '../core/event-description.ts'
export {
  eventMeaning,
  type Kind,
  type Level,
  type Meaning,
  typeMeaning,
} from '../core/event-meaning.ts'
export type { EventOf, NamedReasonOf, ReasonOf } from '../core/event-of.ts'
export {
  DEFAULT_SAMPLED_PER_SECOND,
  EVENT_TYPES,
  type EventNetwork,
  type EventSampling,
  type EventType,
  type PersonalFacts,
  SAMPLED_EVENTS,
  type SampledEvent,
  type SessionEvent,
} from '../core/events.ts'
export { redecide } from '../policies/redecide.ts'
export { checkKeyring } from './check-keyring.ts'
export {
  type EventLog,
  eventLog,
  type LoggedEvent,
  type PlacedEvent,
  type UnreadableEvent,
} from './event-log.ts'
export {
  type EventRecorder,
  eventRecorder,
  type OperatorEvent,
  type OperatorFacts,
} from './event-recorder.ts'
export { type IntrospectedToken, type TokenIntrospector, tokenIntrospector } from './introspect.ts'
export { type NamedRecord, namedRecord } from './named-record.ts'
export { type Resealed, type ResealProgress, resealAll } from './reseal.ts'
export { subjectKeys } from './subject-key.ts'
