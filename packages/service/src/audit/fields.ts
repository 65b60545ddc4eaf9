import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { parseAddress, prefixText } from 'holdfast/network'

/**
 * What searches and rules look at: an event and its personal part as one flat row. Null where the
 * event does not have it.
 */
export interface EventFields {
  readonly id: string
  /** UTC, ms since the epoch. */
  readonly at: number
  readonly type: string
  readonly reason: string | null
  readonly outcome: string | null
  readonly score: number | null
  readonly actor: string
  /** The subject's key; `name` is what the application calls it. */
  readonly subject: string | null
  readonly name: string | null
  readonly tenant: string | null
  readonly session: string | null
  readonly address: string | null
  /** The address's /24, or /64 of IPv6. */
  readonly network: string | null
  readonly asn: number | null
  readonly kind: string | null
  readonly country: string | null
  readonly city: string | null
  readonly browser: string | null
  readonly os: string | null
  readonly correlation: string | null
}

/** The names of all fields, in order. */
export const EVENT_FIELDS = [
  'id',
  'at',
  'type',
  'reason',
  'outcome',
  'score',
  'actor',
  'subject',
  'name',
  'tenant',
  'session',
  'address',
  'network',
  'asn',
  'kind',
  'country',
  'city',
  'browser',
  'os',
  'correlation',
] as const satisfies readonly (keyof EventFields)[]

const PREFIX_V4 = 24
const PREFIX_V6 = 64

export function fieldsOf(event: SessionEvent, personal: PersonalFacts | null): EventFields {
  const { network, device, decision } = event
  return {
    id: event.id,
    at: event.at,
    type: event.type,
    reason: event.reason,
    outcome: decision?.outcome ?? null,
    score: decision?.score ?? null,
    actor: event.actor,
    subject: event.subject,
    name: personal?.subject ?? null,
    tenant: personal?.tenant ?? null,
    session: event.session,
    address: personal?.address ?? null,
    network: prefixOf(personal?.address ?? null),
    asn: network?.asn ?? null,
    kind: network?.kind ?? null,
    country: network?.country ?? null,
    city: network?.city ?? null,
    browser: device?.family ?? null,
    os: device?.os ?? null,
    correlation: event.correlation,
  }
}

/**
 * The network of an address, or of the prefix that was kept in its place. Null for what is neither.
 */
export function prefixOf(address: string | null): string | null {
  const parsed = parseAddress(address?.replace(/\/\d{1,3}$/, '') ?? '')
  if (parsed === undefined) return null
  return prefixText(parsed, parsed.family === 4 ? PREFIX_V4 : PREFIX_V6)
}
