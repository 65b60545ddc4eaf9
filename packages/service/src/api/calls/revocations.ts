import { SessionError } from 'holdfast'
import { revocations as snapshot } from 'holdfast/wire'
import { type Call, call, problemFacts } from '../call.ts'
import { acceptsStream, LAST_EVENT_ID, lastEventId } from '../event-stream.ts'
import type { ApiParts } from '../parts.ts'
import { atCursor } from '../problem.ts'
import { revocationsQuery } from '../queries.ts'
import type { Reader, RevocationHub } from '../revocation-hub.ts'

const MAX_STREAMS = 4_096

/** A reader that is so far behind is cut off, and resumes. */
const MAX_UNREAD_BYTES = 262_144

/** The service stops, or the reader has to begin anew: others may be there already. */
const COME_AGAIN = new TextEncoder().encode('retry: 100\n\n')

/** What has been revoked: a snapshot, or a live stream with `Accept: text/event-stream`. */
export function revocationCalls({ revocations }: Pick<ApiParts, 'revocations'>): readonly Call[] {
  let streams = 0

  return [
    call({
      id: 'readRevocations',
      method: 'get',
      path: '/v1/revocations',
      roles: ['gate', 'app'],
      summary:
        'Whatever a good access token could be affected by; as a live stream with ' +
        '`Accept: text/event-stream`',
      query: revocationsQuery,
      headers: [
        { name: LAST_EVENT_ID, about: 'Resumes a stream after this cursor', required: false },
      ],
      answers: {
        200: { about: 'The snapshot, or the stream', body: snapshot, stream: true },
        410: problemFacts('The stream does not reach back to the cursor: take a snapshot'),
        429: problemFacts('Too many streams at once'),
      },
      async handle({ query: { after }, headers, cut }) {
        if (!acceptsStream(headers.get('accept'))) {
          if (after === undefined) return jsonResponse(revocations.snapshot())
          throw new SessionError('invalid_input', 'after is for streams: accept text/event-stream')
        }
        if (streams >= MAX_STREAMS) {
          throw new SessionError(
            'too_many_requests',
            `There are ${MAX_STREAMS} streams of revocations already.`,
          )
        }
        streams++
        const resumed = lastEventId(headers)
        try {
          const field = resumed === undefined ? 'after' : LAST_EVENT_ID
          return await atCursor(field, () =>
            revocationStream(revocations, resumed ?? after, {
              cut,
              done() {
                streams--
              },
            }),
          )
        } catch (error) {
          streams--
          throw error
        }
      },
    }),
  ]
}

/**
 * Nobody is waited for: what a reader does not take is kept for it up to a bound. `done` once,
 * unless it throws.
 */
async function revocationStream(
  hub: RevocationHub,
  after: string | undefined,
  { cut, done }: { readonly cut: () => void; readonly done: () => void },
): Promise<Response> {
  let leave = (): void => {}
  let over = false
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined

  function finish(): boolean {
    if (over) return false
    over = true
    leave()
    done()
    return true
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      cancel: () => void finish(),
    },
    { highWaterMark: MAX_UNREAD_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  )
  const reader: Reader = {
    send(bytes) {
      if (over) return
      controller?.enqueue(bytes)
      if ((controller?.desiredSize ?? 1) > 0) return
      finish()
      cut()
    },
    end() {
      if (!finish()) return
      controller?.enqueue(COME_AGAIN)
      controller?.close()
    },
  }
  leave = await hub.join(after, reader)
  if (over) leave()
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
  })
}

function jsonResponse(json: string): Response {
  return new Response(json, { headers: { 'content-type': 'application/json' } })
}
