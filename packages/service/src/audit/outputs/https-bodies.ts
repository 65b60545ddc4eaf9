import { isEntry, type LoggedLine } from '../entry.ts'
import { otlpRequest } from '../formats/otlp.ts'
import type { Attempt } from './delivery.ts'

/** How batches are written for a kind of receiver, and how its answers are read. */
export interface BodyKind {
  readonly contentType: string
  /** One entry, as a part of a body. */
  encode(entry: LoggedLine, message: object): string
  body(parts: readonly string[]): string
  /** Of an answer with a status of 2xx. Undefined: the status says enough. */
  accepted?(answer: string): Attempt
}

export const BODY_KINDS = ['lines', 'splunk', 'elastic', 'otlp'] as const

export type BodyName = (typeof BODY_KINDS)[number]

/** `version` is this software's. */
export function bodyKind(name: BodyName, version: string): BodyKind {
  switch (name) {
    case 'lines':
      return {
        contentType: 'application/x-ndjson',
        encode: (_, message) => `${JSON.stringify(message)}\n`,
        body: joined,
      }
    case 'splunk':
      return {
        contentType: 'application/json',
        encode(line, message) {
          const time = ownOf(line).at / 1_000
          return `${JSON.stringify({ time, source: 'holdfast', event: message })}\n`
        },
        body: joined,
      }
    case 'elastic':
      return {
        contentType: 'application/x-ndjson',
        // What was tried again is there already, under the id of its event or finding.
        encode: (line, message) =>
          `${JSON.stringify({ create: { _id: ownOf(line).id } })}\n${JSON.stringify(message)}\n`,
        body: joined,
        accepted: bulkAccepted,
      }
    case 'otlp':
      return {
        contentType: 'application/json',
        encode: (_, message) => JSON.stringify(message),
        body: (records) => otlpRequest(records, version),
        accepted: otlpAccepted,
      }
  }
}

function ownOf(line: LoggedLine): { readonly id: string; readonly at: number } {
  return isEntry(line) ? line.event : line.finding
}

function joined(parts: readonly string[]): string {
  return parts.join('')
}

const CONFLICT = 409
const TOO_MANY = 429

/** `_bulk` answers 200 whatever became of its parts. Conflicts are entries that it has. */
function bulkAccepted(answer: string): Attempt {
  const statuses = bulkStatuses(answer)
  if (statuses === undefined) return { ok: false, problem: 'its answer cannot be read' }
  const later = statuses.find((status) => status === TOO_MANY || status >= 500)
  if (later !== undefined) return { ok: false, problem: `it answers ${later} for entries` }
  const refused = statuses.filter((status) => status >= 300 && status !== CONFLICT).length
  return { ok: true, refused }
}

function bulkStatuses(answer: string): readonly number[] | undefined {
  const read = parsed(answer)
  if (read?.errors === false) return []
  if (read?.errors !== true || !Array.isArray(read.items)) return undefined
  return read.items.map((item: unknown) => {
    const created = isRecord(item) ? item.create : undefined
    return isRecord(created) && typeof created.status === 'number' ? created.status : 500
  })
}

/** OTLP/HTTP, "Partial Success". */
function otlpAccepted(answer: string): Attempt {
  const partial = parsed(answer)?.partialSuccess
  const rejected = isRecord(partial) ? Number(partial.rejectedLogRecords ?? 0) : 0
  return { ok: true, refused: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0 }
}

function parsed(answer: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(answer)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
