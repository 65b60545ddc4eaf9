import { EVENT_TYPES } from 'holdfast/maintenance'
import {
  browserFamily,
  described,
  instant,
  integer,
  list,
  networkKind,
  nullable,
  object,
  oneOf,
  operatingSystem,
  optional,
  outcome,
  personalFacts,
  sessionEvent,
  sessionId,
  subject,
  tenant,
  text,
  type Wire,
} from 'holdfast/wire'
import {
  type Found,
  type FoundEvent,
  type FoundSession,
  type FoundSubject,
  MOST_ITEMS,
  type Place,
  SESSION_STATES,
  type Search,
} from '../audit/search/search.ts'
import { after } from './queries.ts'

/** How searches of the audit log and their answers travel. */

/** A search, and whether its answer says who people are. */
export interface SearchQuery extends Omit<Search, 'state'> {
  readonly personal?: 'full' | 'none'
}

/** Sessions have a state. */
export interface SessionSearchQuery extends SearchQuery, Pick<Search, 'state'> {}

const word = text({ min: 1, max: 256 })

const fields = {
  since: optional(described(integer({ min: 0 }), 'UTC, ms. Default: 30 days ago')),
  until: optional(described(integer({ min: 1 }), 'UTC, ms. Nothing from here on')),
  subject: optional(subject),
  tenant: optional(tenant),
  subjectKey: optional(described(text({ min: 1, max: 64 }), 'As events have it')),
  session: optional(sessionId),
  network: optional(
    described(text({ min: 2, max: 64 }), 'An address, or a network such as 203.0.113.0/24'),
  ),
  asn: optional(integer({ min: 0, max: 4_294_967_295 })),
  country: optional(
    text({ pattern: { source: '^[A-Z]{2}$', problem: 'must be two capital letters, as in NO' } }),
  ),
  kind: optional(networkKind),
  browser: optional(browserFamily),
  os: optional(operatingSystem),
  type: optional(oneOf(EVENT_TYPES)),
  outcome: optional(outcome),
  reason: optional(word),
  actor: optional(word),
  correlation: optional(word),
  fromLine: optional(
    described(integer({ min: 0 }), 'Only what the log has from this line on: see `nextLine`'),
  ),
  after: optional(after),
  limit: optional(integer({ min: 1, max: MOST_ITEMS })),
  personal: optional(
    described(oneOf(['full', 'none']), 'none: no names, tenants, addresses and agents'),
  ),
}

export const searchQuery = object<SearchQuery>('SearchQuery', fields)

export const sessionSearchQuery = object<SessionSearchQuery>('SessionSearchQuery', {
  ...fields,
  state: optional(oneOf(SESSION_STATES)),
})

const place = object<Place>('Place', {
  address: nullable(text()),
  asn: nullable(integer()),
  kind: nullable(text()),
  country: nullable(text()),
  city: nullable(text()),
  browser: nullable(text()),
  os: nullable(text()),
  firstSeen: instant,
  lastSeen: instant,
  events: integer(),
})

const summary = {
  name: described(nullable(text()), 'As the application names the subject'),
  tenant: nullable(text()),
  firstSeen: instant,
  lastSeen: instant,
  events: integer(),
  score: described(nullable(integer()), 'The highest of a decision'),
  worst: described(nullable(outcome), 'The strictest outcome of a decision'),
  places: described(list(place), 'Last seen first, 20 at most'),
  placeCount: described(integer(), 'Counted up to 1,000'),
}

const foundEvent = object<FoundEvent>('FoundEvent', {
  line: described(integer(), 'Of the audit log; with several, counted over all of them'),
  event: sessionEvent,
  personal: described(nullable(personalFacts), 'Null where nothing is known, or not any more'),
})

const foundSession = object<FoundSession>('FoundSession', {
  session: sessionId,
  subject: described(nullable(text()), 'As its key'),
  state: described(oneOf(SESSION_STATES), 'As far as events tell'),
  ended: nullable(
    object<NonNullable<FoundSession['ended']>>('SessionEnd', {
      at: instant,
      reason: nullable(text()),
      actor: text(),
    }),
  ),
  ...summary,
})

const foundSubject = object<FoundSubject>('FoundSubject', {
  subject: described(text(), 'As its key'),
  sessions: integer(),
  liveSessions: described(integer(), 'Counted up to 1,000'),
  ...summary,
})

export const foundEvents = found('FoundEvents', foundEvent)
export const foundSessions = found('FoundSessions', foundSession)
export const foundSubjects = found('FoundSubjects', foundSubject)

function found<T>(name: string, item: Wire<T>): Wire<Found<T>> {
  return object<Found<T>>(name, {
    items: list(item),
    searchedTo: described(instant, 'Down to this instant everything was looked at'),
    next: optional(described(text(), 'Pass as `after`: there is more, or more to look through')),
    nextLine: described(integer(), 'Pass as `fromLine` to hear what is new'),
  })
}
