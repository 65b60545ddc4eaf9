import { cut } from '../core/request.ts'
import { constantOf, type Form, type Shape, type Wire } from './describe.ts'

/**
 * Copies a value with the described fields alone, and of each as much as is looked at: what a
 * client sends of what it was given, and what it hands on of what it was answered. What has another
 * form than the description stays as it is, for the other side to refuse.
 *
 * Compiles the description: what each verification goes through must not look things up.
 */
export function knownFields<T>(wire: Wire<T>): (value: T) => T
export function knownFields({ form }: Shape): Copy {
  return copyOf(form) ?? ((value) => value)
}

type Copy = (value: unknown) => unknown

/** Undefined where values stay as they are. */
function copyOf(form: Form): Copy | undefined {
  switch (form.kind) {
    case 'object': {
      const fields = Object.entries(form.fields).map(
        ([name, { of }]) => ({ name, copy: copyOf(of.form) }) as const,
      )
      return (value) => {
        if (!isObject(value)) return value
        const known: Record<string, unknown> = {}
        for (const { name, copy } of fields) {
          const given = value[name]
          if (given !== undefined) known[name] = copy === undefined ? given : copy(given)
        }
        return known
      }
    }
    case 'variants': {
      const { by } = form
      const copies = new Map<unknown, Copy | undefined>(
        form.of.map((one) => [constantOf(one, by), copyOf(one.form)]),
      )
      return (value) => (isObject(value) ? (copies.get(value[by])?.(value) ?? value) : value)
    }
    case 'text': {
      const { cut: most } = form
      if (most === undefined) return undefined
      return (value) => (typeof value === 'string' ? cut(value, most) : value)
    }
    case 'one-or-many': {
      const copy = copyOf(form.of.form) ?? ((value: unknown) => value)
      return (value) => (Array.isArray(value) ? value.slice(0, form.cut).map(copy) : copy(value))
    }
    case 'record': {
      const { only } = form
      if (only === undefined) return undefined
      const copy = copyOf(form.of.form) ?? ((value: unknown) => value)
      return (value) => {
        if (!isObject(value)) return value
        const known: Record<string, unknown> = {}
        for (const name of only) {
          const given = value[name]
          if (given !== undefined) known[name] = copy(given)
        }
        return known
      }
    }
    case 'nullable':
    case 'list': {
      const copy = copyOf(form.of.form)
      if (copy === undefined) return undefined
      if (form.kind === 'nullable') return (value) => (value === null ? null : copy(value))
      return (value) => (Array.isArray(value) ? value.map((one) => copy(one)) : value)
    }
    default:
      return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
