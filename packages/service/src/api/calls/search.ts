import {
  type Found,
  type FoundEvent,
  type FoundSession,
  type FoundSubject,
  rangeOf,
  type Search,
  type Searches,
} from '../../audit/search/search.ts'
import type { AdminActs } from '../admin-acts.ts'
import { type Answer, type Asker, type Call, call } from '../call.ts'
import {
  foundEvents,
  foundSessions,
  foundSubjects,
  type SearchQuery,
  type SessionSearchQuery,
  searchQuery,
  sessionSearchQuery,
} from '../search-shapes.ts'

const ABOUT = 'What was found; `next` is there when more may follow'

/** Searches of the audit log. */
export function searchCalls({
  searches,
  acts,
  now,
}: {
  readonly searches: Searches
  readonly acts: AdminActs
  readonly now: () => number
}): readonly Call[] {
  async function answer<T>(
    { query, ...asker }: Asker & { readonly query: SessionSearchQuery },
    { ask, act, withoutPersonal }: Kind<T>,
  ): Promise<Answer> {
    const { personal, ...search } = query
    // Where the index is, a fault would have lost its code.
    rangeOf(search, now())
    const found = await ask(search)
    const { after: _, ...question } = query
    await acts.looked(asker, act, { question: JSON.stringify(question) })
    const items = personal === 'none' ? found.items.map(withoutPersonal) : found.items
    return { status: 200, body: { ...found, items } }
  }

  return [
    call<Empty, SearchQuery>({
      id: 'searchEvents',
      method: 'get',
      path: '/v1/search/events',
      roles: ['audit'],
      summary: 'Events of the audit log, newest first',
      query: searchQuery,
      answers: { 200: { about: ABOUT, body: foundEvents } },
      handle: (asked) =>
        answer(asked, {
          ask: searches.events,
          act: 'events_searched',
          withoutPersonal: eventAlone,
        }),
    }),
    call<Empty, SessionSearchQuery>({
      id: 'searchSessions',
      method: 'get',
      path: '/v1/search/sessions',
      roles: ['audit'],
      summary: 'Sessions, live and past, with an event and at a place as asked; begun last first',
      query: sessionSearchQuery,
      answers: { 200: { about: ABOUT, body: foundSessions } },
      handle: (asked) =>
        answer(asked, {
          ask: searches.sessions,
          act: 'sessions_searched',
          withoutPersonal: summaryAlone<FoundSession>,
        }),
    }),
    call<Empty, SearchQuery>({
      id: 'searchSubjects',
      method: 'get',
      path: '/v1/search/subjects',
      roles: ['audit'],
      summary: 'Subjects with an event and at a place as asked; first seen last first',
      query: searchQuery,
      answers: { 200: { about: ABOUT, body: foundSubjects } },
      handle: (asked) =>
        answer(asked, {
          ask: searches.subjects,
          act: 'subjects_searched',
          withoutPersonal: summaryAlone<FoundSubject>,
        }),
    }),
  ]
}

type Empty = Record<never, never>

interface Kind<T> {
  readonly ask: (search: Search) => Promise<Found<T>>
  readonly act: `${'events' | 'sessions' | 'subjects'}_searched`
  readonly withoutPersonal: (item: T) => T
}

function eventAlone(found: FoundEvent): FoundEvent {
  return { ...found, personal: null }
}

function summaryAlone<T extends FoundSession | FoundSubject>(found: T): T {
  const places = found.places.map((place) => ({ ...place, address: null }))
  return { ...found, name: null, tenant: null, places }
}
