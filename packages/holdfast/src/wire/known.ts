import { constantOf, type Shape, type Wire } from './describe.ts'

/**
 * A copy with the described fields alone: what a client sends of what it was given, and what it
 * hands on of what it was answered. What has another form than the description stays as it is,
 * for the other side to refuse.
 */
export function known<T>(wire: Wire<T>, value: T): T
export function known({ form }: Shape, value: unknown): unknown {
  switch (form.kind) {
    case 'object': {
      if (!isObject(value)) return value
      const copy: Record<string, unknown> = {}
      for (const [name, { of }] of Object.entries(form.fields)) {
        const given = value[name]
        if (given !== undefined) copy[name] = known(of, given)
      }
      return copy
    }
    case 'variants': {
      if (!isObject(value)) return value
      const variant = form.of.find((one) => constantOf(one, form.by) === value[form.by])
      return variant === undefined ? value : known(variant, value)
    }
    case 'nullable':
      return value === null ? null : known(form.of, value)
    case 'list':
      return Array.isArray(value) ? value.map((one) => known(form.of, one)) : value
    default:
      return value
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
