import { longerThan } from '../core/request.ts'
import { constantOf, type Form, type Pattern, type Shape, type Wire } from './describe.ts'

/** What is wrong with a value, as the end of a sentence that begins with the field. */
export interface Problem {
  /** With dots between names; empty for the value itself. */
  readonly field: string
  readonly problem: string
}

/** Holds values against a description. */
export interface Checker<T> {
  accepts(value: unknown): value is T
  /** All that is wrong with it, without the value, which may be a secret in the wrong place. */
  problems(value: unknown): readonly Problem[]
}

/**
 * - `request`: fields that are not described are problems, and bounds hold.
 * - `answer`: a newer service may say more, so unknown fields are passed over. Lengths, ranges and
 *   counts are not held, and the detail of a signal's evidence may hold anything.
 * - `known-answer`: the same, and fields that are not described are problems.
 */
export type Side = 'request' | 'answer' | 'known-answer'

/** Without `found` a check ends at the first problem; with it, it goes on and collects them all. */
type Check = (value: unknown, found: Problem[] | undefined, path: string) => boolean

/** Compiles a description: what checks each request of a service must not look things up. */
export function checker<T>(wire: Wire<T>, side: Side): Checker<T> {
  const check = checkOf(wire, side)
  return {
    accepts: (value): value is T => check(value, undefined, ''),
    problems(value) {
      const found: Problem[] = []
      check(value, found, '')
      return found
    },
  }
}

type FormOf<Kind> = Extract<Form, { readonly kind: Kind }>

function checkOf({ form }: Shape, side: Side): Check {
  switch (form.kind) {
    case 'text':
      return textCheck(form, side)
    case 'number':
      return numberCheck(form, side)
    case 'flag':
      return (value, found, path) =>
        typeof value === 'boolean' || problem(found, path, 'must be true or false')
    case 'scalar':
      return (value, found, path) =>
        side !== 'request' ||
        value === null ||
        typeof value !== 'object' ||
        problem(found, path, 'must be a single value')
    case 'json-object':
      return (value, found, path) => isObject(value) || problem(found, path, 'must be an object')
    case 'one-of':
      return oneOfCheck(form, side)
    case 'list':
      return listCheck(form, side)
    case 'one-or-many': {
      const one = checkOf(form.of, side)
      const many = listCheck({ kind: 'list', of: form.of, min: 0, max: undefined }, side)
      return (value, found, path) => (Array.isArray(value) ? many : one)(value, found, path)
    }
    case 'nullable': {
      const check = checkOf(form.of, side)
      return (value, found, path) => value === null || check(value, found, path)
    }
    case 'record':
      return recordCheck(form, side)
    case 'object':
      return objectCheck(form, side)
    case 'variants':
      return variantsCheck(form, side)
  }
}

function textCheck({ min, max, pattern }: FormOf<'text'>, side: Side): Check {
  const bounded = side === 'request'
  const fits = pattern === undefined ? undefined : patternCheck(pattern)
  return (value, found, path) => {
    if (typeof value !== 'string') return problem(found, path, 'must be text')
    if (bounded && value.length < min) {
      return problem(found, path, `must have at least ${count(min, 'character')}`)
    }
    if (bounded && max !== undefined && longerThan(value, max)) {
      return problem(found, path, `must have at most ${count(max, 'character')}`)
    }
    return fits === undefined || fits(value) || problem(found, path, pattern?.problem ?? '')
  }
}

function patternCheck({ source, except }: Pattern): (text: string) => boolean {
  const shape = new RegExp(source, 'u')
  if (except === undefined) return (text) => shape.test(text)
  const refused = new RegExp(except, 'u')
  return (text) => shape.test(text) && !refused.test(text)
}

function numberCheck({ whole, min, max }: FormOf<'number'>, side: Side): Check {
  const least = side === 'request' ? min : undefined
  const most = side === 'request' ? max : undefined
  return (value, found, path) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return problem(found, path, whole ? 'must be a whole number' : 'must be a number')
    }
    if (whole && !Number.isSafeInteger(value)) return problem(found, path, 'must be a whole number')
    if (least !== undefined && value < least)
      return problem(found, path, `must be at least ${least}`)
    if (most !== undefined && value > most) return problem(found, path, `must be at most ${most}`)
    return true
  }
}

function oneOfCheck({ values, open }: FormOf<'one-of'>, side: Side): Check {
  if (open && side !== 'request') {
    return (value, found, path) => typeof value === 'string' || problem(found, path, 'must be text')
  }
  const all: readonly unknown[] = values
  return (value, found, path) =>
    all.includes(value) || problem(found, path, `must be one of ${all.join(', ')}`)
}

function listCheck({ of, min, max }: FormOf<'list'>, side: Side): Check {
  const check = checkOf(of, side)
  const bounded = side === 'request'
  return (value, found, path) => {
    if (!Array.isArray(value)) return problem(found, path, 'must be a list')
    if (bounded && value.length < min) {
      return problem(found, path, `must have at least ${count(min, 'entry')}`)
    }
    if (bounded && max !== undefined && value.length > max) {
      return problem(found, path, `must have at most ${count(max, 'entry')}`)
    }
    let right = true
    for (let at = 0; at < value.length; at++) {
      if (check(value[at], found, found === undefined ? '' : below(path, String(at)))) continue
      if (found === undefined) return false
      right = false
    }
    return right
  }
}

function recordCheck({ of, names }: FormOf<'record'>, side: Side): Check {
  const check = checkOf(of, side)
  const fits = names === undefined ? undefined : patternCheck(names)
  return (value, found, path) => {
    if (!isObject(value)) return problem(found, path, 'must be an object')
    let right = true
    for (const name of Object.keys(value)) {
      const at = found === undefined ? '' : below(path, name)
      const good =
        fits === undefined || fits(name)
          ? check(value[name], found, at)
          : problem(found, at, names?.problem ?? '')
      if (good) continue
      if (found === undefined) return false
      right = false
    }
    return right
  }
}

function objectCheck({ fields }: FormOf<'object'>, side: Side): Check {
  const all = Object.entries(fields).map(([name, { of, optional }], at) => {
    return { name, at, check: checkOf(of, side), optional }
  })
  const byName = new Map(all.map((field) => [field.name, field]))
  const required = all.filter(({ optional }) => !optional)
  const strict = side !== 'answer'
  return (value, found, path) => {
    if (!isObject(value)) return problem(found, path, 'must be an object')
    let right = true
    let missing = required.length
    let next = 0
    for (const name of Object.keys(value)) {
      // Whoever goes by the same description writes the fields in its order.
      const expected = all[next]
      const field = expected?.name === name ? expected : byName.get(name)
      const at = found === undefined ? '' : below(path, name)
      if (field === undefined) {
        if (!strict || problem(found, at, 'is not a known field')) continue
      } else {
        next = field.at + 1
        if (!field.optional) missing--
        if (field.check(value[name], found, at)) continue
      }
      if (found === undefined) return false
      right = false
    }
    if (missing === 0) return right
    for (const { name } of required) {
      if (!Object.hasOwn(value, name)) right = problem(found, below(path, name), 'is missing')
    }
    return right
  }
}

function variantsCheck({ by, of }: FormOf<'variants'>, side: Side): Check {
  const checks = new Map<unknown, Check>(of.map((one) => [constantOf(one, by), checkOf(one, side)]))
  return (value, found, path) => {
    if (!isObject(value)) return problem(found, path, 'must be an object')
    const check = Object.hasOwn(value, by) ? checks.get(value[by]) : undefined
    if (check !== undefined) return check(value, found, path)
    const field = found === undefined ? '' : below(path, by)
    return problem(found, field, `must be one of ${[...checks.keys()].join(', ')}`)
  }
}

function problem(found: Problem[] | undefined, field: string, problem: string): false {
  found?.push({ field, problem })
  return false
}

/** Names come from outside, too. */
const MAX_NAME = 64

function below(path: string, name: string): string {
  const short = name.slice(0, MAX_NAME)
  return path === '' ? short : `${path}.${short}`
}

function count(limit: number, unit: 'character' | 'entry'): string {
  if (limit === 1) return `1 ${unit}`
  return `${limit} ${unit === 'entry' ? 'entries' : 'characters'}`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
