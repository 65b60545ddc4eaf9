import type { Situation } from '../core/decision.ts'
import {
  EVENT_TYPES,
  type EventNetwork,
  type PersonalFacts,
  type SessionEvent,
} from '../core/events.ts'
import type { Cursor } from '../core/feed.ts'
import {
  described,
  flag,
  integer,
  list,
  named,
  nullable,
  object,
  oneOf,
  openOneOf,
  optional,
  text,
  type Wire,
  withFields,
} from './describe.ts'
import { browserFamily, decision, networkKind, operatingSystem } from './sessions.ts'
import { instant } from './words.ts'

/** The event log. What has no value is null in it. */

const maybeText = nullable(text())
const maybeInteger = nullable(integer())

const situation = object<Situation>('Situation', {
  sensitivity: oneOf(['normal', 'sensitive']),
  reading: flag,
  context: oneOf(['confirmed', 'provisional', 'challenged', 'new']),
  networkConfirmed: flag,
  missing: list(oneOf(['acr', 'freshness'])),
  forked: flag,
  travelImpossible: optional(flag),
  canStepUp: flag,
  signalFailed: flag,
  prompts: integer(),
  contradiction: nullable(
    oneOf(['failed_key_proof', 'step_up_failed_after_fork', 'refresh_reused', 'not_me']),
  ),
})

export const eventNetwork = object<EventNetwork>('EventNetwork', {
  asn: maybeInteger,
  organisation: maybeText,
  kind: networkKind,
  country: maybeText,
  city: maybeText,
})

export const eventDevice = object<NonNullable<SessionEvent['device']>>('EventDevice', {
  family: browserFamily,
  major: maybeInteger,
  os: operatingSystem,
})

/** An event with the position after it. */
export interface EventAtCursor extends SessionEvent {
  readonly cursor: Cursor
  readonly personal?: PersonalFacts | null
}

/** An event, wherever it is. */
export const sessionEvent = object<SessionEvent>('SessionEvent', {
  id: text(),
  type: openOneOf(EVENT_TYPES),
  at: instant,
  actor: text(),
  subject: described(maybeText, 'As its key'),
  session: maybeText,
  network: nullable(eventNetwork),
  device: nullable(eventDevice),
  decision: nullable(decision),
  situation: described(
    nullable(situation),
    'Beside the decision, where the policy alone has made it: what else it looked at',
  ),
  reason: maybeText,
  correlation: maybeText,
  authentication: optional(
    described(
      object<Authentication>('Authentication', { acr: maybeText, amr: list(text()) }),
      'At logins and completed step-ups: how the person has proven who they are',
    ),
  ),
  trace: optional(described(text(), 'The `traceparent` of the request')),
  more: optional(
    described(
      integer({ min: 1 }),
      'Of a kept sample: how many of its type the process could not keep since the one before',
    ),
  ),
  policy: optional(
    described(
      object<ChangedPolicy>('ChangedPolicy', { digest: text(), summary: text() }),
      'What decides about sessions from then on: its digest (SHA-256), and the settings as JSON',
    ),
  ),
})

type ChangedPolicy = NonNullable<SessionEvent['policy']>

/** Who a person is, where it was kept. */
export const personalFacts = object<PersonalFacts>('PersonalFacts', {
  subject: maybeText,
  tenant: maybeText,
  address: described(maybeText, 'Of the client, or its network alone'),
  userAgent: maybeText,
})

const event: Wire<EventAtCursor> = named(
  'Event',
  withFields<SessionEvent, Pick<EventAtCursor, 'cursor' | 'personal'>>(sessionEvent, {
    cursor: text(),
    personal: optional(
      described(nullable(personalFacts), 'Only with `personal=full`; null where nothing was kept'),
    ),
  }),
)

type Authentication = NonNullable<SessionEvent['authentication']>

/** A part of the event log. */
export interface EventPage {
  readonly items: readonly EventAtCursor[]
  readonly cursor: Cursor
  readonly more: boolean
}

/** Answer of a query to the event log. */
export const eventPage = object<EventPage>('EventPage', {
  items: list(event),
  cursor: described(text(), 'Pass as `after` to read on'),
  more: described(flag, 'There was more to look through when this page was full'),
})
