import { isDeepStrictEqual } from 'node:util'
import {
  EVENT_TYPES,
  EVENTS,
  type EventDescription,
  type EventType,
  OPTIONAL_FIELDS,
  OTHER_REASONS,
} from 'holdfast/maintenance'
import { fieldsOf, type Shape, sessionEvent } from 'holdfast/wire'
import { PERSONAL_FINDING } from '../audit/finding.ts'
import { ownLine } from '../audit/formats/own-json.ts'
import { finding } from './incident-bodies.ts'
import { type JsonSchema, schemaWriter } from './json-schema.ts'

/** A schema that is published: what is valid by it never changes, so a change is a new version. */
export interface PublishedSchema {
  /** As its `$id` has it: `urn:holdfast:event:session-revoked:1`. */
  readonly id: string
  /** What to raise for a change. */
  readonly versionIn: string
  readonly schema: JsonSchema
}

/** Of a finding, as the audit log has it in clear. */
const FINDING_VERSION = 1

/** Of the own format of outputs, for events of all types and findings. */
const OUTPUT_VERSION = 1

/** The schemas of this version: one for each type of event, one of findings, one of outputs. */
export function publishedSchemas(): readonly PublishedSchema[] {
  return [
    ...EVENT_TYPES.map((type) => ({
      id: schemaId(`event:${type}`, EVENTS[type].version),
      versionIn: `\`version\` of '${type}' in packages/holdfast/src/core/event-catalogue.ts`,
      schema: eventSchema(type),
    })),
    {
      id: schemaId('finding', FINDING_VERSION),
      versionIn: '`FINDING_VERSION` in packages/service/src/api/schemas.ts',
      schema: findingSchema(),
    },
    {
      id: schemaId('output', OUTPUT_VERSION),
      versionIn: '`OUTPUT_VERSION` in packages/service/src/api/schemas.ts',
      schema: outputSchema(),
    },
  ]
}

/** All of them as one document, which a validator reads at once. */
export function schemaDocument(): JsonSchema {
  return {
    $schema: DIALECT,
    $id: 'urn:holdfast:schemas',
    $defs: Object.fromEntries(publishedSchemas().map(({ id, schema }) => [id, schema])),
  }
}

/** Whether the same is valid by both: they differ in sentences and examples at most. */
export function isSameSchema(one: JsonSchema, other: JsonSchema): boolean {
  return isDeepStrictEqual(withoutNotes(one), withoutNotes(other))
}

/** Fields of an object may have the names of notes, too. */
function withoutNotes(schema: JsonSchema): unknown {
  const text = JSON.stringify(schema, (name, value: unknown) => {
    const isNote = typeof value === 'string' && (name === 'title' || name === 'description')
    return isNote || (name === 'examples' && Array.isArray(value)) ? undefined : value
  })
  return JSON.parse(text)
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

function schemaId(what: string, version: number): string {
  return `urn:holdfast:${what}:${version}`
}

/** Of an event of one type, wherever it stands: the log of the store, the audit log, the API. */
function eventSchema(type: EventType): JsonSchema {
  const { version, when, has }: EventDescription = EVENTS[type]
  const head = { id: schemaId(`event:${type}`, version), title: type, description: when }
  const { required, ...rest } = objectSchema(head, sessionEvent, (name, written) => {
    if (name === 'type') return { const: type }
    if (name === 'reason') return reasonSchema(EVENTS[type])
    const presence = isVarying(name, has) ? has[name] : 'sometimes'
    if (presence === 'never') return isOptional(name) ? undefined : NULL
    const pattern = IDS[name]
    const given = presence === 'always' ? notNull(written()) : written()
    return pattern === undefined ? given : { type: given.type ?? ['string', 'null'], pattern }
  })
  const always = OPTIONAL_FIELDS.filter((name) => has[name] === 'always')
  return { ...rest, required: [...required, ...always] }
}

function findingSchema(): JsonSchema {
  const description =
    'What a rule has found in the events, as far as it stands in the audit log in clear.'
  const head = { id: schemaId('finding', FINDING_VERSION), title: 'finding', description }
  return objectSchema(head, finding, (name, written) =>
    PERSONAL_FINDING.some((one) => one === name) ? undefined : written(),
  )
}

/** A line of the own format. What an event of a type has, its fields have here, too. */
function outputSchema(): JsonSchema {
  const head = {
    id: schemaId('output', OUTPUT_VERSION),
    title: 'output',
    description: 'A line of the format `json` of an output of the audit log.',
  }
  const types = [...EVENT_TYPES, 'finding']
  const base = objectSchema(head, ownLine, (name, written) =>
    name === 'type' ? { type: 'string', enum: types } : written(),
  )
  return {
    ...base,
    allOf: [
      ...EVENT_TYPES.map((type) => ofType(type, propertiesIn(EVENTS[type]))),
      ofType('finding', { partition: NULL, sequence: NULL, decision: NULL }, ['finding']),
    ],
  }
}

/** Either it is of another type, or this holds. */
function ofType(type: string, properties: JsonSchema, required?: readonly string[]): JsonSchema {
  const fits = { properties, ...(required === undefined ? {} : { required }) }
  return { anyOf: [{ properties: { type: { not: { const: type } } } }, fits] }
}

function propertiesIn(one: EventDescription): JsonSchema {
  const { reason: _, situation: __, more, policy, ...fields } = one.has
  const present = Object.entries(fields).filter(([, presence]) => presence !== 'sometimes')
  return {
    ...{ partition: NOT_NULL, sequence: NOT_NULL, finding: false },
    ...(more === 'never' ? { more: false } : {}),
    ...(policy === 'never' ? { policy: false } : {}),
    ...Object.fromEntries(
      present.map(([name, presence]) => [name, presence === 'always' ? NOT_NULL : NULL]),
    ),
    reason: reasonSchema(one),
  }
}

const NULL: JsonSchema = { type: 'null' }
const NOT_NULL: JsonSchema = { not: NULL }

function isVarying(
  name: string,
  has: EventDescription['has'],
): name is keyof EventDescription['has'] {
  return Object.hasOwn(has, name)
}

function isOptional(name: string): boolean {
  return OPTIONAL_FIELDS.some((one) => one === name)
}

function reasonSchema({ has, reasons, otherReasons }: EventDescription): JsonSchema {
  if (has.reason === 'never') return NULL
  const named = Object.keys(reasons)
  const other = otherReasons === undefined ? undefined : OTHER_REASONS[otherReasons]
  if (other === undefined) {
    return has.reason === 'always' ? { enum: named } : { enum: [...named, null] }
  }
  const { pattern, most, text } = other
  return {
    type: 'string',
    minLength: 1,
    maxLength: most,
    ...(pattern === undefined ? {} : { pattern }),
    description: `One of the examples, or ${text}`,
    ...(named.length === 0 ? {} : { examples: named }),
  }
}

function notNull({ anyOf, ...schema }: JsonSchema): JsonSchema {
  if (!Array.isArray(anyOf)) return schema
  const [one] = anyOf.filter((part: JsonSchema) => part.type !== 'null')
  return { ...one, ...schema }
}

/** What ids look like. The description of the wire leaves it open. */
const IDS: Readonly<Record<string, string>> = {
  id: '^[A-Za-z0-9_-]{22}$',
  subject: '^[A-Za-z0-9_-]{22}$',
  session: '^[A-Za-z0-9_-]{43}$',
}

/**
 * The schema of an object, with what `part` makes of each field: undefined leaves one out. Nothing
 * is valid that is not described.
 */
function objectSchema(
  { id, title, description }: { readonly id: string } & Readonly<Record<string, string>>,
  shape: Shape,
  part: (name: string, written: () => JsonSchema) => JsonSchema | undefined,
): JsonSchema & { readonly required: readonly string[] } {
  const writer = schemaWriter('#/$defs/')
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  for (const [name, { of, optional }] of fieldsOf(shape)) {
    const made = part(name, () => writer.schema(of, 'request'))
    if (made === undefined) continue
    properties[name] = made
    if (!optional) required.push(name)
  }
  const defs = writer.components
  return {
    $schema: DIALECT,
    $id: id,
    title,
    description,
    type: 'object',
    properties,
    required,
    unevaluatedProperties: false,
    ...(Object.keys(defs).length === 0 ? {} : { $defs: defs }),
  }
}
