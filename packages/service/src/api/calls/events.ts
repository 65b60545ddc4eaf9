import { SessionError } from 'holdfast'
import type { LoggedEvent } from 'holdfast/maintenance'
import type { Cursor, SubjectKey } from 'holdfast/store'
import { eventPage } from 'holdfast/wire'
import { type Call, call, problemFacts } from '../call.ts'
import { eventHub, withPersonal } from '../event-hub.ts'
import { acceptsStream, LAST_EVENT_ID, lastEventId } from '../event-stream.ts'
import type { ApiParts } from '../parts.ts'
import { atCursor } from '../problem.ts'
import { eventsQuery } from '../queries.ts'

const PAGE = 100
const STEP = 500
/** Feed entries that one query looks through before it hands back a cursor to go on from. */
const MAX_LOOKED_THROUGH = 20_000
const MAX_STREAMS = 256

/** What the caller wants to see. Every field given must match. */
export interface EventFilter {
  readonly session?: string
  readonly subject?: SubjectKey
  readonly type?: string
}

interface Page {
  readonly items: readonly LoggedEvent[]
  readonly cursor: Cursor | undefined
  readonly more: boolean
}

/** The event log: a query, or a live stream for those who accept `text/event-stream`. */
export function eventCalls({
  events,
  acts,
  subjectKey,
  stopping,
  heartbeatMs,
  log,
  metrics,
}: ApiParts): readonly Call[] {
  const hub = eventHub({ events, stopping, heartbeatMs, log, metrics })

  async function query(
    filter: EventFilter,
    from: Cursor | undefined,
    limit: number,
  ): Promise<Page> {
    const items: LoggedEvent[] = []
    let cursor = from
    for (let looked = 0; looked < MAX_LOOKED_THROUGH; looked += STEP) {
      const page = await events.read(cursor, STEP)
      for (const event of page.items) {
        if (!matches(filter, event)) continue
        items.push(event)
        if (items.length === limit) return { items, cursor: event.cursor, more: true }
      }
      if (page.cursor === cursor) return { items, cursor, more: false }
      cursor = page.cursor
    }
    return { items, cursor, more: true }
  }

  return [
    call({
      id: 'readEvents',
      method: 'get',
      path: '/v1/events',
      roles: ['audit'],
      summary: 'What happened, oldest first; as a live stream with `Accept: text/event-stream`',
      query: eventsQuery,
      headers: [
        { name: LAST_EVENT_ID, about: 'Resumes a stream after this cursor', required: false },
      ],
      answers: {
        200: { about: 'A page of events, or the stream', body: eventPage, stream: true },
        410: problemFacts('Events after the cursor are no longer kept'),
        429: problemFacts('Too many streams at once'),
      },
      async handle({ query: asked, headers, cut, ...asker }) {
        const { limit = PAGE, after, subject, tenant, personal, ...rest } = asked
        if (tenant !== undefined && subject === undefined) {
          throw new SessionError('invalid_input', 'tenant needs a subject beside it')
        }
        const ref = subject === undefined ? undefined : { subject, ...tenanted(tenant) }
        const filter: EventFilter = {
          ...rest,
          ...(ref === undefined ? {} : { subject: subjectKey(ref) }),
        }
        const name = JSON.stringify([filter, personal])
        const reading = (): Promise<void> =>
          acts.looked(asker, 'events_read', {
            session: rest.session,
            subject: ref,
            question: name,
          })
        if (!acceptsStream(headers.get('accept'))) {
          const page = await atCursor('after', () => query(filter, after, limit))
          await reading()
          const items = personal === undefined ? page.items : page.items.map(withPersonal)
          return { status: 200, body: { ...page, items } }
        }
        if (hub.size() >= MAX_STREAMS) {
          throw new SessionError(
            'too_many_requests',
            `There are ${MAX_STREAMS} event streams already.`,
          )
        }
        const resumed = lastEventId(headers)
        await reading()
        const from = resumed ?? after ?? (await events.head())
        // A stream that could not go on must say so before it says 200.
        await atCursor(resumed === undefined ? 'after' : LAST_EVENT_ID, () => events.read(from, 1))
        return hub.open({
          from,
          name,
          personal: personal === 'full',
          wanted: (event) => matches(filter, event),
          cut,
        })
      },
    }),
  ]
}

function tenanted(tenant: string | undefined): { readonly tenant?: string } {
  return tenant === undefined ? {} : { tenant }
}

function matches({ session, subject, type }: EventFilter, event: LoggedEvent): boolean {
  if (session !== undefined && event.session !== session) return false
  if (subject !== undefined && event.subject !== subject) return false
  return type === undefined || event.type === type
}
