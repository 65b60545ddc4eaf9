import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { EVENTS } from '../../src/core/event-catalogue.ts'
import type { SessionEvent } from '../../src/core/events.ts'

const FOLDER = new URL('../../schemas/', import.meta.url)

/** Holds events against the published schemas of their types, as whoever receives them would. */
export function eventSchemas(): { problems(event: SessionEvent): readonly string[] } {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true })
  const checks = new Map<string, ValidateFunction>()

  function checkOf(type: SessionEvent['type']): ValidateFunction {
    const name = `event.${type}.${EVENTS[type].version}.json`
    const known = checks.get(name)
    if (known !== undefined) return known
    const check = ajv.compile(JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')))
    checks.set(name, check)
    return check
  }

  return {
    problems(event) {
      const check = checkOf(event.type)
      // As it travels: what is undefined is absent.
      if (check(JSON.parse(JSON.stringify(event)))) return []
      const said = check.errors?.map(({ instancePath, message, params }) =>
        `${instancePath} ${message} ${JSON.stringify(params)}`.trim(),
      )
      return [`${event.type} (${event.reason}): ${said?.join('; ')}`]
    },
  }
}
