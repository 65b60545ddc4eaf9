import type { Incident, Severity } from '../finding.ts'

export const INCIDENT_STATES = ['open', 'acknowledged', 'resolved', 'false_alarm'] as const

export type IncidentState = (typeof INCIDENT_STATES)[number]

/** What a person can make of an incident. Only a finding opens one. */
export const JUDGED_STATES = ['acknowledged', 'resolved', 'false_alarm'] as const

export type JudgedState = (typeof JUDGED_STATES)[number]

/** Who judged an incident, and when. */
export interface IncidentChange {
  readonly at: number
  readonly by: string
  readonly state: IncidentState
  readonly note: string | null
}

/** An incident as a list has it. */
export interface IncidentSummary extends Omit<Incident, 'findings'> {
  /** How many findings it has, those included that are not kept any more. */
  readonly count: number
  /** The incident about the same that was over, or silent for long, when this one was opened. */
  readonly follows: string | null
}

/** An incident with its time line. */
export interface IncidentDetail extends IncidentSummary, Incident {
  /** Oldest first; the last 100 at most. */
  readonly changes: readonly IncidentChange[]
}

/** Which incidents. What is left out does not matter. */
export interface IncidentQuery {
  readonly state?: IncidentState
  /** This one, or worse. */
  readonly severity?: Severity
  /** A subject's key. */
  readonly subject?: string
  readonly session?: string
  readonly limit: number
  /** `next` of an earlier page. */
  readonly after?: string
}

/** Newest first. */
export interface IncidentPage {
  readonly items: readonly IncidentSummary[]
  readonly next?: string
}

export interface Judgement {
  readonly state: JudgedState
  /** Name of who judges. */
  readonly by: string
  readonly note: string | null
  readonly at: number
}

/** `ended`: who acknowledges an incident that is over has not seen that it is. */
export type Judged =
  | { readonly ok: true; readonly incident: IncidentDetail }
  | { readonly ok: false; readonly code: 'unknown' | 'ended' }

/** The incidents, as the API asks for them: they live in a worker. */
export interface Incidents {
  /** Throws a `RangeError` for a cursor that is none. */
  list(query: IncidentQuery): Promise<IncidentPage>
  show(id: string): Promise<IncidentDetail | undefined>
  judge(id: string, judgement: Judgement): Promise<Judged>
}
