import type { Decision, Situation } from './decision.ts'
import type { SessionId, SubjectKey } from './ids.ts'
import type { BrowserFamily, NetworkKind, OperatingSystem } from './request.ts'

/** The catalogue, version 1. Names after CAEP 1.0 where CAEP has one. */
export const EVENT_TYPES = [
  'session-established',
  'session-presented',
  'session-refreshed',
  'secret-rotated',
  'context-changed',
  'anomaly-detected',
  'step-up-required',
  'step-up-completed',
  'step-up-failed',
  'session-limited',
  'session-revoked',
  'session-expired',
  'subject-revoked',
  'login-failed',
  'login-refused',
  'token-unknown',
  'token-reused',
  'policy-differed',
  'false-alarm-reported',
  'attributes-changed',
  'request-refused',
  'admin-acted',
  'key-rotated',
  'policy-changed',
] as const

/** A name of the catalogue. */
export type EventType = (typeof EVENT_TYPES)[number]

/**
 * Types of events of which some or all come with no change. A client can repeat these at will, so
 * that they are told, and kept only as far as is asked for.
 */
export const SAMPLED_EVENTS = [
  'session-presented',
  'session-refreshed',
  'token-unknown',
  'request-refused',
  'login-failed',
  'step-up-failed',
  'policy-differed',
  'anomaly-detected',
] as const satisfies readonly EventType[]

/** A type of which some events come with no change. */
export type SampledEvent = (typeof SAMPLED_EVENTS)[number]

/** Which share is kept of each type, from 0 to 1. */
export type EventSampling = Readonly<Partial<Record<SampledEvent, number | undefined>>>

/** Most of each type that a process keeps in a second, unless said otherwise. */
export const DEFAULT_SAMPLED_PER_SECOND = 32

/** One thing that happened. Holds no secret, no address, no subject in clear. */
export interface SessionEvent {
  /** Unique; base64url of 16 random bytes. */
  readonly id: string
  readonly type: EventType
  /** UTC, ms since the epoch. */
  readonly at: number
  /** Who caused it: `client`, `engine`, `application`, or the name that ordered it. */
  readonly actor: string
  readonly subject: SubjectKey | null
  readonly session: SessionId | null
  readonly network: EventNetwork | null
  readonly device: {
    readonly family: BrowserFamily
    readonly major: number | null
    readonly os: OperatingSystem
  } | null
  readonly decision: Decision | null
  /**
   * What the policy looked at beside the evidence: with it, a decision can be replayed. Null where
   * the decision is not the policy's alone, as at a login.
   */
  readonly situation: Situation | null
  /** Why, as a code: `logout`, `session_limit`, `secret_forked` ... */
  readonly reason: string | null
  /** One id for all that one request caused: the caller's, or the request's own. */
  readonly correlation: string | null
  /** How the person has proven who they are. At logins and completed step-ups. */
  readonly authentication?: { readonly acr: string | null; readonly amr: readonly string[] }
  /** The `traceparent` of the request (W3C Trace Context), where it had one. */
  readonly trace?: string
  /**
   * How many of this type its process could not keep since the one before. Of a kept sample, where
   * there are such.
   */
  readonly more?: number
  /** What decides about sessions from then on: its digest, and the settings as JSON. */
  readonly policy?: { readonly digest: string; readonly summary: string }
}

/**
 * Of an event, what tells who a person is: never in its public part. Null where it is not known,
 * or was not asked for.
 */
export interface PersonalFacts {
  /** As the application names it. */
  readonly subject: string | null
  readonly tenant: string | null
  readonly address: string | null
  readonly userAgent: string | null
}

/** A network as a log may know it: no address, no prefix. */
export interface EventNetwork {
  readonly asn: number | null
  readonly organisation: string | null
  readonly kind: NetworkKind
  readonly country: string | null
  readonly city: string | null
}
