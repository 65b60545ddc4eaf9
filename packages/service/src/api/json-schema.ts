import type { Field, Form, Pattern, Shape, Side } from 'holdfast/wire'

/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** Writes descriptions down. What has a name becomes a component, once. */
export interface SchemaWriter {
  schema(shape: Shape, side: Side): JsonSchema
  readonly components: Readonly<Record<string, JsonSchema>>
}

const NO_PROTOTYPE = { not: { const: '__proto__' } }

/** Any JSON, without the one name that reaches a prototype. */
const JSON_VALUE: JsonSchema = {
  type: ['string', 'number', 'boolean', 'null', 'array', 'object'],
  items: { $ref: '#/components/schemas/Json' },
  propertyNames: NO_PROTOTYPE,
  additionalProperties: { $ref: '#/components/schemas/Json' },
}

/**
 * Throws where two descriptions have one name: a bug of ours. `at` is where the components are put.
 */
export function schemaWriter(at = '#/components/schemas/'): SchemaWriter {
  const components: Record<string, JsonSchema> = {}
  const named = new Map<string, Form>()

  function schema(shape: Shape, side: Side): JsonSchema {
    const { name, about, form } = shape
    const description = about === undefined ? {} : { description: about }
    const inner: Inner = (one) => schema(one, side)
    if (form.kind === 'json-object') components.Json = JSON_VALUE
    if (name === undefined) return { ...inline(form, side, inner), ...description }
    const known = named.get(name)
    if (known !== undefined && known !== form) throw new TypeError(`${name} stands for two things`)
    if (known === undefined) {
      named.set(name, form)
      components[name] = inline(form, side, inner)
    }
    return { $ref: `${at}${name}`, ...description }
  }

  return { schema, components }
}

/** Writes what is inside of a description with another function: {@link schemaWriter}'s own. */
type Inner = (shape: Shape) => JsonSchema

function inline(form: Form, side: Side, inner: Inner): JsonSchema {
  switch (form.kind) {
    case 'text':
      return textSchema(form)
    case 'number': {
      const { whole, min, max } = form
      return { type: whole ? 'integer' : 'number', ...without({ minimum: min, maximum: max }) }
    }
    case 'flag':
      return { type: 'boolean' }
    case 'scalar':
      return { type: ['string', 'number', 'boolean', 'null'] }
    case 'json-object': {
      const { additionalProperties, propertyNames } = JSON_VALUE
      return { type: 'object', propertyNames, additionalProperties }
    }
    case 'one-of':
      return oneOfSchema(form)
    case 'list': {
      const { of, min, max } = form
      const bounds = without({ minItems: min === 0 ? undefined : min, maxItems: max })
      return { type: 'array', items: inner(of), ...bounds }
    }
    case 'one-or-many': {
      const one = inner(form.of)
      return { anyOf: [one, { type: 'array', items: one }] }
    }
    case 'nullable':
      return { anyOf: [inner(form.of), { type: 'null' }] }
    case 'record': {
      const { of, names } = form
      const propertyNames = names === undefined ? undefined : patternSchema(names)
      return { type: 'object', additionalProperties: inner(of), ...without({ propertyNames }) }
    }
    case 'object':
      return objectSchema(form.fields, side, inner)
    case 'variants':
      return { oneOf: form.of.map(inner) }
  }
}

function objectSchema(
  fields: Readonly<Record<string, Field>>,
  side: Side,
  inner: Inner,
): JsonSchema {
  const entries = Object.entries(fields)
  const required = entries.filter(([, { optional }]) => !optional).map(([name]) => name)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { of }]) => [name, inner(of)])),
    ...(required.length === 0 ? {} : { required }),
    // A newer service may answer more than this document says.
    ...(side === 'request' ? { additionalProperties: false } : {}),
  }
}

type FormOf<Kind> = Extract<Form, { readonly kind: Kind }>

function textSchema({ min, max, pattern }: FormOf<'text'>): JsonSchema {
  const minLength = min === 0 ? undefined : min
  const fits = pattern === undefined ? {} : patternSchema(pattern)
  return { type: 'string', ...without({ minLength, maxLength: max }), ...fits }
}

function patternSchema({ source, except }: Pattern): JsonSchema {
  return without({ pattern: source, not: except === undefined ? undefined : { pattern: except } })
}

function oneOfSchema({ values, open }: FormOf<'one-of'>): JsonSchema {
  const [only, ...others] = values
  const type = typeof only === 'boolean' ? 'boolean' : 'string'
  if (open) return { type, description: `${values.join(', ')}; a newer service may say others` }
  return others.length === 0 ? { type, const: only } : { type, enum: values }
}

/** Keywords that have a value. */
function without(keywords: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined))
}
