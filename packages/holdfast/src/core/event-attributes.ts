import type { Level } from './event-meaning.ts'
import type { SessionEvent } from './events.ts'

/** What attributes are made of: an event, or what may leave of one. */
export interface DescribedEvent
  extends Pick<SessionEvent, 'id' | 'actor' | 'subject' | 'session' | 'reason' | 'correlation'> {
  readonly type: string
  readonly network: {
    readonly asn: number | null
    readonly organisation: string | null
    readonly kind: string
    readonly country: string | null
    readonly city: string | null
  } | null
  readonly device: {
    readonly family: string
    readonly major: number | null
    readonly os: string
  } | null
  readonly decision: {
    readonly outcome: string
    readonly score: number
    readonly because: readonly { readonly reason: string }[]
  } | null
  readonly authentication?: { readonly acr: string | null; readonly amr: readonly string[] } | null
  readonly more?: number | null
  readonly policy?: SessionEvent['policy'] | null
}

/** As spans and records of OpenTelemetry have them. */
export type EventAttributes = Record<string, string | number | string[]>

/**
 * The public part of an event as attributes: with the names of OpenTelemetry's semantic conventions
 * where there are such, else with names below `holdfast`.
 */
export function eventAttributes(event: DescribedEvent): EventAttributes {
  const { network, device, authentication: shown } = event
  return known({
    'user.id': event.subject,
    'session.id': event.session,
    'user_agent.name': device?.family,
    'user_agent.version': device?.major?.toString(),
    'os.name': device?.os,
    'geo.country.iso_code': network?.country,
    'geo.locality.name': network?.city,
    'holdfast.id': event.id,
    'holdfast.type': event.type,
    'holdfast.actor': event.actor,
    'holdfast.reason': event.reason,
    'holdfast.correlation': event.correlation,
    'holdfast.network.asn': network?.asn,
    'holdfast.network.organisation': network?.organisation,
    'holdfast.network.kind': network?.kind,
    ...decisionAttributes(event.decision),
    'holdfast.acr': shown?.acr,
    'holdfast.amr': shown?.amr,
    'holdfast.more': event.more,
    'holdfast.policy.digest': event.policy?.digest,
    'holdfast.policy.summary': event.policy?.summary,
  })
}

/** A decision as attributes. */
export function decisionAttributes(
  decision: DescribedEvent['decision'] | undefined,
): EventAttributes {
  return known({
    'holdfast.decision.outcome': decision?.outcome,
    'holdfast.decision.score': decision?.score,
    'holdfast.decision.reasons': decision?.because.map(({ reason }) => reason),
  })
}

/** INFO, INFO2, WARN, ERROR and FATAL of OpenTelemetry's data model of logs. */
export const SEVERITY_NUMBERS: Readonly<Record<Level, number>> = {
  informational: 9,
  low: 10,
  medium: 13,
  high: 17,
  critical: 21,
}

/** Those that are known. */
export function known(
  values: Readonly<Record<string, string | number | readonly string[] | null | undefined>>,
): EventAttributes {
  const attributes: EventAttributes = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) continue
    attributes[name] = typeof value === 'object' ? [...value] : value
  }
  return attributes
}
