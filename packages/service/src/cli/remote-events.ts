import { EventSourceParserStream, ParseError } from 'eventsource-parser/stream'
import { SessionError } from 'holdfast'
import type { LoggedEvent } from 'holdfast/maintenance'
import { z } from 'zod'
import type { Remote } from './remote.ts'

/** What `GET /v1/events` takes. */
export type EventQuery = Readonly<Record<string, string | undefined>>

export interface EventsPage {
  readonly items: readonly LoggedEvent[]
  readonly cursor: string | undefined
  readonly more: boolean
}

const QUERY_TIMEOUT_MS = 10_000
/** Longest message of the stream, in characters. */
const MAX_MESSAGE = 1_048_576

/** One page of events. */
export async function queryEvents(remote: Remote, query: EventQuery): Promise<EventsPage> {
  const response = await ask(remote, query, {
    accept: 'application/json',
    signal: AbortSignal.timeout(QUERY_TIMEOUT_MS),
  })
  const { items, cursor, more } = page.parse(await response.json())
  return { items, cursor, more }
}

/** Events as they come, across broken connections, until `stop`. */
export async function* followEvents(
  remote: Remote,
  query: EventQuery,
  stop: AbortSignal,
): AsyncGenerator<LoggedEvent> {
  let last: string | undefined
  while (!stop.aborted) {
    try {
      const lastEventId: Record<string, string> =
        last === undefined ? {} : { 'last-event-id': last }
      const response = await ask(remote, query, {
        accept: 'text/event-stream',
        signal: stop,
        headers: lastEventId,
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

async function ask(
  { url, key }: Remote,
  query: EventQuery,
  {
    accept,
    signal,
    headers = {},
  }: { accept: string; signal: AbortSignal; headers?: Record<string, string> },
): Promise<Response> {
  const target = new URL(`${url}/v1/events`)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) target.searchParams.set(name, value)
  }
  let response: Response
  try {
    response = await fetch(target, {
      redirect: 'error',
      signal,
      headers: { authorization: `Bearer ${key}`, accept, ...headers },
    })
  } catch (cause) {
    throw new SessionError(
      'store_unavailable',
      `The service at ${target.origin} cannot be reached.`,
      { cause },
    )
  }
  if (response.ok) return response
  const problemBody = problem.safeParse(await response.json().catch(() => undefined))
  const detail = problemBody.success ? problemBody.data.detail : `It answered ${response.status}.`
  throw new SessionError(response.status === 503 ? 'store_unavailable' : 'invalid_input', detail)
}

const problem = z.object({ detail: z.string() })

const event = z.custom<LoggedEvent>(
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
