import { SessionError } from 'holdfast'

export const LAST_EVENT_ID = 'Last-Event-ID'

/** A stream to somebody. */
export interface Reader {
  send(bytes: Uint8Array): void
  end(): void
}

/** A reader that is so far behind is cut off, and resumes. */
const MAX_UNREAD_BYTES = 262_144

/** Who is brought up to date is waited for, so long. */
const SLOW_MS = 30_000

/** The service stops, or the reader has to begin anew: others may be there already. */
const COME_AGAIN = new TextEncoder().encode('retry: 100\n\n')

/** A stream of server-sent events that keeps a bounded part of what its reader has not taken. */
export interface BoundedStream {
  readonly response: Response
  readonly reader: Reader
  readonly isOver: () => boolean
  /** Resolves once half of the bound is free, or the stream is over. */
  room(): Promise<void>
}

/**
 * Nobody is waited for: what a reader does not take is kept for it up to 256 KiB, and then it is
 * `cut` off. `done` is called once, when the stream is over.
 */
export function boundedStream({
  cut,
  done,
}: {
  readonly cut: () => void
  readonly done: () => void
}): BoundedStream {
  let over = false
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let taken = (): void => {}

  function finish(): boolean {
    if (over) return false
    over = true
    taken()
    done()
    return true
  }

  function evict(): void {
    if (finish()) cut()
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      pull: () => taken(),
      cancel: () => void finish(),
    },
    { highWaterMark: MAX_UNREAD_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  )

  return {
    response: new Response(body, {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
    }),
    isOver: () => over,
    reader: {
      send(bytes) {
        if (over) return
        controller?.enqueue(bytes)
        if ((controller?.desiredSize ?? 1) <= 0) evict()
      },
      end() {
        if (!finish()) return
        controller?.enqueue(COME_AGAIN)
        controller?.close()
      },
    },
    async room() {
      if ((controller?.desiredSize ?? 0) > MAX_UNREAD_BYTES / 2) return
      const timer = setTimeout(evict, SLOW_MS)
      timer.unref()
      while (!over && (controller?.desiredSize ?? 0) <= MAX_UNREAD_BYTES / 2) {
        await new Promise<void>((resolve) => {
          taken = resolve
        })
      }
      clearTimeout(timer)
    },
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
