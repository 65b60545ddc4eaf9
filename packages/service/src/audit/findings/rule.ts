import { z } from 'zod'
import { duration } from '../../config/values.ts'
import { EVENT_FIELDS } from '../fields.ts'
import { SEVERITIES } from '../finding.ts'
import { type Example, example } from './example.ts'
import { fieldsNamed } from './text.ts'

/** What a field of an event must be. */
export type Condition =
  | Scalar
  | readonly Scalar[]
  | { readonly not: Condition }
  | { readonly prefix: string }
  | { readonly atLeast?: number | undefined; readonly atMost?: number | undefined }

/** A value of an event. Null where the event does not have it. */
export type Scalar = string | number | null

/** A name of a field of an event. */
export type FieldName = (typeof EVENT_FIELDS)[number]

/** Conditions by field, all of which must hold. */
export type Match = Readonly<Partial<Record<FieldName, Condition>>>

/** Which events are worth telling somebody of, and how. */
export interface Rule {
  readonly name: string
  readonly title: string
  readonly text: string
  readonly severity: (typeof SEVERITIES)[number]
  /** It is watched, and nobody is told. */
  readonly shadow: boolean
  /** An event counts where one of them holds. */
  readonly match: readonly Match[]
  /** Events are counted for each value of these fields; one that lacks a value does not count. */
  readonly groupBy: readonly FieldName[]
  readonly window: number
  /** So many events within the window. */
  readonly threshold: number
  /** Instead of a threshold: so many different values of a field within the window. */
  readonly distinct: { readonly field: FieldName; readonly atLeast: number } | null
  /** Beside a threshold: so many times as many as in an average window of the time before. */
  readonly above: { readonly times: number; readonly over: number } | null
  /** Only where `of` (nothing: anybody) never had this value of `field`, and has had another. */
  readonly firstSeen: { readonly field: FieldName; readonly of: FieldName | null } | null
  /** A group is told once in each such period. */
  readonly once: number
  readonly examples: readonly Example[]
}

const MOST_RULES = 200
const MOST_COUNTED = 1_000
const MOST_WINDOWS = 300
const LEAST_MS = 1_000
const MOST_MS = 7 * 86_400_000
const LEAST_SURGE_MS = 60_000
const MOST_SURGE_MS = 32 * 86_400_000

const field = z.enum(EVENT_FIELDS)
const word = z.string().max(1_024)
const scalar = z.union([word, z.number(), z.null()])

const condition: z.ZodType<Condition> = z.lazy(() =>
  z.union(
    [
      scalar,
      z.array(scalar).min(1).max(100),
      z.strictObject({ not: condition }),
      z.strictObject({ prefix: word.min(1) }),
      z.strictObject({ atLeast: z.number(), atMost: z.number().optional() }),
      z.strictObject({ atMost: z.number() }),
    ],
    { error: 'must be a value, a list of values, or one of not, prefix, atLeast and atMost' },
  ),
)

const match = z.partialRecord(field, condition)

const span = duration.refine((ms) => ms >= LEAST_MS && ms <= MOST_MS, 'must be 1s to 7d')

const surge = z.strictObject({
  times: z.number().min(1).max(1_000),
  over: duration.refine((ms) => ms <= MOST_SURGE_MS, 'must be at most 32d'),
})

/** A rule as it is written. */
const rule = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be letters, digits and "_", as in a_b'),
    title: z.string().min(1).max(200),
    text: z.string().min(1).max(2_000),
    severity: z.enum(SEVERITIES),
    shadow: z.boolean().default(false),
    match: z.preprocess(asList, z.array(match).min(1).max(10)),
    groupBy: z.array(field).max(4).default([]),
    window: span,
    threshold: z.int().min(1).max(MOST_COUNTED).default(1),
    distinct: z
      .strictObject({ field, atLeast: z.int().min(2).max(MOST_COUNTED) })
      .nullable()
      .default(null),
    above: surge.nullable().default(null),
    firstSeen: z
      .strictObject({ field, of: field.nullable().default(null) })
      .nullable()
      .default(null),
    once: span.optional(),
    examples: z.array(example).max(20).default([]),
  })
  .transform((written) => ({ ...written, once: written.once ?? written.window }))
  .superRefine(checkTogether)

function asList(written: unknown): unknown {
  return Array.isArray(written) ? written : [written]
}

/** A file of rules. */
export const rulesFile = z
  .strictObject({ rules: z.array(rule).min(1).max(MOST_RULES) })
  .superRefine(({ rules }, context) => {
    const names = rules.map(({ name }) => name)
    for (const [at, name] of names.entries()) {
      if (names.indexOf(name) === at) continue
      const path = ['rules', at, 'name']
      context.addIssue({ code: 'custom', path, message: `is that of another rule: ${name}` })
    }
  })

/** Whether one event alone is enough, so that all of its values may be told. */
export function isOfOneEvent({ threshold, distinct, above }: Rule): boolean {
  return threshold === 1 && distinct === null && above === null
}

function checkTogether(written: Rule, context: z.RefinementCtx): void {
  const { distinct, threshold, above, window, groupBy } = written
  const wrong = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (distinct !== null && threshold !== 1) wrong('threshold', 'is not for a rule with distinct')
  if (distinct !== null && above !== null) wrong('above', 'is not for a rule with distinct')
  if (above !== null && !isSurge(above.over, window)) {
    wrong('above', `needs a window of at least 1m and "over" of 2 to ${MOST_WINDOWS} windows`)
  }
  if (groupBy.includes('name') && !groupBy.includes('subject')) {
    wrong('groupBy', 'has name without subject: two tenants may have the same name')
  }
  const known: readonly string[] = isOfOneEvent(written) ? EVENT_FIELDS : groupBy
  for (const part of ['title', 'text'] as const) {
    for (const named of fieldsNamed(written[part])) {
      if (named === 'count' || known.includes(named)) continue
      wrong(part, `names {${named}}, which is ${isOfOneEvent(written) ? 'no field' : DIFFERS}`)
    }
  }
}

const DIFFERS = 'not one of groupBy: the events that are counted may differ in it'

function isSurge(over: number, window: number): boolean {
  return window >= LEAST_SURGE_MS && over >= 2 * window && over <= MOST_WINDOWS * window
}
