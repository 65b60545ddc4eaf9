import type { SqlValue } from '../database.ts'
import type { LoggedEntry } from '../entry.ts'
import { fieldsOf } from '../fields.ts'
import { addressKey, prefixKey } from './network-range.ts'
import { keyText, storedText } from './stored-text.ts'
import { type EventRow, endAll, summaries } from './summaries.ts'
import { insert, type Work } from './work.ts'

const COLUMNS = [
  ...['line', 'at', 'type', 'reason', 'outcome', 'actor', 'subject', 'session', 'asn', 'kind'],
  ...['country', 'browser', 'os', 'correlation', 'name', 'tenant', 'address', 'address_key'],
  ...['prefix', 'agent', 'json'],
]

export interface AddOptions {
  /** Whether the table of events knows their ids. */
  readonly withIds?: boolean
}

/** Adds entries to the tables. Only within a transaction. */
export function* addEntries(
  entries: readonly LoggedEntry[],
  { withIds = false }: AddOptions = {},
): Work<void> {
  const added = entries.map(addedOf)
  yield* insert({
    table: 'events',
    columns: withIds ? [...COLUMNS, 'id'] : COLUMNS,
    rows: withIds ? added.map(({ values, id }) => [...values, id]) : added.map((one) => one.values),
  })
  const folded = summaries()
  for (const rows of parts(added.map(({ row }) => row))) {
    yield* folded.load(rows)
    for (const row of rows) folded.add(row)
    yield* folded.write()
    const last = rows.at(-1)
    if (last?.type === 'subject-revoked') yield* endAll(last)
  }
}

/** Each ends with the end of all sessions of a subject, which needs what was before in tables. */
function parts(rows: readonly EventRow[]): readonly (readonly EventRow[])[] {
  const all: EventRow[][] = [[]]
  for (const row of rows) {
    all.at(-1)?.push(row)
    if (row.type === 'subject-revoked') all.push([])
  }
  return all
}

interface Added {
  readonly id: string
  readonly row: EventRow
  /** Of {@link COLUMNS}. */
  readonly values: readonly SqlValue[]
}

function addedOf(entry: LoggedEntry): Added {
  const { event, personal } = entry
  const fields = fieldsOf(event, personal)
  const address = named(fields.address)
  const key = addressKey(fields.address)
  const row: EventRow = {
    line: entry.index,
    at: fields.at,
    type: text(fields.type),
    reason: text(fields.reason),
    outcome: text(fields.outcome),
    score: fields.score,
    actor: text(fields.actor),
    subject: text(fields.subject),
    session: text(fields.session),
    name: named(fields.name),
    tenant: named(fields.tenant),
    place: {
      address: address ?? '',
      address_key: key ?? '',
      prefix: prefixKey(key) ?? '',
      asn: fields.asn ?? -1,
      kind: text(fields.kind) ?? '',
      country: text(fields.country) ?? '',
      city: text(fields.city) ?? '',
      browser: text(fields.browser) ?? '',
      os: text(fields.os) ?? '',
    },
  }
  const values: readonly SqlValue[] = [
    ...[row.line, row.at, row.type, row.reason, row.outcome, row.actor, row.subject, row.session],
    ...[fields.asn, text(fields.kind), text(fields.country), text(fields.browser)],
    ...[text(fields.os), text(fields.correlation), row.name, row.tenant, address, key],
    ...[prefixKey(key), named(personal?.userAgent ?? null), JSON.stringify(event)],
  ]
  return { id: text(event.id), row, values }
}

function text(value: string): string
function text(value: string | null): string | null
function text(value: string | null): string | null {
  return value === null ? null : keyText(value)
}

/** What an answer shows as it is, and no index of many columns has. */
function named(value: string | null): string | null {
  return value === null ? null : storedText(value)
}
