import { LINES_TYPE, type Shape } from 'holdfast/wire'
import { MAX_BODY_BYTES } from './body.ts'
import { type AnswerFacts, type Described, problemFacts } from './call.ts'
import { type JsonSchema, type SchemaWriter, schemaWriter } from './json-schema.ts'

/** The OpenAPI 3.1 document of the calls. */
export function describeCalls(calls: readonly Described[]): JsonSchema {
  const writer = schemaWriter()
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const one of calls) {
    paths[one.path] = { ...paths[one.path], [one.method]: operation(writer, one) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '1',
      description: 'Session security for microservices: the session authority.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'The service that this document comes from' }],
    paths,
    components: {
      schemas: writer.components,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key of the service' },
        basic: {
          type: 'http',
          scheme: 'basic',
          description: 'The name of an API key, and the key',
        },
      },
    },
  }
}

function operation(writer: SchemaWriter, one: Described): JsonSchema {
  const { id, summary, roles, body, answers } = one
  const open = roles.length === 0
  const parameters = [
    ...parametersOf(writer, 'path', one.params),
    ...parametersOf(writer, 'query', one.query),
    ...(one.headers ?? []).map(({ name, about, required }) => {
      return { name, in: 'header', required, description: about, schema: { type: 'string' } }
    }),
  ]
  const facts: Readonly<Record<string, AnswerFacts>> = {
    ...(open ? {} : COMMON),
    ...(body === undefined ? {} : { 413: tooLarge(one) }),
    ...answers,
    default: problemFacts('Whatever else went wrong'),
  }
  return {
    operationId: id,
    summary,
    ...(open ? {} : { description: `Roles: ${roles.join(', ')}.` }),
    security: open ? [] : [{ key: [] }, { basic: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: contentOf(writer, one, body) } }),
    responses: Object.fromEntries(
      Object.entries(facts).map(([status, answer]) => [status, response(writer, answer)]),
    ),
  }
}

function parametersOf(
  writer: SchemaWriter,
  where: 'path' | 'query',
  shape: Shape | undefined,
): readonly JsonSchema[] {
  if (shape?.form.kind !== 'object') return []
  return Object.entries(shape.form.fields).map(([name, { of, optional }]) => {
    const { description, ...schema } = writer.schema(of, 'request')
    return {
      name,
      in: where,
      required: !optional,
      ...(description === undefined ? {} : { description }),
      schema,
    }
  })
}

const COMMON: Readonly<Record<number, AnswerFacts>> = {
  400: problemFacts('`invalid_input`: the field is named'),
  401: problemFacts('`caller_unauthenticated`'),
  403: problemFacts('`caller_forbidden`'),
  429: problemFacts('`too_many_requests`: wait for as long as `Retry-After` says'),
  503: problemFacts('`store_unavailable` and kin: nothing was decided'),
}

function tooLarge({ bodyBytes = MAX_BODY_BYTES }: Described): AnswerFacts {
  return problemFacts(`\`body_too_large\`: more than ${bodyBytes / 1_024} KiB`)
}

function contentOf(writer: SchemaWriter, { method, form }: Described, body: Shape): JsonSchema {
  const type = method === 'patch' ? 'application/merge-patch+json' : 'application/json'
  const content = { schema: writer.schema(body, 'request') }
  return {
    [type]: content,
    ...(form === undefined ? {} : { 'application/x-www-form-urlencoded': content }),
  }
}

function response(
  writer: SchemaWriter,
  { about, body, lines, refused, stream }: AnswerFacts,
): JsonSchema {
  const content = {
    ...(body === undefined ? {} : { [JSON_TYPE]: bodySchema(writer, [body]) }),
    ...(lines === undefined ? {} : { [LINES_TYPE]: bodySchema(writer, [lines]) }),
    ...(refused === undefined ? {} : { [PROBLEM_TYPE]: bodySchema(writer, refused) }),
    ...(stream === true ? { [STREAM_TYPE]: { schema: { type: 'string' } } } : {}),
  }
  const empty = Object.keys(content).length === 0
  return { description: about, ...(empty ? {} : { content }) }
}

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'
const STREAM_TYPE = 'text/event-stream'

function bodySchema(writer: SchemaWriter, bodies: readonly Shape[]): JsonSchema {
  const schemas = bodies.map((one) => writer.schema(one, 'answer'))
  return { schema: schemas.length === 1 ? schemas[0] : { anyOf: schemas } }
}
