import { SessionError } from 'holdfast'
import { revocations as snapshot } from 'holdfast/wire'
import { type Call, call, problemFacts } from '../call.ts'
import { acceptsStream, boundedStream, LAST_EVENT_ID, lastEventId } from '../event-stream.ts'
import type { ApiParts } from '../parts.ts'
import { atCursor } from '../problem.ts'
import { revocationsQuery } from '../queries.ts'
import type { RevocationHub } from '../revocation-hub.ts'

const MAX_STREAMS = 4_096

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
        const resumed = lastEventId(headers)
        streams++
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

/** `done` once, unless it throws. */
async function revocationStream(
  hub: RevocationHub,
  after: string | undefined,
  { cut, done }: { readonly cut: () => void; readonly done: () => void },
): Promise<Response> {
  let leave = (): void => {}
  const { response, reader, isOver } = boundedStream({
    cut,
    done() {
      leave()
      done()
    },
  })
  leave = await hub.join(after, reader)
  if (isOver()) leave()
  return response
}

function jsonResponse(json: string): Response {
  return new Response(json, { headers: { 'content-type': 'application/json' } })
}
