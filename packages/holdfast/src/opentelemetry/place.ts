import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { type Cause, traceOf } from '../core/trace.ts'

/** Where the span of a call belongs. */
export interface Place {
  readonly parent: Context
  /** The span that is active here, where the parent is another. */
  readonly link: Link | undefined
}

/**
 * Below the active span. A call that names another trace belongs to that: a batch brings the
 * presentations of many requests. Where no span is active, the request itself says its place.
 */
export function placeOf(call: Cause): Place {
  const here = context.active()
  const active = activeIn(here)
  const named = remoteOf(traceOf(active === undefined ? call : { trace: call.trace }))
  if (named === undefined || named.traceId === active?.traceId) {
    return { parent: here, link: undefined }
  }
  return {
    parent: trace.setSpanContext(here, named),
    link: active && { context: active },
  }
}

/** What a sampler may record: a span without a parent, or with one that is sampled. */
export function maySample({ parent }: Place): boolean {
  const above = activeIn(parent)
  return above === undefined || (above.traceFlags & TraceFlags.SAMPLED) !== 0
}

/** The active span as a `traceparent` (W3C Trace Context, section 3.2). */
export function traceparentOf(where: Context = context.active()): string | undefined {
  const active = activeIn(where)
  if (active === undefined) return undefined
  const { traceId, spanId, traceFlags } = active
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** Whether two of the form `traceparent` name one trace. */
export function isSameTrace(one: string | undefined, other: string): boolean {
  return one?.split('-', 2)[1] === other.split('-', 2)[1]
}

/** The context of what an event names, or the present one where that is of the same trace. */
export function contextOf(traceparent: string | undefined): Context {
  const here = context.active()
  const named = remoteOf(traceparent)
  if (named === undefined || named.traceId === activeIn(here)?.traceId) return here
  return trace.setSpanContext(here, named)
}

function activeIn(where: Context): SpanContext | undefined {
  const active = trace.getSpanContext(where)
  return active !== undefined && isSpanContextValid(active) ? active : undefined
}

function remoteOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = traceparent?.split('-') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}
