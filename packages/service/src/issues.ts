import type { z } from 'zod'

/**
 * The issues of a schema without their echoes. For a value of the wrong kind the schema also
 * reports that it is too long or too short, which means nothing.
 */
export function withoutEchoes(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const mistyped = new Set(
    issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('.')),
  )
  return issues.filter(
    ({ code, path }) =>
      (code !== 'too_big' && code !== 'too_small') || !mistyped.has(path.join('.')),
  )
}

/**
 * What is wrong with a value, as a phrase that follows its name. It does not repeat the value,
 * which may be a secret in the wrong place.
 */
export function sentenceOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? `of type ${issue.expected}`}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_big':
      return bound('most', issue.maximum, issue)
    case 'too_small':
      return bound('least', issue.minimum, issue)
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? `must be one of ${issue.options.map(String).join(', ')}`
        : 'has a form that is not described'
    case 'invalid_format':
    case 'custom':
      return issue.message
    default:
      return 'is not as described'
  }
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'text',
}

function bound(
  side: 'least' | 'most',
  limit: number | bigint,
  { origin, inclusive = true }: { readonly origin: string; readonly inclusive?: boolean },
): string {
  if (origin === 'string') return `must have at ${side} ${count(limit, 'character')}`
  if (origin === 'array') return `must have at ${side} ${count(limit, 'entry')}`
  if (inclusive) return `must be at ${side} ${limit}`
  return side === 'least' ? `must be more than ${limit}` : `must be less than ${limit}`
}

function count(limit: number | bigint, unit: 'character' | 'entry'): string {
  if (Number(limit) === 1) return `1 ${unit}`
  return `${limit} ${unit === 'entry' ? 'entries' : 'characters'}`
}
