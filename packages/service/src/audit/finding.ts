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

/** Stands for what was told of a subject that was erased. */
export const ERASED = 'About a subject that was erased'

/** What of a finding may tell of people: sealed in the log. */
export const PERSONAL_FINDING = ['title', 'text', 'group', 'network'] as const

export type PersonalFinding = Pick<Finding, (typeof PERSONAL_FINDING)[number]>

/** What of a finding stands in the log in clear. */
export type PublicFinding = Omit<Finding, keyof PersonalFinding>

/** The two parts of a finding. */
export function partsOf(finding: Finding): {
  readonly finding: PublicFinding
  readonly personal: PersonalFinding
} {
  const { title, text, group, network, ...rest } = finding
  return { finding: rest, personal: { title, text, group, network } }
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
