import type { TracerProvider } from '@opentelemetry/api'
import { made } from '../core/option-kinds.ts'
import type { OptionsOf, OptionTable } from '../core/options.ts'
import type { EventLoggers } from './events.ts'

/** Where spans and records go. */
export interface OpenTelemetryOptions {
  /** Makes the spans. Default: the one that is registered, now or later. */
  readonly tracerProvider?: TracerProvider
  /**
   * Takes events as log records: `logs.getLoggerProvider()` of `@opentelemetry/api-logs`. Default:
   * no records.
   */
  readonly loggerProvider?: EventLoggers
}

/** The options of `openTelemetry()`. */
export const OPEN_TELEMETRY_OPTIONS = {
  of: 'openTelemetry()',
  fields: {
    tracerProvider: made<TracerProvider>('a TracerProvider of OpenTelemetry', ['getTracer']),
    loggerProvider: made<EventLoggers>("logs.getLoggerProvider() of '@opentelemetry/api-logs'", [
      'getLogger',
    ]),
  } satisfies OptionsOf<OpenTelemetryOptions>,
  aliases: {
    traces: 'tracerProvider',
    tracer: 'tracerProvider',
    logs: 'loggerProvider',
    logger: 'loggerProvider',
  },
} satisfies OptionTable
