import type { SessionDetail } from 'holdfast'
import { connect } from 'holdfast/client'
import type { Cursor } from 'holdfast/store'
import type { EventAtCursor } from 'holdfast/wire'

export interface EventPage {
  readonly items: readonly EventAtCursor[]
  readonly cursor: Cursor
  readonly more: boolean
}

/** What an operator may ask of the running service. The key never leaves the gateway. */
export interface Operator {
  /** Undefined: there is no such live session. */
  session(id: string): Promise<SessionDetail | undefined>
  /** Events of one session, oldest first, at most 200. */
  events(session: string, after?: Cursor): Promise<EventPage>
}

const TIMEOUT_MS = 5_000

/** @param options.key An API key with the roles `audit` and `admin`. */
export function operator(options: { readonly url: string; readonly key: string }): Operator {
  const { url, key } = options
  const sessions = connect(options)

  return {
    session: (id) => sessions.show(id),
    events: async (session, after) => {
      const query = new URLSearchParams({ session, limit: '200' })
      if (after !== undefined) query.set('after', after)
      const response = await fetch(new URL(`/v1/events?${query}`, url), {
        headers: { authorization: `Bearer ${key}`, accept: 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (!response.ok) throw new Error(`the event log answered ${response.status}`)
      const page = (await response.json()) as EventPage
      // That this page looks is nothing that happened to the session.
      return { ...page, items: page.items.filter(({ type }) => type !== 'admin-acted') }
    },
  }
}
