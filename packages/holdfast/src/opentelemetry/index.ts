import { ProxyTracerProvider, type Tracer, type TracerProvider, trace } from '@opentelemetry/api'
import { checked } from '../core/options.ts'
import type { Telemetry } from '../core/telemetry.ts'
import { tracedCalls } from './calls.ts'
import { eventRecords } from './events.ts'
import { OPEN_TELEMETRY_OPTIONS, type OpenTelemetryOptions } from './options.ts'
import { traceparentOf } from './place.ts'
import { tracedStore } from './store.ts'

export type { Telemetry } from '../core/telemetry.ts'
export type { EventLoggers, EventRecord } from './events.ts'
export type { OpenTelemetryOptions } from './options.ts'

/** The name of the instrumentation scope. */
const SCOPE = 'holdfast'

/**
 * Spans for what an engine or a client is asked, and events as log records, through
 * `@opentelemetry/api`. What they hold is listed in `docs/opentelemetry.md`: never a token, an
 * address, an agent or a subject in clear. Without a registered SDK it costs next to nothing.
 *
 * @example
 * const sessions = createSessions({ store, keyring, telemetry: openTelemetry() })
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  const { tracerProvider, loggerProvider } = checked(OPEN_TELEMETRY_OPTIONS, options)
  let registered: Tracer | undefined

  /** Undefined while nobody has registered anything. */
  function tracer(): Tracer | undefined {
    registered ??= tracerOf(tracerProvider ?? trace.getTracerProvider())
    return registered
  }

  return {
    calls: (sessions, by) => tracedCalls(sessions, { tracer, by }),
    store: (store) => tracedStore(store, tracer),
    trace: traceparentOf,
    event: loggerProvider && eventRecords(loggerProvider.getLogger(SCOPE)),
  }
}

function tracerOf(provider: TracerProvider): Tracer | undefined {
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer(SCOPE)
    : provider.getTracer(SCOPE)
}
