import { EVENT_FIELDS, type EventFields } from '../../../src/audit/fields.ts'
import type { Rule } from '../../../src/audit/findings/rule.ts'
import { readRules } from '../../../src/audit/findings/rules-file.ts'

let made = 0

/** An event with these fields; the others are null. */
export function fields(given: Partial<EventFields>): EventFields {
  made++
  const nothing = Object.fromEntries(EVENT_FIELDS.map((name) => [name, null]))
  const always = { id: `event-${made}`, at: 0, type: 'login-failed', actor: 'client' }
  return { ...nothing, ...always, ...given } as EventFields
}

/** Rules as they are written in JSON, which is YAML. */
export function rulesFrom(...written: readonly object[]): readonly Rule[] {
  const rules = written.map((one, at) => ({ ...PLAIN, name: `rule_${at}`, ...one }))
  const read = readRules(JSON.stringify({ rules }))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.rules
}

const PLAIN = { title: 'Found', text: 'Found', severity: 'low', match: {}, window: '1m' }
