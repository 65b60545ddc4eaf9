/**
 * How a value travels, as plain data: the checks of both sides, the bodies that the client sends
 * and the API document follow from it.
 */
export interface Shape {
  readonly form: Form
  /** Its name in the API document. */
  readonly name?: string
  readonly about?: string
}

/** The description of a `T`. The compiler holds it to the type, in both directions. */
export interface Wire<T> extends Shape {
  /** Never there: it ties the description to its type. */
  readonly type?: (value: T) => T
}

/** The type that a description describes. */
export type TypeOf<W> = W extends Wire<infer T> ? T : never

/** The kinds of values, and what bounds each. */
export type Form =
  | {
      readonly kind: 'text'
      readonly min: number
      readonly max: number | undefined
      /** So much of it is looked at. A longer one is no mistake, and a client sends no more. */
      readonly cut: number | undefined
      readonly pattern: Pattern | undefined
    }
  | {
      readonly kind: 'number'
      readonly whole: boolean
      readonly min: number | undefined
      readonly max: number | undefined
    }
  | { readonly kind: 'flag' }
  /** `open`: a newer service may say something else. */
  | {
      readonly kind: 'one-of'
      readonly values: readonly (string | boolean)[]
      readonly open: boolean
    }
  | { readonly kind: 'scalar' }
  /** Any JSON object. */
  | { readonly kind: 'json-object' }
  | {
      readonly kind: 'list'
      readonly of: Shape
      readonly min: number
      readonly max: number | undefined
    }
  /** So many are looked at, and a client sends no more. */
  | { readonly kind: 'one-or-many'; readonly of: Shape; readonly cut: number }
  | { readonly kind: 'nullable'; readonly of: Shape }
  | {
      readonly kind: 'record'
      readonly of: Shape
      readonly names: Pattern | undefined
      /** The names that are looked at, and that a client sends. Undefined: all. */
      readonly only: readonly string[] | undefined
    }
  | { readonly kind: 'object'; readonly fields: Readonly<Record<string, Field>> }
  /** Objects that the value of one field tells apart. */
  | { readonly kind: 'variants'; readonly by: string; readonly of: readonly Shape[] }

/** A regular expression with the flag `u`, and what to tell whoever does not fit it. */
export interface Pattern {
  readonly source: string
  /** What fits this one, too, is refused. Many readers of the API document know no look-ahead. */
  readonly except?: string
  readonly problem: string
}

/** A field of an object. Optional: it may be absent, and is never null instead. */
export interface Field {
  readonly of: Shape
  readonly optional: boolean
}

/** A field that may be absent. */
export interface Optional<T> {
  readonly optional: Wire<T>
}

/**
 * One description for each field of `T`: no field less, no field more, none optional that is
 * required.
 */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? Optional<Exclude<T[K], undefined>>
    : Wire<T[K]>
}

/** Lengths count code points, as JSON Schema does. */
export function text({
  min = 0,
  max,
  cut,
  pattern,
}: {
  readonly min?: number
  readonly max?: number
  readonly cut?: number
  readonly pattern?: Pattern
} = {}): Wire<string> {
  return { form: { kind: 'text', min, max, cut, pattern } }
}

interface Range {
  readonly min?: number
  readonly max?: number
}

/** A whole number that a double holds exactly. */
export function integer({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
}: Range = {}): Wire<number> {
  return { form: { kind: 'number', whole: true, min, max } }
}

/** A number that need not be whole. */
export function decimal({ min, max }: Range = {}): Wire<number> {
  return { form: { kind: 'number', whole: false, min, max } }
}

/** True or false. */
export const flag: Wire<boolean> = { form: { kind: 'flag' } }

/** Text, a number, a truth value or null. */
export const scalar: Wire<string | number | boolean | null> = { form: { kind: 'scalar' } }

/** A constant: what tells variants apart. */
export function exactly<const V extends string | boolean>(value: V): Wire<V> {
  return { form: { kind: 'one-of', values: [value], open: false } }
}

/** All the values of a union. */
export function oneOf<const V extends readonly string[]>(values: V): Wire<V[number]> {
  return { form: { kind: 'one-of', values, open: false } }
}

/** As {@link oneOf}, where a newer service may know more of them. */
export function openOneOf<const V extends readonly string[]>(values: V): Wire<V[number]> {
  return { form: { kind: 'one-of', values, open: true } }
}

/** A list. */
export function list<T>(of: Wire<T>, { min = 0, max }: Range = {}): Wire<readonly T[]> {
  return { form: { kind: 'list', of, min, max } }
}

/** One value, or a list of them. */
export function oneOrMany<T>(
  of: Wire<T>,
  { cut }: { readonly cut: number },
): Wire<T | readonly T[]> {
  return { form: { kind: 'one-or-many', of, cut } }
}

/** A value that can be known to be unknown. */
export function nullable<T>(of: Wire<T>): Wire<T | null> {
  return { form: { kind: 'nullable', of } }
}

/** A field that may be absent, and is never null instead. */
export function optional<T>(of: Wire<T>): Optional<T> {
  return { optional: of }
}

/** Values by name. `only`: of the names that somebody sends, these are looked at. */
export function record<T>(
  of: Wire<T>,
  { names, only }: { readonly names?: Pattern; readonly only?: readonly string[] } = {},
): Wire<Readonly<Record<string, T>>> {
  return { form: { kind: 'record', of, names, only } }
}

/** An object with these fields. Its name is the one in the API document. */
export function object<T extends object>(name: string, fields: Fields<T>): Wire<T> {
  return { name, form: { kind: 'object', fields: fieldTable(fields) } }
}

/** Objects that the constant in the field `by` tells apart. */
export function variants<const W extends readonly Shape[]>(
  name: string,
  by: string,
  of: W,
): Wire<TypeOf<W[number]>> {
  return { name, form: { kind: 'variants', by, of } }
}

/** An object, or each of several variants, with more fields. */
export function withFields<T, More extends object>(
  { name, about, form }: Wire<T>,
  more: Fields<More>,
): Wire<T & More> {
  const facts = {
    ...(name === undefined ? {} : { name }),
    ...(about === undefined ? {} : { about }),
  }
  if (form.kind === 'variants') {
    const of = form.of.map((one) => withFields<object, More>(one, more))
    return { ...facts, form: { ...form, of } }
  }
  if (form.kind !== 'object') throw new TypeError('Only objects have fields.')
  return { ...facts, form: { kind: 'object', fields: { ...form.fields, ...fieldTable(more) } } }
}

/** The same, under another name. */
export function named<T>(name: string, of: Wire<T>): Wire<T> {
  return { ...of, name }
}

/** The same, with a sentence for the API document. */
export function described<T>(of: Wire<T>, about: string): Wire<T> {
  return { ...of, about }
}

/** The fields of an object, by name. */
export function fieldsOf({ form }: Shape): readonly (readonly [name: string, field: Field])[] {
  return form.kind === 'object' ? Object.entries(form.fields) : []
}

/** The constant by which a variant is known. */
export function constantOf(variant: Shape, by: string): string | boolean | undefined {
  const field = variant.form.kind === 'object' ? variant.form.fields[by]?.of.form : undefined
  return field?.kind === 'one-of' ? field.values[0] : undefined
}

function fieldTable(fields: object): Readonly<Record<string, Field>> {
  const entries: readonly (readonly [string, Shape | Optional<unknown>])[] = Object.entries(fields)
  return Object.fromEntries(
    entries.map(([name, field]) => [
      name,
      'optional' in field ? { of: field.optional, optional: true } : { of: field, optional: false },
    ]),
  )
}
