import { type FirstSeen, ruleSet } from './evaluate.ts'
import { eventsOf } from './example.ts'
import type { Rule } from './rule.ts'

/** What became of an example of a rule. */
export interface ExampleResult {
  readonly rule: string
  readonly about: string
  readonly expected: boolean
  readonly fired: boolean
}

/** Runs the examples of rules, each rule over its own. */
export function runExamples(rules: readonly Rule[]): readonly ExampleResult[] {
  return rules.flatMap((rule) =>
    rule.examples.map((example) => {
      const { newState, observe } = ruleSet([rule], { firstSeen: firstSeenHere() })
      const state = newState()
      let fired = false
      for (const fields of eventsOf(example)) {
        const { findings, shadowed } = observe(fields, state)
        fired ||= findings.length + shadowed.length > 0
      }
      return { rule: rule.name, about: example.about, expected: example.fires, fired }
    }),
  )
}

/** Sightings of one run, in memory; without bounds, so for events that somebody chose. */
export function firstSeenHere(): FirstSeen {
  const owners = new Map<string, Map<string, string>>()
  return ({ rule, owner, value, event }) => {
    const key = JSON.stringify([rule, owner])
    const values = owners.get(key) ?? new Map<string, string>()
    owners.set(key, values)
    const first = values.get(value) ?? event
    values.set(value, first)
    return first === event && values.size > 1
  }
}
