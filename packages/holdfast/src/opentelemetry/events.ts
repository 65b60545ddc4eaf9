import type { Context } from '@opentelemetry/api'
import {
  type EventAttributes,
  eventAttributes,
  SEVERITY_NUMBERS,
} from '../core/event-attributes.ts'
import { eventMeaning } from '../core/event-meaning.ts'
import type { SessionEvent } from '../core/events.ts'
import { contextOf } from './place.ts'

/** A record of an event, as a `Logger` of `@opentelemetry/api-logs` takes it. */
export interface EventRecord {
  readonly timestamp: Date
  readonly severityNumber: number
  readonly severityText: string
  readonly eventName: string
  readonly body: string
  readonly attributes: EventAttributes
  readonly context: Context
}

/** What records need of a `LoggerProvider` of `@opentelemetry/api-logs`. */
export interface EventLoggers {
  getLogger(name: string): { emit(record: EventRecord): void }
}

/** Hands on each event, with the names that the audit log's output for OTLP has. */
export function eventRecords(
  logger: ReturnType<EventLoggers['getLogger']>,
): (event: SessionEvent) => void {
  return (event) => {
    const { severity, title, outcome } = eventMeaning(event)
    logger.emit({
      timestamp: new Date(event.at),
      severityNumber: SEVERITY_NUMBERS[severity],
      severityText: severity,
      eventName: `holdfast.${event.type}`,
      body: title,
      attributes: { 'holdfast.result': outcome, ...eventAttributes(event) },
      context: contextOf(event.trace),
    })
  }
}
