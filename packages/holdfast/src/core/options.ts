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

/** A right name, or a sentence, by what people write instead. */
export type Aliases = Readonly<Record<string, string>>
/** Options of whatever types, by name. */
export type AnyFields = Readonly<Record<string, AnyOption>>

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

/** All names of a type; the compiler asks for each. */
export function namesOf<T>(names: Readonly<Record<keyof T, true>>): readonly string[] {
  return Object.keys(names)
}

const ANYTHING: AnyOption = { wanted: 'anything', read: (value) => value }

/** The options of an object, at the top or below. */
export function readFields<Fields extends AnyFields>(
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

/** An object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
