const MAX_FIELD = 200

/** A text field of a parsed form, at most 200 characters of it; empty when there is none. */
export function fieldOf(form: unknown, name: string): string {
  const fields = typeof form === 'object' && form !== null ? form : {}
  const value: unknown = Object.hasOwn(fields, name) ? Reflect.get(fields, name) : ''
  return typeof value === 'string' ? value.slice(0, MAX_FIELD) : ''
}
