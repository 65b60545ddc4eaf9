import { EventSourceParserStream, ParseError } from 'eventsource-parser/stream'
import { SessionError } from 'holdfast'
import type { EventAtCursor } from 'holdfast/wire'
import { z } from 'zod'
import type { Remote } from './remote.ts'
import { askService, type Query } from './remote-ask.ts'

export interface EventsPage {
  readonly items: readonly EventAtCursor[]
  readonly cursor: string | undefined
  readonly more: boolean
}

const PATH = '/v1/events'
/** Longest message of the stream, in characters. */
const MAX_MESSAGE = 1_048_576

/** One page of events. */
export async function queryEvents(remote: Remote, query: Query): Promise<EventsPage> {
  const response = await askService(remote, PATH, { query })
  const { items, cursor, more } = page.parse(await response.json())
  return { items, cursor, more }
}

/** Events as they come, across broken connections, until `stop`. */
export async function* followEvents(
  remote: Remote,
  query: Query,
  stop: AbortSignal,
): AsyncGenerator<EventAtCursor> {
  let last: string | undefined
  while (!stop.aborted) {
    try {
      const lastEventId: Record<string, string> =
        last === undefined ? {} : { 'last-event-id': last }
      const response = await askService(remote, PATH, {
        query,
        signal: stop,
        headers: { accept: 'text/event-stream', ...lastEventId },
      })
      const messages = response.body
        ?.pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_MESSAGE }))
      for await (const { id, data } of messages ?? []) {
        last = id ?? last
        // a heartbeat has a position and nothing else
        if (data !== '') yield event.parse(JSON.parse(data))
      }
    } catch (error) {
      if (stop.aborted) return
      if (error instanceof ParseError) {
        throw new SessionError('internal_error', 'The service sent a message without an end.', {
          cause: error,
        })
      }
      if (error instanceof SessionError && error.code !== 'store_unavailable') throw error
      if (last === undefined) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

const event = z.custom<EventAtCursor>(
  (value) =>
    z
      .object({ id: z.string(), type: z.string(), at: z.number(), cursor: z.string() })
      .safeParse(value).success,
)

const page = z.object({
  items: z.array(event),
  cursor: z.string().optional(),
  more: z.boolean(),
})
