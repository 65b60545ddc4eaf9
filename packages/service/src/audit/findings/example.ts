import { z } from 'zod'
import { duration } from '../../config/values.ts'
import { EVENT_FIELDS, type EventFields } from '../fields.ts'

/** Events that must make a rule fire, or must not. */
export interface Example {
  readonly about: string
  readonly fires: boolean
  readonly events: readonly ExampleEvent[]
}

/** One event or several alike. What is left out is null. */
export interface ExampleEvent {
  readonly fields: Partial<EventFields>
  /** Since the event before. */
  readonly after: number
  readonly times: number
  readonly every: number
}

const MOST_EVENTS = 20
const MOST_TIMES = 2_000
/** A Monday. */
const EXAMPLES_BEGIN = Date.UTC(2026, 0, 5, 9)

const text = z.string().max(1_024).nullable()
const number = z.number().nullable()

/** The fields of an event that have a value of their own in an example. */
const fields = z.strictObject({
  type: z.string().max(64),
  reason: text,
  outcome: text,
  score: number,
  actor: z.string().max(1_024),
  subject: text,
  name: text,
  tenant: text,
  session: text,
  address: text,
  network: text,
  asn: number,
  kind: text,
  country: text,
  city: text,
  browser: text,
  os: text,
  correlation: text,
})

const event = fields
  .partial()
  .extend({
    after: duration.default(1_000),
    times: z.int().min(1).max(MOST_TIMES).default(1),
    every: duration.default(1_000),
  })
  .transform(
    ({ after, times, every, ...given }): ExampleEvent => ({
      fields: Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined),
      ) as Partial<EventFields>,
      after,
      times,
      every,
    }),
  )

/** An example as it is written. */
export const example = z.strictObject({
  about: z.string().min(1).max(200),
  fires: z.boolean(),
  events: z.array(event).min(1).max(MOST_EVENTS),
})

/** The events of an example, `{n}` in their texts counted from 1. */
export function* eventsOf({ events }: Example): Generator<EventFields> {
  let at = EXAMPLES_BEGIN
  let counted = 0
  for (const { fields: given, after, times, every } of events) {
    for (let n = 1; n <= times; n++) {
      at += n === 1 ? after : every
      counted++
      const values = Object.entries(given).map(([name, value]) => [name, numbered(value, n)])
      yield { ...NOTHING, ...Object.fromEntries(values), id: `example-${counted}`, at }
    }
  }
}

const NOTHING = Object.fromEntries(
  EVENT_FIELDS.map((name) => [name, name === 'actor' ? 'client' : null]),
) as unknown as EventFields

function numbered(value: string | number | null, n: number): string | number | null {
  return typeof value === 'string' ? value.replaceAll('{n}', String(n)) : value
}
