import type { FormField } from './guard/held-forms.ts'

/** Field in which a form sends the session's form token. */
export const FORM_TOKEN_FIELD = '_form'

/** Header in which a script sends the session's form token. */
export const FORM_TOKEN_HEADER = 'x-form-token'

/** The form token's field of a body that the framework has parsed; a repeated field is none. */
export function parsedField(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, FORM_TOKEN_FIELD)) {
    return undefined
  }
  const value: unknown = Reflect.get(body, FORM_TOKEN_FIELD)
  return typeof value === 'string' ? value : undefined
}

/** The fields of a body that the framework has parsed; undefined for a body that holds more than texts. */
export function parsedFields(body: unknown): readonly FormField[] | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const fields: FormField[] = []
  for (const [name, given] of Object.entries(body)) {
    const values: readonly unknown[] = Array.isArray(given) ? given : [given]
    for (const value of values) {
      if (typeof value !== 'string') return undefined
      fields.push([name, value])
    }
  }
  return fields
}
