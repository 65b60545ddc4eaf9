import type { EventFields } from '../fields.ts'
import type { Condition, FieldName, Match, Scalar } from './rule.ts'

/** Whether an event counts for a rule. */
export type Matcher = (fields: EventFields) => boolean

/** An event counts where all conditions of one of the matches hold. None at all: every event. */
export function matcherOf(matches: readonly Match[]): Matcher {
  const compiled = matches.map(allOf)
  return (fields) => compiled.some((holds) => holds(fields))
}

function allOf(match: Match): Matcher {
  const tests = Object.entries(match).map(
    ([name, condition]) => [name as FieldName, testOf(condition)] as const,
  )
  return (fields) => tests.every(([name, holds]) => holds(fields[name]))
}

function testOf(condition: Condition): (value: Scalar) => boolean {
  if (condition === null || typeof condition !== 'object') return (value) => value === condition
  if (isList(condition)) {
    const wanted = new Set(condition)
    return (value) => wanted.has(value)
  }
  if ('not' in condition) {
    const holds = testOf(condition.not)
    return (value) => !holds(value)
  }
  if ('prefix' in condition) {
    const { prefix } = condition
    return (value) => typeof value === 'string' && value.startsWith(prefix)
  }
  const { atLeast = -Infinity, atMost = Infinity } = condition
  return (value) => typeof value === 'number' && value >= atLeast && value <= atMost
}

function isList(condition: Condition): condition is readonly Scalar[] {
  return Array.isArray(condition)
}
