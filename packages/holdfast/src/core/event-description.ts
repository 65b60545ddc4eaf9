import type { PersonalFacts, SessionEvent } from './events.ts'

/** What is said of a type of event. */
export interface EventDescription {
  readonly version: number
  /** When it comes, as a sentence. */
  readonly when: string
  /** Committed to the log of the store; or else told alone, to the listener and the log. */
  readonly kept: boolean
  /** How repetitions are bounded. Absent: each is an event. */
  readonly bound?: string
  readonly has: Readonly<Record<VaryingField, Presence>>
  /** What can be in the personal part. */
  readonly personal: readonly (keyof PersonalFacts)[]
  readonly reasons: Readonly<Record<string, ReasonDescription>>
  /** Reasons that others choose may come, too. */
  readonly otherReasons?: keyof typeof OTHER_REASONS
  /** What it means that there is no reason. */
  readonly noReason?: string
}

/** A reason, and where it differs from its type. */
export interface ReasonDescription extends Partial<Pick<EventDescription, 'kept' | 'bound'>> {
  readonly text: string
}

/** Fields that are null, or absent, in some events. */
export type VaryingField =
  | 'subject'
  | 'session'
  | 'network'
  | 'device'
  | 'decision'
  | 'situation'
  | 'reason'
  | OptionalField

/** Fields that are absent, and not null, where there is nothing to say. */
export const OPTIONAL_FIELDS = ['authentication', 'more', 'policy'] as const

export type OptionalField = (typeof OPTIONAL_FIELDS)[number]

/** `never`: it is null, or absent where it may be absent. */
export type Presence = 'always' | 'sometimes' | 'never'

/** What reasons look like that a configuration or a caller has chosen. */
export const OTHER_REASONS = {
  code: {
    pattern: '^[a-z][a-z0-9_]{0,63}$',
    most: 64,
    text: 'the code of whoever ordered or recorded it, in snake_case',
  },
  class: { pattern: undefined, most: 64, text: 'the class of the session, as it is configured' },
  factors: {
    pattern: undefined,
    // 16 methods of 64 characters, joined.
    most: 1_039,
    text: 'the methods that were proved (`amr`), joined by `+`: `otp`, `pwd+otp`',
  },
} as const

/** What each field is for, and so why it is kept. */
export const EVENT_FIELDS: Readonly<Record<keyof SessionEvent, string>> = {
  id: 'tells one event from another, and finds it again',
  type: 'what happened',
  at: 'when',
  actor: 'who did it: `client`, `engine`, `application`, or the name of an API key or person',
  subject: 'whose it was, as a key (HMAC): the same for the same subject, and no name',
  session: 'which session, by its public id, which is no secret',
  network: 'kind of network, provider, country and city: whether a session moved',
  device: 'browser family, its version, operating system: whether it is another device',
  decision: 'what was decided, and each reason with its weight: why somebody was stopped',
  situation: 'what else the policy looked at: the decision can be repeated',
  reason: 'why, as a code',
  correlation: 'the id of the request: finds it in the logs of other services',
  authentication: 'by which factors somebody has logged in (`acr`, `amr`)',
  trace: 'the `traceparent` of the request, for the same',
  more: 'of a kept sample: how many of its type were not kept since the one before',
  policy: 'of `policy-changed`: the settings in force, with their digest; nothing of a person',
}

/** The same for what tells who a person is. */
export const PERSONAL_FIELDS: Readonly<Record<keyof PersonalFacts, string>> = {
  subject: 'the name that the application has for the subject: whom to call',
  tenant: 'the tenant of the application',
  address: 'of the client; with `network` its /24 or /64 alone: from where an attack came',
  userAgent: 'of the client, at most 512 characters: what an attacker used',
}
