import type { Outcome } from 'holdfast'
import { SessionError } from 'holdfast'
import type { EventNetwork, EventType, PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { networkRange } from './network-range.ts'
import { type Position, parseCursor } from './position.ts'

type EventDevice = NonNullable<SessionEvent['device']>

/**
 * What is looked for. Every field that is given must match.
 *
 * A session or a subject is found by its events: one of them has all of `type`, `outcome`,
 * `reason`, `actor`, `correlation` and `fromLine`, and one of the places where it was seen all of
 * `network`, `asn`, `country`, `kind`, `browser` and `os`.
 */
export interface Search {
  /** UTC, ms. Default: 30 days ago. A session or subject must have been seen since then. */
  readonly since?: number
  /** Nothing from here on. Of a session or subject, its first event. */
  readonly until?: number
  /** The subject as the application names it. */
  readonly subject?: string
  /** Of the subject, where one is named: then the default is `default`. */
  readonly tenant?: string
  readonly subjectKey?: string
  readonly session?: string
  /** An address, or a network of any length in CIDR notation. */
  readonly network?: string
  readonly asn?: number
  /** ISO 3166-1 alpha-2. */
  readonly country?: string
  readonly kind?: EventNetwork['kind']
  readonly browser?: EventDevice['family']
  readonly os?: EventDevice['os']
  readonly type?: EventType
  readonly outcome?: Outcome
  readonly reason?: string
  readonly actor?: string
  readonly correlation?: string
  /** Of sessions. */
  readonly state?: SessionState
  /** Only what the log has from this line on: for those who watch. */
  readonly fromLine?: number
  /** `next` of an earlier answer to the same search. */
  readonly after?: string
  /** Most items of the answer (default 100). */
  readonly limit?: number
}

/** Events tell nothing of a session that nobody has used since its time was over: it is live. */
export const SESSION_STATES = ['live', 'ended', 'expired'] as const

export type SessionState = (typeof SESSION_STATES)[number]

/** Newest first. */
export interface Found<T> {
  readonly items: readonly T[]
  /** Down to this instant everything was looked at. */
  readonly searchedTo: number
  /** There is more, or more to look through: pass it as `after`. */
  readonly next?: string
  /** The line of the log that the index waits for: pass it as `fromLine` to hear what is new. */
  readonly nextLine: number
}

export interface FoundEvent {
  readonly line: number
  readonly event: SessionEvent
  /** Null where nothing is known, or not any more. */
  readonly personal: PersonalFacts | null
}

/** Where and with what somebody was seen. */
export interface Place {
  readonly address: string | null
  readonly asn: number | null
  readonly kind: string | null
  readonly country: string | null
  readonly city: string | null
  readonly browser: string | null
  readonly os: string | null
  readonly firstSeen: number
  readonly lastSeen: number
  readonly events: number
}

interface Summary {
  /** The subject's key. */
  readonly subject: string | null
  /** As the application names it; null where that is not known, or not any more. */
  readonly name: string | null
  readonly tenant: string | null
  readonly firstSeen: number
  readonly lastSeen: number
  readonly events: number
  /** Highest score of a decision. */
  readonly score: number | null
  /** The strictest outcome of a decision. */
  readonly worst: Outcome | null
  /** Last seen first, 20 at most. */
  readonly places: readonly Place[]
  /** How many places there are. */
  readonly placeCount: number
}

export interface FoundSession extends Summary {
  readonly session: string
  readonly state: SessionState
  readonly ended: {
    readonly at: number
    readonly reason: string | null
    readonly actor: string
  } | null
}

export interface FoundSubject extends Summary {
  readonly subject: string
  readonly sessions: number
  readonly liveSessions: number
}

/** The searches, wherever the index is. A search that cannot be is `invalid_input`. */
export interface Searches {
  events(search: Search): Promise<Found<FoundEvent>>
  sessions(search: Search): Promise<Found<FoundSession>>
  subjects(search: Search): Promise<Found<FoundSubject>>
}

const DEFAULT_LIMIT = 100
export const MOST_ITEMS = 1_000
const DEFAULT_SPAN_MS = 30 * 24 * 3_600_000

/** Where a search looks. Both ends of the time belong to it. */
export interface Range {
  readonly since: number
  /** Only what comes before this. */
  readonly before: Position
  readonly limit: number
}

/** Checks what its form alone does not say. Throws `invalid_input` that names the field. */
export function rangeOf(search: Search, now: number): Range {
  const { after, limit = DEFAULT_LIMIT, network, until = Number.MAX_SAFE_INTEGER } = search
  const cursor = after === undefined ? undefined : parseCursor(after)
  if (after !== undefined && cursor === undefined) {
    throw invalid('after must be a cursor from an earlier answer')
  }
  const since = cursor?.since ?? search.since ?? Math.max(0, now - DEFAULT_SPAN_MS)
  if (until <= since) throw invalid('until must be later than since')
  if (network !== undefined && networkRange(network) === undefined) {
    throw invalid('network must be an address, or a network such as 203.0.113.0/24')
  }
  return {
    since,
    before: cursor?.before ?? { at: until, line: 0 },
    limit: Math.min(Math.max(1, limit), MOST_ITEMS),
  }
}

function invalid(message: string): SessionError {
  return new SessionError('invalid_input', message)
}
