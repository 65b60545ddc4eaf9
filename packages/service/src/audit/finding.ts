import type { EventFields } from './fields.ts'

/** How much a finding matters, from least to most. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const

export type Severity = (typeof SEVERITIES)[number]

/** What a rule has found in the events. */
export interface Finding {
  /** The same for the same rule, group and event: a replay finds nothing twice. */
  readonly id: string
  /** Name of the rule. */
  readonly rule: string
  readonly severity: Severity
  /** Of the event that completed it. */
  readonly at: number
  readonly title: string
  readonly text: string
  /** What the events have in common, by the names of their fields. */
  readonly group: Partial<Readonly<Record<keyof EventFields, string | number | null>>>
  readonly subject: string | null
  readonly session: string | null
  readonly network: string | null
  /** How many events, and the ids of the last 20 of them at most. */
  readonly count: number
  readonly events: readonly string[]
}

/** What is known of one session, subject or attacker: findings that belong together. */
export interface Incident {
  readonly id: string
  readonly state: 'open' | 'acknowledged' | 'resolved' | 'false_alarm'
  readonly severity: Severity
  readonly title: string
  readonly subject: string | null
  readonly session: string | null
  readonly network: string | null
  readonly openedAt: number
  readonly updatedAt: number
  /** Newest last; the last 50 at most. */
  readonly findings: readonly Finding[]
}
