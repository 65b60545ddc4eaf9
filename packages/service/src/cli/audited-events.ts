import { SessionError } from 'holdfast'
import type { SessionEvent } from 'holdfast/maintenance'
import { z } from 'zod'
import { type EventFields, fieldsOf } from '../audit/fields.ts'
import { linesOf, nameOf } from './event-source.ts'

const text = z.string().nullable()
const maybe = text.default(null)

const event = z.object({
  id: z.string().min(1).max(256),
  type: z.string(),
  at: z.int().min(0).max(8.64e15),
  actor: z.string(),
  subject: maybe,
  session: maybe,
  network: z
    .object({
      asn: z.int().nullable(),
      organisation: maybe,
      kind: z.string(),
      country: text,
      city: text,
    })
    .nullable()
    .default(null),
  device: z
    .object({ family: z.string(), major: z.int().nullable().default(null), os: z.string() })
    .nullable()
    .default(null),
  decision: z.object({ outcome: z.string(), score: z.int() }).nullable().default(null),
  reason: maybe,
  correlation: maybe,
})

const personal = z
  .object({ subject: maybe, tenant: maybe, address: maybe, userAgent: maybe })
  .nullable()
  .default(null)

/** A line of the audit log, with the event in it, or an event alone. */
const line = z.union([
  z.object({ event, personal }),
  event.transform((alone) => ({ event: alone, personal: null })),
])

/** Recorded events as rules look at them, in the order of their file; `-` is standard input. */
export async function* auditedEvents(file: string): AsyncGenerator<EventFields> {
  let number = 0
  for await (const written of linesOf(file)) {
    number++
    if (written.trim() === '') continue
    const read = line.safeParse(jsonOf(written))
    if (!read.success) {
      throw new SessionError('invalid_input', `${nameOf(file)}, line ${number} is not an event.`)
    }
    // Types of a newer version are events, too: what rules look at is all here.
    yield fieldsOf(read.data.event as unknown as SessionEvent, read.data.personal)
  }
}

function jsonOf(written: string): unknown {
  try {
    return JSON.parse(written)
  } catch {
    return undefined
  }
}
