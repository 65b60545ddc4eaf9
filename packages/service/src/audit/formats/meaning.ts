import { eventMeaning, type Meaning, typeMeaning } from 'holdfast/maintenance'
import type { EntryFacts } from './facts.ts'

export type { Kind, Level, Meaning } from 'holdfast/maintenance'

const FINDING = {
  title: 'A rule has found something',
  severity: 'medium',
  kind: 'detection',
} as const

/** What a line of the audit log is: an event, or what a rule has found. */
export function meaningOf(facts: EntryFacts): Meaning {
  const { finding } = facts
  if (finding === null) return eventMeaning(facts)
  const { kind } = FINDING
  const { title, severity } = finding
  return { title: title ?? FINDING.title, kind, severity, outcome: 'unknown' }
}

/** What lines of a type are at least, whatever else they say. */
export function meaningOfType(type: string): Pick<Meaning, 'title' | 'severity' | 'kind'> {
  return type === 'finding' ? FINDING : typeMeaning(type)
}
