import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../src/api/json-schema.ts'

/** Holds the answers of a service against its OpenAPI document. */
export interface DescribedAnswers {
  /** Throws where the document says otherwise, or knows less than the answer says. */
  check(method: string, path: string, answer: Response): Promise<void>
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, object>> }>
  >
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const JSON_TYPE = /^application\/(?:problem\+)?json$/

export function describedAnswers(document: Document): DescribedAnswers {
  const ajv = validatorOf(document)
  const known = new Map<string, ValidateFunction>()
  const templates = Object.keys(document.paths).map((template) => ({
    template,
    matches: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))

  function validator(pointer: string): ValidateFunction {
    const found = known.get(pointer) ?? ajv.compile({ $ref: `document#${pointer}` })
    known.set(pointer, found)
    return found
  }

  return {
    async check(method, path, answer) {
      const [plain = ''] = path.split('?')
      const template = templates.find(({ matches }) => matches.test(plain))?.template ?? ''
      const name = method.toLowerCase()
      const responses = document.paths[template]?.[name]?.responses
      if (responses === undefined) return
      const status = String(answer.status) in responses ? String(answer.status) : 'default'
      const type = answer.headers.get('content-type')
      const what = `${method} ${template} ${answer.status} ${type}`
      const content = responses[status]?.content
      if (type === null) {
        if (content !== undefined && answer.status !== 304) throw new Error(`${what}: no body`)
        return
      }
      if (content?.[type.split(';')[0] ?? ''] === undefined) {
        throw new Error(`${what}: the document has no such answer`)
      }
      if (!JSON_TYPE.test(type)) return
      const at = ['paths', template, name, 'responses', status, 'content', type, 'schema']
      const validate = validator(at.map((one) => `/${escaped(one)}`).join(''))
      const body = await answer.clone().json()
      if (validate(body)) return
      throw new Error(`${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`)
    },
  }
}

/** Whether a value is what a schema says. */
export function schemaValidator(
  schema: JsonSchema,
  components: Readonly<Record<string, JsonSchema>>,
): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false })
  return ajv.compile({ ...schema, components: { schemas: components } })
}

/** Schemas of the document by their place in it. */
function validatorOf(document: Document): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  return ajv.addSchema({ ...(closed(document) as object), $id: 'document' })
}

/** Clients pass over what they do not know. Here, an answer must not say what nobody described. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const copy: JsonSchema = Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, closed(one)]),
  )
  const { properties, additionalProperties } = copy
  const open = additionalProperties === undefined && copy.type === 'object'
  const some = typeof properties === 'object' && Object.keys(properties ?? {}).length > 0
  return open && some ? { ...copy, additionalProperties: false } : copy
}

/** RFC 6901, in a fragment of a URI. */
function escaped(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}
