import { setTimeout as wait } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import { z } from 'zod'
import type { Found, FoundEvent, FoundSession, FoundSubject } from '../audit/search/search.ts'
import type { Remote } from './remote.ts'
import { askService, type Query } from './remote-ask.ts'

/** What there is to search. */
export interface Kinds {
  readonly events: FoundEvent
  readonly sessions: FoundSession
  readonly subjects: FoundSubject
}

const TIMEOUT_MS = 30_000
const EVERY_MS = 1_000

/** One page of a search. */
export async function searchService<K extends keyof Kinds>(
  remote: Remote,
  kind: K,
  query: Query,
): Promise<Found<Kinds[K]>> {
  const response = await askService(remote, `/v1/search/${kind}`, {
    query,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const { next, ...page } = pageOf<Kinds[K]>().parse(await response.json())
  return { ...page, ...(next === undefined ? {} : { next }) }
}

/** What a watch needs. */
export interface Watch<T> {
  readonly search: (query: Query) => Promise<Found<T>>
  readonly query: Query
  readonly stop: AbortSignal
  /** Between two questions. */
  readonly pause?: (stop: AbortSignal) => Promise<unknown>
}

/**
 * The first page, then what is new, oldest first, until `stop`. A session or subject comes again
 * whenever something happens to it. Once it has begun, it waits for a service that does not answer.
 */
export async function* watchService<T>({
  search,
  query,
  stop,
  pause = (signal) => wait(EVERY_MS, undefined, { signal }).catch(() => {}),
}: Watch<T>): AsyncGenerator<T> {
  const first = await search(query)
  yield* first.items.toReversed()
  let fromLine = first.nextLine
  for (;;) {
    await pause(stop)
    if (stop.aborted) return
    try {
      const { items, nextLine } = await newSince(search, query, fromLine)
      fromLine = nextLine
      yield* items.toReversed()
    } catch (error) {
      if (!(error instanceof SessionError) || error.code !== 'store_unavailable') throw error
    }
  }
}

/** All pages; what comes in meanwhile is for the next time. */
async function newSince<T>(
  search: Watch<T>['search'],
  query: Query,
  fromLine: number,
): Promise<{ readonly items: readonly T[]; readonly nextLine: number }> {
  const asked = { ...query, fromLine: String(fromLine) }
  const first = await search({ ...asked, after: undefined })
  const items = [...first.items]
  let { next } = first
  while (next !== undefined) {
    const page = await search({ ...asked, after: next })
    items.push(...page.items)
    next = page.next
  }
  return { items, nextLine: first.nextLine }
}

function pageOf<T>() {
  const item = z.custom<T>((value) => typeof value === 'object' && value !== null)
  return z.object({
    items: z.array(item),
    searchedTo: z.number(),
    next: z.string().optional(),
    nextLine: z.number(),
  })
}
