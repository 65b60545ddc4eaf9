import { eventAttributes, SEVERITY_NUMBERS } from 'holdfast/maintenance'
import { type EntryFacts, type Format, factsOf } from './facts.ts'
import { meaningOf } from './meaning.ts'

/**
 * A log record of OTLP 1.x in its JSON encoding: 64-bit numbers are decimal text, trace and span
 * ids are hex. Attributes have the names of the semantic conventions of OpenTelemetry where there
 * are such, else names below `holdfast`.
 */
export const otlp: Format = (entry, { personal }) => {
  const facts = factsOf(entry, personal)
  const { severity, title, outcome } = meaningOf(facts)
  const time = `${facts.at}000000`
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: SEVERITY_NUMBERS[severity],
    severityText: severity,
    eventName: `holdfast.${facts.type}`,
    body: { stringValue: title },
    attributes: attributesOf({
      'holdfast.result': outcome,
      ...eventAttributes(facts),
      ...loggedAttributes(facts),
    }),
    ...(facts.trace === null ? {} : traceContext(facts.trace)),
  }
}

/**
 * The body of a request (ExportLogsServiceRequest) around records that are JSON already.
 */
export function otlpRequest(records: readonly string[], version: string): string {
  const resource = JSON.stringify({
    attributes: attributesOf({ 'service.name': 'holdfast', 'service.version': version }),
  })
  const scope = JSON.stringify({ name: 'holdfast.audit' })
  const logs = `"scopeLogs":[{"scope":${scope},"logRecords":[${records.join(',')}]}]`
  return `{"resourceLogs":[{"resource":${resource},${logs}}]}`
}

type Value = string | number | readonly string[] | null | undefined

/** What the audit log knows beyond the public part of an event. */
function loggedAttributes({ index, finding, personal }: EntryFacts): Record<string, Value> {
  return {
    'user.name': personal.name,
    'client.address': personal.address,
    'user_agent.original': personal.userAgent,
    'holdfast.index': index,
    'holdfast.tenant': personal.tenant,
    'holdfast.network.prefix': personal.prefix,
    'holdfast.rule': finding?.rule,
    'holdfast.finding.text': finding?.text,
    'holdfast.finding.count': finding?.count,
    'holdfast.finding.events': finding?.events,
  }
}

function attributesOf(values: Readonly<Record<string, Value>>): readonly object[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : { key, value: anyValue(value) },
  )
}

function anyValue(value: string | number | readonly string[]): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'number') return { intValue: String(value) }
  return { arrayValue: { values: value.map((one) => ({ stringValue: one })) } }
}

function traceContext({ traceId, spanId, flags }: NonNullable<EntryFacts['trace']>): object {
  return { traceId, spanId, flags }
}
