import { SessionError } from 'holdfast'
import type { EventLog, LoggedEvent } from 'holdfast/maintenance'
import type { Cursor } from 'holdfast/store'

export const LAST_EVENT_ID = 'Last-Event-ID'

export interface StreamOptions {
  readonly events: EventLog
  readonly from: Cursor
  readonly stop: AbortSignal
  readonly heartbeatMs: number
  readonly wanted: (event: LoggedEvent) => boolean
}

/**
 * Events as server-sent events. Each has its cursor as `id`, so that a reader that was cut off
 * resumes with `Last-Event-ID`; a heartbeat also carries the newest position. A slow reader slows
 * the reading, never the memory.
 */
export function eventStream(options: StreamOptions, done: () => void): Response {
  const { events, from, stop, heartbeatMs, wanted } = options
  const ended = new AbortController()
  const end = (): void => ended.abort()
  const encoder = new TextEncoder()
  let last: { readonly cursor: Cursor } = { cursor: from }
  let timer: NodeJS.Timeout | undefined

  function finish(): void {
    clearInterval(timer)
    stop.removeEventListener('abort', end)
    ended.abort()
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop.addEventListener('abort', end)
        if (stop.aborted) end()
        controller.enqueue(encoder.encode(`retry: 1000\n${heartbeat(last.cursor)}`))
        timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) {
            controller.enqueue(encoder.encode(heartbeat(last.cursor)))
          }
        }, heartbeatMs)
        timer.unref()
        void pump(controller)
      },
      cancel: finish,
    },
    { highWaterMark: 65_536, size: (chunk) => chunk?.byteLength ?? 0 },
  )

  async function pump(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      for await (const event of events.follow(from, ended.signal)) {
        last = event
        if (!wanted(event)) continue
        await room(controller, ended.signal)
        if (ended.signal.aborted) break
        controller.enqueue(encoder.encode(message(event)))
      }
      if (!ended.signal.aborted || stop.aborted) controller.close()
    } catch (error) {
      // The reader sees a broken stream and resumes from its last id; a gap is answered 410 then.
      if (!ended.signal.aborted) controller.error(error)
    } finally {
      finish()
      done()
    }
  }

  return new Response(body, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
  })
}

/** A message of its own with empty data, because readers drop the `id` of one without data. */
function heartbeat(position: Cursor): string {
  return `id: ${position}\nevent: heartbeat\ndata:\n\n`
}

function message({ cursor, ...event }: LoggedEvent): string {
  return `id: ${cursor}\nevent: ${event.type}\ndata: ${JSON.stringify({ ...event, cursor })}\n\n`
}

const ROOM_MS = 20

async function room(
  controller: ReadableStreamDefaultController<Uint8Array>,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted && (controller.desiredSize ?? 0) <= 0) {
    await new Promise((resolve) => setTimeout(resolve, ROOM_MS))
  }
}

/** Whether the caller asks for a stream rather than for an answer. */
export function acceptsStream(accept: string | null): boolean {
  return (accept ?? '').split(',').some((type) => type.trim().startsWith('text/event-stream'))
}

/** Where a caller goes on that was cut off. */
export function lastEventId(headers: Headers): string | undefined {
  const id = headers.get('last-event-id')
  if (id === null || id === '') return undefined
  if (id.length <= 2_048) return id
  throw new SessionError(
    'invalid_input',
    `${LAST_EVENT_ID} must be a cursor from an earlier answer`,
  )
}
