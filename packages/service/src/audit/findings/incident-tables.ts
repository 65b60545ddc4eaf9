import type { SqlRow, SqlValue } from '../database.ts'
import { type Finding, SEVERITIES, type Severity } from '../finding.ts'
import type { IncidentChange, IncidentState, IncidentSummary } from './incident.ts'

/** The tables of incidents. A step that was released never changes. */
export const INCIDENT_STEPS: readonly string[] = [
  `
  CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    severity INTEGER NOT NULL,
    title TEXT NOT NULL,
    subject TEXT,
    session TEXT,
    network TEXT,
    opened_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    follows TEXT
  ) STRICT;
  CREATE INDEX incidents_by_opened ON incidents (opened_at, id);
  CREATE INDEX incidents_by_updated ON incidents (updated_at);

  CREATE TABLE incident_keys (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, value, incident)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX incident_keys_by_incident ON incident_keys (incident);

  CREATE TABLE incident_findings (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    subject TEXT,
    finding TEXT
  ) STRICT;
  CREATE INDEX incident_findings_by_incident ON incident_findings (incident);
  CREATE INDEX incident_findings_kept ON incident_findings (incident, at, id)
    WHERE finding IS NOT NULL;
  CREATE INDEX incident_findings_by_subject ON incident_findings (subject);

  CREATE TABLE incident_changes (
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT
  ) STRICT;
  CREATE INDEX incident_changes_by_incident ON incident_changes (incident);
  `,
]

export function summaryOf(row: SqlRow): IncidentSummary {
  return {
    id: String(row.id),
    state: String(row.state) as IncidentState,
    severity: SEVERITIES[Number(row.severity)] ?? 'critical',
    title: String(row.title),
    subject: textOf(row.subject),
    session: textOf(row.session),
    network: textOf(row.network),
    openedAt: Number(row.opened_at),
    updatedAt: Number(row.updated_at),
    count: Number(row.count),
    follows: textOf(row.follows),
  }
}

/** The values of a row of `incidents`, in the order of its columns. */
export function valuesOf(incident: IncidentSummary): readonly SqlValue[] {
  const { id, state, severity, title, subject, session, network } = incident
  const { openedAt, updatedAt, count, follows } = incident
  const rank = rankOf(severity)
  return [id, state, rank, title, subject, session, network, openedAt, updatedAt, count, follows]
}

export function findingOf(row: SqlRow): Finding {
  return JSON.parse(String(row.finding))
}

export function changeOf(row: SqlRow): IncidentChange {
  return {
    at: Number(row.at),
    by: String(row.by),
    state: String(row.state) as IncidentState,
    note: textOf(row.note),
  }
}

/** Where a severity stands among all, from 0. */
export function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

function textOf(value: SqlValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}
