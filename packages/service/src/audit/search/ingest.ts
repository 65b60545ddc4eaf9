import type { Database, SqlValue } from '../database.ts'
import type { LoggedEntry } from '../entry.ts'
import { fieldsOf } from '../fields.ts'
import { addressKey, prefixKey } from './network-range.ts'
import { storedText } from './stored-text.ts'
import { type EventRow, summaries } from './summaries.ts'

const COLUMNS = [
  ...['line', 'at', 'type', 'reason', 'outcome', 'actor', 'subject', 'session', 'asn', 'kind'],
  ...['country', 'browser', 'os', 'correlation', 'name', 'tenant', 'address', 'address_key'],
  ...['prefix', 'agent', 'json'],
]

const INSERT = `INSERT INTO events (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?')})`

/** Adds entries to the tables. Only within a transaction. */
export function addEntries(database: Database, entries: readonly LoggedEntry[]): void {
  const folded = summaries(database)
  for (const entry of entries) {
    const { event, personal } = entry
    const fields = fieldsOf(event, personal)
    const address = text(fields.address)
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
      name: text(fields.name),
      tenant: text(fields.tenant),
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
      ...[prefixKey(key), text(personal?.userAgent ?? null), JSON.stringify(event)],
    ]
    database.run(INSERT, values)
    folded.add(row)
  }
  folded.write()
}

function text(value: string): string
function text(value: string | null): string | null
function text(value: string | null): string | null {
  return value === null ? null : storedText(value)
}
