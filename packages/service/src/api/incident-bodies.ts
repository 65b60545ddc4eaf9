import {
  described,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  record,
  scalar,
  sessionId,
  subject,
  tenant,
  text,
} from 'holdfast/wire'
import { type Finding, SEVERITIES } from '../audit/finding.ts'
import {
  INCIDENT_STATES,
  type IncidentChange,
  type IncidentDetail,
  type IncidentPage,
  type IncidentSummary,
  JUDGED_STATES,
  type JudgedState,
} from '../audit/findings/incident.ts'
import type { PageQuery } from './queries.ts'

/** What travels in the calls about incidents. */

const incidentId = text({
  pattern: { source: '^[\\w\\-]{1,64}$', problem: 'must be the id of an incident' },
})

const cursor = text({
  pattern: {
    source: '^\\d{1,15}\\.[\\w\\-]{1,64}$',
    problem: 'must be a cursor from an earlier answer',
  },
})

/** An incident by its id. */
export const incidentParams = object<{ readonly id: string }>('IncidentParams', { id: incidentId })

/** Which incidents. */
export interface IncidentsQuery extends PageQuery {
  readonly state?: IncidentSummary['state']
  readonly severity?: IncidentSummary['severity']
  readonly subject?: string
  readonly session?: string
}

export const incidentsQuery = object<IncidentsQuery>('IncidentsQuery', {
  state: optional(oneOf(INCIDENT_STATES)),
  severity: optional(described(oneOf(SEVERITIES), 'This one, or worse')),
  subject: optional(subject),
  tenant: optional(tenant),
  session: optional(sessionId),
  limit: optional(integer({ min: 1, max: 200 })),
  after: optional(cursor),
})

/** What somebody says of an incident. */
export interface JudgementBody {
  readonly state: JudgedState
  readonly note?: string
}

export const judgementBody = object<JudgementBody>('IncidentJudgement', {
  state: oneOf(JUDGED_STATES),
  note: optional(text({ min: 1, max: 2_000 })),
})

const maybeText = nullable(text())

const summaryFields = {
  id: text(),
  state: oneOf(INCIDENT_STATES),
  severity: oneOf(SEVERITIES),
  title: described(text(), 'Plain text, with values from outside: escape it'),
  subject: described(maybeText, 'As its key'),
  session: maybeText,
  network: maybeText,
  openedAt: instant,
  updatedAt: instant,
  count: described(integer(), 'How many findings it has, those included that are not kept'),
  follows: described(maybeText, 'Incident about the same that was over when this one was opened'),
}

const incidentSummary = object<IncidentSummary>('IncidentSummary', summaryFields)

/** Answer to a list. */
export const incidentPage = object<IncidentPage>('IncidentPage', {
  items: list(incidentSummary),
  next: optional(text()),
})

/** A finding as it travels. */
interface ShownFinding extends Omit<Finding, 'group'> {
  readonly group: Readonly<Record<string, string | number | boolean | null>>
}

/** What a rule has found. */
export const finding = object<ShownFinding>('Finding', {
  id: text(),
  rule: text(),
  severity: oneOf(SEVERITIES),
  at: instant,
  title: text(),
  text: text(),
  group: described(record(scalar), 'What its events have in common'),
  subject: maybeText,
  session: maybeText,
  network: maybeText,
  count: integer(),
  events: described(list(text()), 'Ids of the last 20 of its events at most'),
})

const change = object<IncidentChange>('IncidentChange', {
  at: instant,
  by: text(),
  state: oneOf(INCIDENT_STATES),
  note: maybeText,
})

interface ShownIncident extends Omit<IncidentDetail, 'findings'> {
  readonly findings: readonly ShownFinding[]
}

/** An incident with its time line. */
export const incidentDetail = object<ShownIncident>('IncidentDetail', {
  ...summaryFields,
  findings: described(list(finding), 'Oldest first; the last 50 at most'),
  changes: described(list(change), 'Oldest first; the last 100 at most'),
})
