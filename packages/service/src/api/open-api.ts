import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { problemFacts } from './answers.ts'
import { MAX_BODY_BYTES } from './body.ts'
import type { AnswerFacts, Call } from './call.ts'

/** The OpenAPI 3.1 document of the calls. */
export type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>

/** Writes down what every call says of itself. */
export function describeCalls(app: OpenAPIHono, calls: readonly Call[]): Document {
  const registry = app.openAPIRegistry
  const key = registry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key of the service',
  })
  for (const one of calls) {
    const headers = z.object(
      Object.fromEntries(
        (one.headers ?? []).map(({ name, about, required }) => [
          name,
          (required ? z.string() : z.string().optional()).describe(about),
        ]),
      ),
    )
    registry.registerPath({
      method: one.method,
      path: one.path,
      operationId: one.id,
      summary: one.summary,
      ...(one.roles.length === 0
        ? {}
        : { description: `Roles: ${one.roles.join(', ')}.`, security: [{ [key.name]: [] }] }),
      request: {
        ...(one.params === undefined ? {} : { params: one.params }),
        ...(one.query === undefined ? {} : { query: one.query }),
        ...(one.headers === undefined ? {} : { headers }),
        ...(one.body === undefined
          ? {}
          : { body: { required: true, content: contentOf(one, one.body) } }),
      },
      responses: Object.fromEntries(
        Object.entries({
          ...(one.roles.length === 0 ? {} : COMMON),
          ...(one.body === undefined ? {} : { 413: tooLarge(one) }),
          ...one.answers,
        }).map(([status, facts]) => [status, responseOf(facts)]),
      ),
    })
  }
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '1',
      description: 'Session security for microservices: the session authority.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
  })
}

const COMMON: Readonly<Record<number, AnswerFacts>> = {
  400: problemFacts('`invalid_input`: the field is named'),
  401: problemFacts('`caller_unauthenticated`'),
  403: problemFacts('`caller_forbidden`'),
  503: problemFacts('`store_unavailable` and kin: nothing was decided'),
}

function tooLarge({ bodyBytes = MAX_BODY_BYTES }: Call): AnswerFacts {
  return problemFacts(`\`body_too_large\`: more than ${bodyBytes / 1_024} KiB`)
}

function contentOf(
  { method, form }: Call,
  schema: z.ZodType,
): Record<string, { schema: z.ZodType }> {
  const type = method === 'patch' ? 'application/merge-patch+json' : 'application/json'
  return {
    [type]: { schema },
    ...(form === undefined ? {} : { 'application/x-www-form-urlencoded': { schema } }),
  }
}

function responseOf({ about, schema, type = 'application/json' }: AnswerFacts): {
  description: string
  content?: Record<string, { schema: z.ZodType }>
} {
  return schema === undefined
    ? { description: about }
    : { description: about, content: { [type]: { schema } } }
}
