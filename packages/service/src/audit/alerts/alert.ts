import { createHash } from 'node:crypto'
import { type Incident, SEVERITIES, type Severity } from '../finding.ts'
import { inert } from './inert-text.ts'
import type { Notice } from './notices/notice.ts'

/** What an alert tells of. The last three are of no incident. */
export const CHANGES = [
  'opened',
  'escalated',
  'acknowledged',
  'resolved',
  'false_alarm',
  'digest',
  'test',
  'notice',
] as const

export type Change = (typeof CHANGES)[number]

/**
 * A message to those who look after security. All text in it is inert: strangers have written names
 * and agents, and a target has only to escape what its own format gives a meaning to.
 */
export interface Alert {
  /** The same for the same change of the same incident: receivers drop doubles by it. */
  readonly id: string
  readonly change: Change
  /** UTC, ms since the epoch. */
  readonly at: number
  readonly severity: Severity
  readonly title: string
  readonly text: string
  readonly rules: readonly string[]
  readonly incident: string | null
  readonly tenant: string | null
  /** The subject's key; `name` is what the application calls it. */
  readonly subject: string | null
  readonly name: string | null
  readonly session: string | null
  readonly network: string | null
  /** The last findings of the incident, newest last. */
  readonly timeline: readonly Moment[]
  /** The command that shows the alert. */
  readonly command: string
  /** The page of the console that shows the incident. */
  readonly link: string | null
  /** Of a digest: how many alerts it stands for. */
  readonly counts: SeverityCounts | null
  /** Of a notice, which is for the subject: it goes to the application alone. */
  readonly notice?: Notice
}

export interface Moment {
  readonly at: number
  readonly rule: string
  readonly title: string
  readonly count: number
}

export type SeverityCounts = Readonly<Record<Severity, number>>

/** What an incident does not say of itself. */
export interface AlertContext {
  /** URL of the console, without a slash at its end. */
  readonly console?: string | undefined
  readonly tenant?: string | null
  readonly name?: string | null
}

export const MOST_MOMENTS = 10
const MOST_RULES = 20
/** PagerDuty takes no longer key of an incident. */
const MOST_WORD = 255
const MOST_TITLE = 200
const MOST_TEXT = 1_000

/** Which alert a new state of an incident is worth; undefined for one that tells nothing new. */
export function changeOf(before: Incident | undefined, after: Incident): Change | undefined {
  if (after.state === 'open') {
    if (before === undefined || isOver(before)) return 'opened'
    return rankOf(after.severity) > rankOf(before.severity) ? 'escalated' : undefined
  }
  if (before?.state !== after.state) return after.state
  return rankOf(after.severity) > rankOf(before.severity) ? 'escalated' : undefined
}

/** Whether it tells that somebody takes care, or that it is over: it wakes nobody. */
export function isClosing({ change }: Pick<Alert, 'change'>): boolean {
  return change === 'acknowledged' || change === 'resolved' || change === 'false_alarm'
}

/** From 0, the least. */
export function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

/** The alert that tells of a change of an incident. */
export function alertOf(incident: Incident, change: Change, context: AlertContext = {}): Alert {
  const { severity, updatedAt, findings } = incident
  const id = alertId([incident.id, change, severity, String(updatedAt)])
  const last = findings.at(-1)
  return {
    id,
    change,
    at: updatedAt,
    severity,
    title: inert(`${PREFIX[change] ?? ''}${incident.title}`, MOST_TITLE),
    text: inert(last?.text ?? '', MOST_TEXT),
    rules: [...new Set(findings.map(({ rule }) => inert(rule, MOST_WORD)))].slice(-MOST_RULES),
    incident: inert(incident.id, MOST_WORD),
    tenant: word(context.tenant ?? tenantOf(incident)),
    subject: word(incident.subject),
    name: word(context.name ?? null),
    session: word(incident.session),
    network: word(incident.network),
    timeline: findings.slice(-MOST_MOMENTS).map(({ at, rule, title, count }) => ({
      at,
      rule: inert(rule, MOST_WORD),
      title: inert(title, MOST_TITLE),
      count,
    })),
    command: showCommand(id),
    link:
      context.console === undefined
        ? null
        : `${context.console}/incidents/${encodeURIComponent(incident.id)}`,
    counts: null,
  }
}

/** An alert of no incident: a test, many alerts in one, or a notice. */
export function ownAlert(
  facts: Pick<Alert, 'id' | 'change' | 'at' | 'severity' | 'title' | 'text'> & Partial<Alert>,
): Alert {
  return {
    rules: [],
    incident: null,
    tenant: null,
    subject: null,
    name: null,
    session: null,
    network: null,
    timeline: [],
    command: showCommand(facts.id),
    link: null,
    counts: null,
    ...facts,
  }
}

/** An id from what tells one alert from another. It has no dot, which Standard Webhooks forbids. */
export function alertId(parts: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  return `alert_${digest.slice(0, 22)}`
}

const PREFIX: Partial<Record<Change, string>> = {
  escalated: 'Worse: ',
  acknowledged: 'Acknowledged: ',
  resolved: 'Resolved: ',
  false_alarm: 'False alarm: ',
}

function showCommand(id: string): string {
  return `holdfast alerts show ${id}`
}

function isOver({ state }: Incident): boolean {
  return state === 'resolved' || state === 'false_alarm'
}

/** An incident has the tenant of its newest finding that was grouped by one. */
function tenantOf({ findings }: Incident): string | null {
  const tenant = findings.findLast(({ group }) => typeof group.tenant === 'string')?.group.tenant
  return typeof tenant === 'string' ? tenant : null
}

function word(text: string | null): string | null {
  return text === null ? null : inert(text, MOST_WORD)
}
