import type { Codec } from '../codecs/codec.ts'
import type { FactReader } from '../codecs/record-facts.ts'
import type { SessionBytes } from '../codecs/session-bytes.ts'
import type { AccessTokens } from '../core/access-token.ts'
import type { Decision, Policy, Situation } from '../core/decision.ts'
import type { EventOf, ReasonOf } from '../core/event-of.ts'
import type { EventType, PersonalFacts, SessionEvent } from '../core/events.ts'
import type { Evidence } from '../core/evidence.ts'
import type { AppendOptions, SealedEvent } from '../core/feed.ts'
import type { Host } from '../core/host.ts'
import type { SessionId, SubjectKey } from '../core/ids.ts'
import type { Lifetime } from '../core/lifetimes.ts'
import type { Device, Network, Presentation, RequestFacts } from '../core/request.ts'
import type { Attributes, SessionHead, SessionState, TokenFamily } from '../core/session.ts'
import type { SubjectRef } from '../core/sessions.ts'
import type { Signal } from '../core/signal.ts'
import type { Entry, Found, Store } from '../core/store.ts'
import type { TokenKind } from '../core/token.ts'
import type { Cause } from '../core/trace.ts'
import type { NetworkReader } from '../network/network-reader.ts'

/** What the operations of the engine work with. `createSessions` makes it once. */
export interface EngineContext {
  readonly store: Store
  readonly codec: Codec
  readonly host: Host
  readonly scalesOf: (tenant: string) => TenantScales
  readonly shadow: Policy | undefined
  readonly networks: NetworkReader
  readonly describeDevice: (request: RequestFacts) => Device
  readonly readFacts: FactReader
  readonly records: Records
  readonly attributes: SealedAttributes
  readonly openHistory: (
    subject: SubjectKey,
    past: { readonly version: number; readonly sealed: Uint8Array },
  ) => Buffer
  /** Absent: every request reads the store. */
  readonly copies: LocalCopies | undefined
  /** Number of endings that hold in this process, whatever the store forgets. */
  readonly remembered: () => number
  readonly lifetimeOf: (tenant: string, name: string) => Lifetime | undefined
  /** The names of the classes that a tenant has. */
  readonly classesOf: (tenant: string) => readonly string[]
  readonly limit: SessionLimit | undefined
  readonly acrOrder: readonly string[]
  readonly rotateEveryMs: number
  readonly tokens: AccessTokens | undefined
  readonly eventWriter: EventWriter
  /** The names of subjects go with events. */
  readonly tellsNames: boolean
  readonly eventLimiter: EventLimiter
  readonly touches: Touches
  readonly versions: HighestNumbers<SessionId>
}

/** What weighs evidence and decides: the same in production and in `explain`. */
export interface Scales {
  readonly signals: readonly Signal[]
  readonly policy: Policy
  readonly acrOrder: readonly string[]
}

/** What decides about the sessions of a tenant. */
export interface TenantScales extends Scales {
  readonly fast: FastPolicy
}

/** What the policy says where the route asks for nothing and nothing is new. */
export type FastPolicy = (
  evidence: readonly Evidence[],
  about: Pick<Situation, 'context' | 'canStepUp'>,
) => Decision

/** How many live sessions a subject may have, and what a login beyond that does. */
export interface SessionLimit {
  readonly max: number
  readonly beyond: 'refuse' | 'end_oldest'
}

/** A session whose record opens. The most of it is decoded where something asks. */
export interface OpenedRecord {
  readonly head: SessionHead
  /** Throws `record_invalid` where the rest is not as this version writes it. */
  state(): SessionState
  /** The secrets of its refresh tokens. Throws as `state` does. */
  refresh(): TokenFamily | null
  /** Another family may be put into them. Undefined: write all of its state. */
  bytes(): SessionBytes | undefined
}

/** A session in which one family has changed, and nothing else. */
export interface Rotated {
  readonly record: OpenedRecord
  readonly kind: TokenKind
  readonly family: TokenFamily
}

/** A live record, opened, and what the store keeps beside it. */
export interface OpenedSession {
  readonly found: Found
  /** Of the record. */
  readonly head: SessionHead
  readonly record: OpenedRecord
  /** Its attributes were checked: a local copy is asked many times, and its bytes stay the same. */
  attributesChecked: boolean
}

/** Sessions as a store keeps them. */
export interface Records {
  /** Throws `record_invalid` or `key_unknown` where a record does not open in its place. */
  open(found: Found): OpenedRecord
  seal(entry: Omit<Entry, 'sealed'>, state: SessionState): Entry
  /** As `seal`. What has not changed is copied. */
  sealRotated(entry: Omit<Entry, 'sealed'>, rotated: Rotated): Entry
  /** Number of records that are remembered. */
  size(): number
  /** What they take, estimated. */
  bytes(): number
}

/** The attributes of sessions. They stay sealed until something reads them. */
export interface SealedAttributes {
  /**
   * Throws `record_invalid` where the store has others than the record names, and `key_unknown`
   * where they do not open. Call it where a request is about to pass, before anything is written.
   */
  check(head: Pick<SessionHead, 'id' | 'attributesDigest'>, found: Pick<Found, 'attributes'>): void
  /** Frozen. Throws as `records.open` does. */
  open(found: Pick<Found, 'id' | 'attributes'>): Attributes
  /** What the remembered ones take, estimated. */
  bytes(): number
}

/** Notes activity, apart from the answers. */
export interface Touches {
  /** Whether the touch interval has passed since the last activity, here or in the store. */
  isDue(found: Found, at: number): boolean
  /**
   * Undefined: the answer need not wait. While activity of before could not be written it has to
   * wait, and the promise fails where the store does.
   */
  touch(id: SessionId, at: number): Promise<void> | undefined
  /** Whether answers have to wait for their touch. */
  waits(): boolean
  /** Number of sessions whose activity is remembered. */
  size(): number
}

/** The highest number that was noted under each key, for the newest 100,000 keys. */
export interface HighestNumbers<Key extends string = string> {
  /** 0 for a key that is not known. */
  of(key: Key): number
  note(key: Key, value: number): void
  forget(which: (key: Key) => boolean): void
  size(): number
}

/** Keeps repetitions out of the event log. */
export interface EventLimiter {
  /** True where the number is higher than any before it under this key. Notes it. */
  isNew(key: string, value: number): boolean
  /** True once a period, and again for the same presentation: a retry counts as the same event. */
  isDue(key: string, presentation: Pick<Presentation, 'at'>, periodMs: number): boolean
  /** Number of keys that are remembered. */
  size(): number
}

/** Makes events, seals them for the store, and publishes them once they are committed. */
export interface EventWriter {
  event<T extends EventType>(type: T, facts: FactsOf<T>): MadeEvent
  seal(events: readonly MadeEvent[]): readonly SealedEvent[]
  /** To the listener alone: what is committed already. */
  publish(events: readonly MadeEvent[]): void
  /**
   * To the listener, of what comes with no change and a client could repeat at will. A share is
   * kept, where that is asked for. Made only where somebody listens or keeps.
   */
  tell<T extends EventType>(type: T, facts: () => FactsOf<T>): void
  /** Commits events that come with no other change, and publishes them. */
  append(
    key: SessionId | SubjectKey,
    events: readonly MadeEvent[],
    options?: AppendOptions,
  ): Promise<void>
}

/** An event, and beside it what tells who a person is. Null: not known, or not asked for. */
export interface MadeEvent {
  readonly event: EventOf
  readonly personal: PersonalFacts | null
}

/** What an event is made of. */
export interface EventFacts {
  readonly at: number
  readonly session?: SessionId
  readonly subject?: SubjectKey
  /** `client` unless said otherwise. */
  readonly actor?: string
  readonly network?: Network
  readonly device?: Device
  readonly decision?: Decision
  readonly situation?: Situation | undefined
  readonly authentication?: SessionEvent['authentication']
  readonly policy?: SessionEvent['policy']
  /** The call that caused it. */
  readonly cause?: Cause | undefined
  /** Whose it is, as the application names them. */
  readonly owner?: Required<SubjectRef> | undefined
}

/** With a reason that the catalogue gives the type. */
export type FactsOf<T extends EventType> = EventFacts & {
  readonly reason?: Exclude<ReasonOf<T>, null>
}

/**
 * What this process keeps of what it read, for as long as the feed proves that nobody changed it.
 */
export interface LocalCopies {
  /** A copy that may be judged on at this instant. Undefined: read the store. */
  get(id: SessionId, at: number): OpenedSession | undefined
  /** What was read of it last. Compare it with the store's answer, and judge on that alone. */
  last(id: SessionId): OpenedSession | undefined
  /**
   * Call it before a session is read, and the result with what was read. The session is kept,
   * unless something about it happened meanwhile.
   */
  reading(id: SessionId): (opened: OpenedSession | undefined) => void
  /** Something of this session is being written here. */
  drop(id: SessionId): void
  /** All sessions of a subject are being ended here. */
  dropSubject(subject: SubjectKey): void
  /** Counts: a verification was answered from a copy, or had to read the store. */
  asked(state: 'hit' | 'miss'): void
  /** Number of sessions that are kept. */
  size(): number
}
