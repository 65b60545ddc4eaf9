import fc from 'fast-check'
import type { JsonSchema } from '../src/api/json-schema.ts'

export interface ArbitraryOptions {
  /** Every optional field is there. */
  readonly complete?: boolean
}

/** Long texts cost time and say nothing new: limits are tested one by one. */
const MOST = 80

/**
 * Values that a schema of an API document allows. Of the keywords, those that the service writes.
 */
export function arbitraryOf(
  schema: JsonSchema,
  components: Readonly<Record<string, JsonSchema>>,
  options: ArbitraryOptions = {},
): fc.Arbitrary<unknown> {
  const of = (one: unknown): fc.Arbitrary<unknown> =>
    arbitraryOf(one as JsonSchema, components, options)
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.replace('#/components/schemas/', '')
    return name === 'Json' ? JSON_VALUE : of(components[name] ?? {})
  }
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  const choices = schema.oneOf ?? schema.anyOf
  if (Array.isArray(choices)) return fc.oneof(...choices.map(of))
  if (Array.isArray(schema.type)) {
    const scalars = schema.type.filter((type) => type !== 'array' && type !== 'object')
    return fc.oneof(...scalars.map((type) => of({ type })))
  }
  switch (schema.type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.oneof(
        fc.integer(rangeOf(schema, 2 ** 31)),
        fc.maxSafeInteger().filter(within(schema)),
      )
    case 'number':
      return fc
        .double({ ...rangeOf(schema, 1e6), noNaN: true, noDefaultInfinity: true })
        .map((n) => n + 0)
    case 'string':
      return textOf(schema)
    case 'array': {
      const { minItems = 0, maxItems = 4 } = schema as { minItems?: number; maxItems?: number }
      return fc.array(of(schema.items), { minLength: minItems, maxLength: Math.min(maxItems, 4) })
    }
    case 'object':
      return objectOf(schema, of, options)
    default:
      return JSON_VALUE
  }
}

const JSON_VALUE = fc
  .jsonValue({ maxDepth: 2 })
  .filter((value) => !JSON.stringify(value).includes('__proto__'))

function objectOf(
  schema: JsonSchema,
  of: (one: unknown) => fc.Arbitrary<unknown>,
  { complete = false }: ArbitraryOptions,
): fc.Arbitrary<unknown> {
  const { properties, required = [], additionalProperties, propertyNames } = schema
  if (properties === undefined) {
    const { pattern } = (propertyNames ?? {}) as { readonly pattern?: string }
    const names = pattern === undefined ? fc.string() : fc.stringMatching(new RegExp(pattern, 'u'))
    const allowed = names.filter((name) => name !== '__proto__')
    return fc.dictionary(allowed, of(additionalProperties), {
      minKeys: complete ? 1 : 0,
      maxKeys: 4,
      noNullPrototype: true,
    })
  }
  const model = Object.fromEntries(
    Object.entries(properties as object).map(([name, one]) => [name, of(one)]),
  )
  if (complete) return fc.record(model, { noNullPrototype: true })
  const requiredKeys = required as string[]
  return fc.record(model, { requiredKeys, noNullPrototype: true })
}

function textOf(schema: JsonSchema): fc.Arbitrary<string> {
  const {
    minLength = 0,
    maxLength,
    pattern,
    not,
  } = schema as {
    readonly minLength?: number
    readonly maxLength?: number
    readonly pattern?: string
    readonly not?: { readonly pattern: string }
  }
  const refused = not === undefined ? undefined : new RegExp(not.pattern, 'u')
  const fits = (text: string): boolean => {
    const { length } = [...text]
    const long = length >= minLength && length <= (maxLength ?? Number.POSITIVE_INFINITY)
    return long && refused?.test(text) !== true
  }
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u')
    return fc
      .oneof(fc.stringMatching(expression), fc.string({ unit: 'binary', maxLength: MOST }))
      .filter((text) => fits(text) && expression.test(text))
  }
  const short = fc.string({
    unit: 'binary',
    minLength,
    maxLength: Math.min(maxLength ?? MOST, MOST),
  })
  if (maxLength === undefined || maxLength > 256) return short
  return fc.oneof({ weight: 9, arbitrary: short }, fc.constant('\u{1f511}'.repeat(maxLength)))
}

function rangeOf(schema: JsonSchema, most: number): { min: number; max: number } {
  const { minimum = -most, maximum = most } = schema as { minimum?: number; maximum?: number }
  return { min: Math.max(minimum, -most), max: Math.min(maximum, most) }
}

function within(schema: JsonSchema): (value: number) => boolean {
  const { minimum = -Infinity, maximum = Infinity } = schema as {
    minimum?: number
    maximum?: number
  }
  return (value) => value >= minimum && value <= maximum
}
