import type { EventFields } from '../fields.ts'

const PLACEHOLDER = /\{([A-Za-z]+)\}/g
const MOST_VALUE = 120

/** The fields that a text names, as `{field}`. */
export function fieldsNamed(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name)
}

/**
 * A text with the values of an event in it. It is plain text: whoever puts it into HTML or a chat
 * escapes it as a whole. A value comes from outside, so it is cut, control and invisible characters
 * are shown as a dot, and placeholders in it stay as they are.
 */
export function filled(text: string, fields: EventFields, count: number): string {
  const values: ReadonlyMap<string, unknown> = new Map<string, unknown>([
    ...Object.entries(fields),
    ['at', new Date(fields.at).toISOString()],
    ['count', count],
  ])
  return text.replaceAll(PLACEHOLDER, (written, name: string) =>
    values.has(name) ? shown(values.get(name)) : written,
  )
}

function shown(value: unknown): string {
  if (value === null) return 'unknown'
  const whole = String(value)
  const text = inert(whole.slice(0, MOST_VALUE))
  return whole.length > MOST_VALUE ? `${text}…` : text
}

/** Text from outside, without what moves a cursor, turns the direction or cannot be seen. */
function inert(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, '·')
}
