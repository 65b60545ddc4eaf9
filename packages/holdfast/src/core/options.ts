import { type Duration, formatDuration, parseDuration } from './duration.ts'
import { SessionError } from './errors.ts'
import { nearest } from './nearest.ts'

/**
 * One option of a function: how it is written (`In`), and as what it is used (`Out`). Without a
 * default and not needed, it may be absent, and is undefined then.
 */
export interface Option<In, Out = In> {
  /** What a right value is, as the end of "must be". */
  readonly wanted: string
  /** As it is written; undefined where there is none. */
  readonly fallback?: In | undefined
  /** What to write where it is missing. Undefined: it may be missing. */
  readonly needed?: string
  /** Undefined where the value is wrong: what is wrong with it is among the problems then. */
  read(value: In | undefined, found: Found): Out
  /** Never there: it ties the description to its type. */
  readonly type?: (value: In) => In
}

/** An option that has to be there. */
export interface NeededOption<In, Out = In> extends Option<In, Out> {
  readonly needed: string
}

/**
 * One description for each option of `T`: no option less, no option more, none that may be missing
 * where `T` needs it. Write the fields of a table `satisfies OptionsOf<T>`.
 */
export type OptionsOf<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? Option<Exclude<T[K], undefined>, unknown>
    : NeededOption<T[K], unknown>
}

/** All options of one function. */
export interface OptionTable<Fields extends AnyFields = AnyFields> {
  /** The function, as it is called. */
  readonly of: string
  readonly fields: Fields
  /**
   * What people write instead, or look for in the wrong place: the right name, or a sentence that
   * goes on after "is not an option".
   */
  readonly aliases?: Aliases
}

/** The options as they are used: with defaults, and durations in ms. */
export type Checked<Fields extends AnyFields> = {
  readonly [K in keyof Fields]: ReturnType<Fields[K]['read']>
}

type Aliases = Readonly<Record<string, string>>
type AnyFields = Readonly<Record<string, AnyOption>>

/** An option of whatever type. */
type AnyOption = Pick<Option<unknown>, 'wanted' | 'fallback' | 'needed' | 'read'>

/** The problems of one call, each a sentence. */
export interface Found {
  /** Where the value stands, with dots between names. */
  readonly at: string
  /** Notes that the value "must be" something else. */
  wrong(wanted: string): undefined
  /** Notes a sentence about the value that begins with its name. */
  says(sentence: string): undefined
  below(name: string): Found
}

/**
 * The options of a call. Throws `config_invalid` for options that are unknown, missing or of the
 * wrong type: all of them, each with its name and the mend, never with its value.
 */
export function checked<Fields extends AnyFields>(
  { of, fields, aliases }: OptionTable<Fields>,
  given: unknown,
): Checked<Fields> {
  const problems: string[] = []
  const value = given === undefined ? {} : given
  const read = isObject(value)
    ? readFields(fields, aliases, value, notesOn(problems, ''))
    : problems.push(`needs an object with options, as in ${of.replace('()', '({ ... })')}.`)
  if (problems.length > 0) throw new SessionError('config_invalid', `${of}: ${problems.join(' ')}`)
  return read as Checked<Fields>
}

/**
 * Throws `config_invalid` where an object that an application hands over has a name that is none of
 * these. Its values are checked elsewhere: they may come from a client.
 */
export function checkNames(of: string, names: readonly string[], given: unknown): void {
  if (!isObject(given)) {
    throw new SessionError('config_invalid', `${of} needs an object with ${names.join(', ')}.`)
  }
  const fields = Object.fromEntries(names.map((name) => [name, ANYTHING]))
  checked({ of, fields }, given)
}

const ANYTHING: AnyOption = { wanted: 'anything', read: (value) => value }

/** A whole number of ms, or words. At least 1 ms unless said otherwise. */
export function duration({
  min = 1,
  max = LONGEST_MS,
}: Range = {}): Option<Duration, number | undefined> {
  const range = max === LONGEST_MS ? '' : ` from ${formatDuration(min)} to ${formatDuration(max)}`
  const wanted = `a duration${range}: a whole number of ms, or words such as '90s', '30m', '2h'`
  return option(wanted, (value) => {
    const ms = typeof value === 'string' ? parseDuration(value) : value
    return isWhole(ms) && ms >= min && ms <= max ? ms : undefined
  })
}

/** A whole number. */
export function whole({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
}: Range = {}): Option<number, number | undefined> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return option(`a whole number ${range}`, (value) =>
    isWhole(value) && value >= min && value <= max ? value : undefined,
  )
}

/** True or false. */
export const flag: Option<boolean, boolean | undefined> = option('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
)

/** Text that is not empty and fits a pattern. `wanted` says what it is. */
export function words(wanted: string, pattern?: RegExp): Option<string, string | undefined> {
  return option(wanted, (value) =>
    typeof value === 'string' && value !== '' && (pattern?.test(value) ?? true) ? value : undefined,
  )
}

/** One of some words. */
export function oneOf<const V extends readonly string[]>(
  values: V,
): Option<V[number], V[number] | undefined> {
  return option(`one of ${values.join(', ')}`, (value) => values.find((known) => known === value))
}

/** A function. `wanted` says what it does. */
export function func<F extends (...args: never[]) => unknown>(
  wanted: string,
): Option<F, F | undefined> {
  return option(`a function: ${wanted}`, (value) =>
    typeof value === 'function' ? (value as F) : undefined,
  )
}

/** What another call has made, known by its members. `wanted` names the call. */
export function made<T extends object>(
  wanted: string,
  members: readonly (keyof T & string)[],
): Option<T, T | undefined> {
  return {
    wanted,
    read(value: unknown, found) {
      if (value === undefined) return undefined
      if (typeof value === 'function' && !members.some((name) => name in value)) {
        return found.says(`is a function that was not called. It must be ${wanted}`)
      }
      if (isObject(value)) {
        if (members.every((name) => name in value)) return value as T
        if ('then' in value) return found.says(`is a promise. Await it first`)
      }
      return found.wrong(wanted)
    },
  }
}

/** Anything that passes a test. */
export function passing<T>(
  wanted: string,
  test: (value: unknown) => boolean,
): Option<T, T | undefined> {
  return option(wanted, (value) => (test(value) ? (value as T) : undefined))
}

/** A list. */
export function list<In, Out>(
  of: Option<In, Out | undefined>,
  { min = 0, max = 1_000 }: Range = {},
): Option<readonly In[], readonly Out[] | undefined> {
  const least = min > 0 ? `, at least ${min}` : ''
  const wanted = `a list${least}, each ${of.wanted}`
  return {
    wanted,
    read(value: unknown, found) {
      if (value === undefined) return undefined
      if (!Array.isArray(value) || value.length < min || value.length > max) {
        return found.wrong(wanted)
      }
      return value.map((one, at) => of.read(one ?? null, found.below(String(at))) as Out)
    },
  }
}

/** Values by names of the application's own. */
export function named<In, Out>(
  of: Option<In, Out>,
): Option<Readonly<Record<string, In>>, Readonly<Record<string, NonNullable<Out>>> | undefined> {
  const wanted = `an object; each of its values is ${of.wanted}`
  return {
    wanted,
    read(value: unknown, found) {
      if (value === undefined) return undefined
      if (!isObject(value)) return found.wrong(wanted)
      const entries = Object.entries(value).map(
        ([name, one]) =>
          [name, of.read((one ?? null) as In, found.below(name)) as NonNullable<Out>] as const,
      )
      return Object.fromEntries(entries)
    },
  }
}

/** An object with options of its own. */
export function group<T extends object>() {
  return <const Fields extends OptionsOf<T>>(
    fields: Fields,
    aliases?: Aliases,
    wanted = `an object with ${Object.keys(fields).join(', ')}`,
  ): Option<T, Checked<Fields & AnyFields> | undefined> => {
    return {
      wanted,
      read(value: unknown, found) {
        if (value === undefined) return undefined
        if (!isObject(value)) return found.wrong(wanted)
        return readFields(fields as Fields & AnyFields, aliases, value, found)
      },
    }
  }
}

/** The first of two that takes a value of its JavaScript type. */
export function either<A, B, AOut, BOut>(
  one: Option<A, AOut>,
  other: Option<B, BOut>,
  isOne: (value: unknown) => boolean,
): Option<A | B, AOut | BOut> {
  return {
    wanted: `${one.wanted}, or ${other.wanted}`,
    read: (value, found) =>
      isOne(value) ? one.read(value as A | undefined, found) : other.read(value as B, found),
  }
}

/** With a value where none is written. */
export function withDefault<In, Out>(
  of: Option<In, Out>,
  fallback: In,
): Option<In, Exclude<Out, undefined>> {
  return {
    ...of,
    fallback,
    read: (value, found) =>
      of.read(value === undefined ? fallback : value, found) as Exclude<Out, undefined>,
  }
}

/** One that has to be there. `write` is what to write. */
export function needed<In, Out>(
  of: Option<In, Out>,
  write: string,
): NeededOption<In, Exclude<Out, undefined>> {
  return {
    ...of,
    needed: write,
    read: (value, found) =>
      (value === undefined
        ? found.says(`is missing. Write for example ${write}`)
        : of.read(value, found)) as Exclude<Out, undefined>,
  }
}

interface Range {
  readonly min?: number
  readonly max?: number
}

/** Longer ones are mistakes: ten years. */
const LONGEST_MS = 3_650 * 86_400_000

function option<In, Out>(
  wanted: string,
  read: (value: unknown) => Out | undefined,
): Option<In, Out | undefined> {
  return {
    wanted,
    read: (value, found) =>
      value === undefined ? undefined : (read(value) ?? found.wrong(wanted)),
  }
}

function readFields<Fields extends AnyFields>(
  fields: Fields,
  aliases: Aliases | undefined,
  given: Readonly<Record<string, unknown>>,
  found: Found,
): Checked<Fields> {
  const meant = new Set<string | undefined>()
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(fields, name)) continue
    const right = rightNameOf(name, fields, aliases)
    meant.add(right)
    found.below(name.slice(0, MAX_NAME)).says(`is not an option${mendOf(right, fields)}`)
  }
  const read = Object.entries(fields).map(([name, field]) => {
    const own = Object.hasOwn(given, name)
    const value = own ? given[name] : undefined
    const at = found.below(name)
    if (value !== undefined || field.needed === undefined) return [name, field.read(value, at)]
    if (own) at.says('is undefined. Is the variable set that it comes from?')
    // What is there under a wrong name is not missing.
    else if (!meant.has(name)) field.read(value, at)
    return [name, undefined]
  })
  return Object.fromEntries(read)
}

const MAX_NAME = 64

/** What was most likely meant: the name of an option, or a sentence about where it belongs. */
function rightNameOf(name: string, fields: AnyFields, aliases: Aliases = {}): string | undefined {
  const known = Object.keys(aliases).find((other) => other.toLowerCase() === name.toLowerCase())
  return known === undefined ? nearest(name, Object.keys(fields)) : aliases[known]
}

function mendOf(right: string | undefined, fields: AnyFields): string {
  if (right === undefined) return `. There are: ${Object.keys(fields).join(', ')}`
  return Object.hasOwn(fields, right) ? `. Did you mean ${right}?` : `: ${right}`
}

function notesOn(problems: string[], at: string): Found {
  const says = (sentence: string): undefined => {
    problems.push(`${at} ${sentence}${sentence.endsWith('?') ? '' : '.'}`)
    return undefined
  }
  return {
    at,
    says,
    wrong: (wanted) => says(`must be ${wanted}`),
    below: (name) => notesOn(problems, at === '' ? name : `${at}.${name}`),
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

/** An object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
