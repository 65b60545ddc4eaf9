import type { HeaderLookup, RequestFacts } from './request.ts'
import type { Traced } from './sessions.ts'

/**
 * The headers by which services name one request among them: its id, and its place in a trace (W3C
 * Trace Context, section 3.2). For the event log alone: a client may send any, unless a proxy in
 * front writes them.
 */
export const TRACE_HEADERS = ['x-request-id', 'traceparent'] as const

/** A call, as far as events tell of it: its ids, and the request of the client that it is about. */
export interface Cause extends Traced {
  readonly request?: RequestFacts | undefined
}

/** It goes into logs as it is. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/

/** Version, trace id, parent id and flags; `ff` and ids of zeros are invalid. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Whether an `X-Request-Id` can be taken over. */
export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text)
}

/** What the caller said, else what the request's own `X-Request-Id` says. */
export function correlationOf({ correlation, request }: Cause): string | undefined {
  if (correlation !== undefined) return correlation
  const id = headerOf(request, 'x-request-id')
  return id !== undefined && isRequestId(id) ? id : undefined
}

/**
 * What the caller said, else what the request's own `traceparent` says. What is none is no trace: a
 * request is not refused for it.
 */
export function traceOf({ trace, request }: Cause): string | undefined {
  const given: unknown = trace ?? headerOf(request, 'traceparent')
  return typeof given === 'string' && TRACEPARENT.test(given) ? given : undefined
}

/** What one call hands on to another that it causes. */
export function causeIn({ correlation, trace, request }: Cause): Cause {
  return { correlation, trace, request }
}

/** A call that says itself what only its request says of its ids. What is none stays as it is. */
export function withTraces<T extends Traced>(call: T): T {
  if (typeof call !== 'object' || call === null) return call
  const correlation = correlationOf(call)
  const trace = call.trace ?? traceOf(call)
  const said = correlation === call.correlation && trace === call.trace
  return said ? call : { ...call, correlation, trace }
}

/** The headers by which a call is named to the next service. */
export function traceHeaders(cause: Cause): Readonly<Record<string, string>> {
  const correlation = correlationOf(cause)
  const trace = traceOf(cause)
  return {
    ...(correlation !== undefined && isRequestId(correlation)
      ? { 'x-request-id': correlation }
      : {}),
    ...(trace === undefined ? {} : { traceparent: trace }),
  }
}

/** The ids of the request of a client, for a call without request facts. */
export function tracesOf(header: HeaderLookup): Traced {
  const [correlation, trace] = TRACE_HEADERS.map((name) => {
    const value = header(name)
    return typeof value === 'string' ? value : undefined
  })
  return {
    ...(correlation !== undefined && isRequestId(correlation) ? { correlation } : {}),
    ...(trace === undefined ? {} : { trace }),
  }
}

/** Facts of a token that is refused at once have not been checked. */
function headerOf(
  request: Partial<RequestFacts> | undefined,
  name: (typeof TRACE_HEADERS)[number],
): string | undefined {
  const value: unknown = request?.headers?.[name]
  return typeof value === 'string' ? value : undefined
}
