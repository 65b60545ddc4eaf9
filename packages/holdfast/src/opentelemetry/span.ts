import { type Context, context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { CODES, SessionError } from '../core/errors.ts'
import type { EventAttributes } from '../core/event-attributes.ts'

/** A span that is under way, and where it is the child of. */
export interface Begun {
  readonly span: Span
  readonly parent: Context
}

/** Does the work as a part of the span, and ends it with what came of it. */
export async function within<T>(
  { span, parent }: Begun,
  work: () => Promise<T>,
  attributesOf?: (answer: T) => EventAttributes,
): Promise<T> {
  try {
    const answer = await context.with(trace.setSpan(parent, span), work)
    if (attributesOf !== undefined) span.setAttributes(attributesOf(answer))
    return answer
  } catch (error) {
    noteFailure(span, error)
    throw error
  } finally {
    span.end()
  }
}

/**
 * An outage or a bug is an error. What its caller got wrong is none: a conflict, an unknown id.
 * Only messages of our own are told: what others throw may quote anything.
 */
function noteFailure(span: Span, error: unknown): void {
  const own = error instanceof SessionError ? error : undefined
  if (own !== undefined && CODES[own.code].status < 500) {
    span.setAttributes({ 'holdfast.result': 'failure', 'holdfast.code': own.code })
    return
  }
  const type = own?.code ?? (error instanceof Error ? error.name : '_OTHER')
  span.setAttributes({ 'holdfast.result': 'failure', 'error.type': type })
  span.setStatus({
    code: SpanStatusCode.ERROR,
    ...(own === undefined ? {} : { message: own.message }),
  })
  span.recordException({ name: type, ...(own === undefined ? {} : { message: own.message }) })
}
