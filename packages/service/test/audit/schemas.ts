import { Ajv2020 } from 'ajv/dist/2020.js'
import { EVENTS, type EventType } from 'holdfast/maintenance'
import { schemaDocument } from '../../src/api/schemas.ts'

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true })
ajv.addSchema(schemaDocument())

/** The id of the schema of a type. */
export function schemaOf(type: string): string {
  return `urn:holdfast:event:${type}:${EVENTS[type as EventType].version}`
}

/** What is wrong with a value by a schema, as whoever receives it would find. */
export function problemsBy(id: string, value: unknown): readonly string[] {
  const check = ajv.getSchema(id)
  if (check === undefined) throw new Error(`${id} is not published.`)
  // As it travels: what is undefined is absent.
  if (check(JSON.parse(JSON.stringify(value)))) return []
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${id} ${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}
