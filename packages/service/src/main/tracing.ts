import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Telemetry } from 'holdfast/opentelemetry'

/** Spans of what the service answers, and what the engine tells. */
export interface Tracing {
  readonly telemetry: Telemetry
  /**
   * The same listener, each of whose requests is a span below the one that its headers name. Where
   * an instrumentation of HTTP has made one already, that is it.
   */
  serving(answer: Listener): Listener
  /** Names the span of the request that is being answered. */
  answered(request: { readonly method: string; readonly route: string }): void
  /** Keeps the place, for work that is done later together with that of others. */
  here(): Here
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Does some work where the request is. */
export type Here = <T>(work: () => T) => T

/** What all copies of `@opentelemetry/api` 1.x share. It is there once an SDK has registered. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1')

/** Undefined, and nothing is loaded, where the process was started without an OpenTelemetry SDK. */
export async function openTracing(): Promise<Tracing | undefined> {
  if (!(REGISTRY in globalThis)) return undefined
  const [{ openTelemetry }, { logs }, api] = await Promise.all([
    import('holdfast/opentelemetry'),
    import('@opentelemetry/api-logs'),
    import('@opentelemetry/api'),
  ])
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api
  const tracer = trace.getTracer('holdfast')

  return {
    telemetry: openTelemetry({ loggerProvider: logs.getLoggerProvider() }),

    serving: (answer) => (request, response) => {
      if (trace.getActiveSpan() !== undefined) {
        answer(request, response)
        return
      }
      const parent = propagation.extract(context.active(), request.headers)
      const { method = 'GET' } = request
      const attributes = { 'http.request.method': method }
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent)
      if (span.isRecording()) {
        response.once('close', () => {
          if (response.headersSent) {
            const { statusCode } = response
            span.setAttribute('http.response.status_code', statusCode)
            if (statusCode >= 500) {
              span.setAttribute('error.type', String(statusCode))
              span.setStatus({ code: SpanStatusCode.ERROR })
            }
          }
          span.end()
        })
      }
      context.with(trace.setSpan(parent, span), answer, undefined, request, response)
    },

    // Its path names subjects and sessions, so the route alone is told.
    answered({ method, route }) {
      const span = trace.getActiveSpan()
      if (span?.isRecording() !== true) return
      span.updateName(`${method} ${route}`)
      span.setAttribute('http.route', route)
    },

    here() {
      const active = context.active()
      return (work) => context.with(active, work)
    },
  }
}
