import { type Duration, formatDuration, parseDuration } from './duration.ts'
import type { Host } from './host.ts'
import {
  type Aliases,
  type AnyFields,
  type Checked,
  isObject,
  type NeededOption,
  type Option,
  type OptionsOf,
  readFields,
} from './options.ts'
import type { Telemetry } from './telemetry.ts'

/** The kinds of options: what each takes, and what is said where it gets something else. */

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

/** A share of a whole. */
export const share: Option<number, number | undefined> = option('a share from 0 to 1', (value) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined,
)

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

/** A clock: UTC in ms. */
export const clock: Option<() => number, (() => number) | undefined> = func(
  'it tells the time, UTC in ms',
)

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

/** Clock and randomness. */
export const hostOption: Option<Host, Host | undefined> = made<Host>(
  'an object with now() and random(size), as systemHost() gives it',
  ['now', 'random'],
)

/** Who is told of spans and events. */
export const telemetryOption: Option<Telemetry, Telemetry | undefined> = made<Telemetry>(
  "openTelemetry() of 'holdfast/opentelemetry'",
  ['calls', 'store', 'trace', 'event'],
)

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

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}
