import type { ServerResponse } from 'node:http'
import type { Cursor } from 'holdfast/store'
import type { EventAtCursor } from 'holdfast/wire'
import type { Operator } from './operator.ts'
import { eventPicture, reasonTexts, sessionPicture, type Viewer } from './picture.ts'

const EVERY_MS = 1_000

/** A browser connects anew after this, and is verified anew. */
const LIFE_MS = 60_000

const MOST_EVENTS = 200

/**
 * Server-sent events about one session: `session` whenever it looks different, `events` as they
 * come, `over` when it has ended. The caller has verified that the session is the visitor's own.
 */
export async function streamSession(
  response: ServerResponse,
  {
    operator,
    session,
    viewer,
    now,
    stop,
  }: {
    readonly operator: Operator
    readonly session: string
    readonly viewer: Viewer
    readonly now: () => number
    readonly stop: AbortSignal
  },
): Promise<void> {
  const until = AbortSignal.any([stop, AbortSignal.timeout(LIFE_MS)])
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  const ended = AbortSignal.any([until, closed.signal])

  let cursor: Cursor | undefined
  let events: readonly EventAtCursor[] = []
  let shown = ''
  try {
    while (!ended.aborted) {
      const page = await operator.events(session, cursor)
      cursor = page.cursor
      events = [...events, ...page.items].slice(-MOST_EVENTS)
      if (page.items.length > 0) send('events', page.items.map(eventPicture))

      const detail = await operator.session(session)
      if (detail === undefined) {
        send('over', {})
        break
      }
      const texts = reasonTexts(events)
      const picture = JSON.stringify(sessionPicture(detail, { texts, now: now(), viewer }))
      if (picture !== shown) response.write(`event: session\ndata: ${picture}\n\n`)
      shown = picture
      if (!page.more) await pause(ended)
    }
  } catch (error) {
    // The browser connects anew, and is told again from the start.
    process.stderr.write(`gateway: no news of a session: ${textOf(error)}\n`)
  } finally {
    response.end()
  }

  function send(name: string, data: unknown): void {
    response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
}

function pause(ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, EVERY_MS)
    ended.addEventListener('abort', done, { once: true })
    function done(): void {
      clearTimeout(timer)
      ended.removeEventListener('abort', done)
      resolve()
    }
  })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'something that is no error'
}
