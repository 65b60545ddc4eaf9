import type { Situation } from '../core/decision.ts'
import { EVENT_TYPES, type EventNetwork, type SessionEvent } from '../core/events.ts'
import type { Cursor } from '../core/store.ts'
import {
  described,
  flag,
  integer,
  list,
  nullable,
  object,
  oneOf,
  openOneOf,
  optional,
  text,
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
}

const event = object<EventAtCursor>('Event', {
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
  cursor: text(),
})

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
