import { type EntryFacts, type Format, factsOf } from './facts.ts'
import { type Level, meaningOf } from './meaning.ts'

/**
 * A log record of OTLP 1.x in its JSON encoding: 64-bit numbers are decimal text, trace and span
 * ids are hex. Attributes have the names of the semantic conventions of OpenTelemetry where there
 * are such, else names below `holdfast`.
 */
export const otlp: Format = (entry, { personal }) => {
  const facts = factsOf(entry, personal)
  const { severity, title, outcome } = meaningOf(facts)
  const [severityNumber, severityText] = SEVERITIES[severity]
  const time = `${facts.at}000000`
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber,
    severityText,
    eventName: `holdfast.${facts.type}`,
    body: { stringValue: title },
    attributes: attributesOf({ 'holdfast.result': outcome, ...attributeValues(facts) }),
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

function attributeValues(facts: EntryFacts): Readonly<Record<string, Value>> {
  const { network, device, decision, finding, personal, authentication: shown } = facts
  return {
    'user.id': facts.subject,
    'user.name': personal.name,
    'session.id': facts.session,
    'client.address': personal.address,
    'user_agent.original': personal.userAgent,
    'user_agent.name': device?.family,
    'user_agent.version': device?.major?.toString(),
    'os.name': device?.os,
    'geo.country.iso_code': network?.country,
    'geo.locality.name': network?.city,
    'holdfast.id': facts.id,
    'holdfast.type': facts.type,
    'holdfast.index': facts.index,
    'holdfast.actor': facts.actor,
    'holdfast.reason': facts.reason,
    'holdfast.correlation': facts.correlation,
    'holdfast.tenant': personal.tenant,
    'holdfast.network.prefix': personal.prefix,
    'holdfast.network.asn': network?.asn,
    'holdfast.network.organisation': network?.organisation,
    'holdfast.network.kind': network?.kind,
    'holdfast.decision.outcome': decision?.outcome,
    'holdfast.decision.score': decision?.score,
    'holdfast.decision.reasons': decision?.because.map(({ reason }) => reason),
    'holdfast.rule': finding?.rule,
    'holdfast.finding.text': finding?.text,
    'holdfast.finding.count': finding?.count,
    'holdfast.finding.events': finding?.events,
    'holdfast.more': facts.more,
    'holdfast.policy.digest': facts.policy?.digest,
    'holdfast.policy.summary': facts.policy?.summary,
    'holdfast.acr': shown?.acr,
    'holdfast.amr': shown?.amr,
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

/** INFO, INFO2, WARN, ERROR and FATAL of the data model of logs. */
const SEVERITIES: Readonly<Record<Level, readonly [number, string]>> = {
  informational: [9, 'informational'],
  low: [10, 'low'],
  medium: [13, 'medium'],
  high: [17, 'high'],
  critical: [21, 'critical'],
}
