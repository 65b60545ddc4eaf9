import type { SessionEvent } from './events.ts'
import type { Sessions } from './sessions.ts'
import type { Store } from './store.ts'

/**
 * Tells a system of traces and logs of the work of an engine or a client. `openTelemetry()` of
 * `holdfast/opentelemetry` makes one.
 */
export interface Telemetry {
  /** The same calls, each of which is told of. */
  calls<S extends Sessions>(sessions: S, by: 'engine' | 'client'): S
  /** The same store, which tells of what such a call waits for. */
  store(store: Store): Store
  /** The `traceparent` of what is under way here. Undefined: nothing that is traced. */
  trace(): string | undefined
  /** Hears each event. Undefined: nobody listens. */
  readonly event: ((event: SessionEvent) => void) | undefined
}
