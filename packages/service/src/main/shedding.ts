import type { IncomingMessage, ServerResponse } from 'node:http'
import { problemDetailsOf } from '../api/problem.ts'
import { requestIdOf } from '../api/request-id.ts'
import type { SampledWarn } from './sampled-log.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Answers 503 in place of work that would be late: there is more to do than the process can. */
export interface Shedding {
  guard(answer: Answer): Answer
  /** Whether one that comes another way is to be answered 503. */
  sheds(): boolean
  /** Tells how long a request has waited for its turn, ms: that is being late, too. */
  waited(ms: number): void
  /** Share of requests that are answered 503 now, 0 to 1. */
  share(): number
  close(): void
}

export interface SheddingOptions {
  readonly onShed: () => void
  readonly warn: SampledWarn
  /** Path of the page where people say that a login was not theirs, which ends it. */
  readonly noticePath?: string | undefined
  /** Calls back again and again, and says how late each call was, ms. The answer ends it. */
  readonly lateness?: (heard: (lateMs: number) => void) => () => void
}

const EVERY_MS = 250
/** Later than this, work waits for work. */
const LATE_MS = 250
const MORE = 0.1
const LESS = 0.05
/** Some requests always come through: they show whether it is over. */
const MOST = 0.95

/**
 * What may end a session is never put off (`/v1/logout`, `/v1/revoke`, `/v1/reports`,
 * `/v1/sessions/{id}/revoke`, `/v1/subjects/{subject}/revoke`).
 */
const ENDS = /^\/v1\/(?:logout|revoke|reports|(?:sessions|subjects)\/[^/?]+\/revoke)(?:\?|$)/

/**
 * The event loop comes round late where requests arrive faster than they are answered: each waits
 * for all before it, its client gives up, and the work is done for nobody. A share of them is
 * answered 503 at once, which grows while the loop is late and falls when it is not. A single stall
 * (a pause of the machine) sheds nothing. Where requests are taken by turns, the loop is in time
 * and they are late: what they have waited counts as much.
 */
export function shedding({
  onShed,
  warn,
  noticePath,
  lateness = timer,
}: SheddingOptions): Shedding {
  let share = 0
  let wasLate = false
  let longestWait = 0
  let owed = 0

  const close = lateness((lateMs) => {
    const late = Math.max(lateMs, longestWait) >= LATE_MS
    longestWait = 0
    share = late ? Math.min(MOST, share + (wasLate ? MORE : 0)) : Math.max(0, share - LESS)
    wasLate = late
  })

  function mayEnd({ method, url = '' }: IncomingMessage): boolean {
    // The page with its button, too.
    if (noticePath !== undefined && url.split('?', 1)[0] === noticePath) return true
    return method === 'POST' && ENDS.test(url)
  }

  function isShed(request: IncomingMessage): boolean {
    return !mayEnd(request) && sheds()
  }

  /** Every so many-th one, evenly. */
  function sheds(): boolean {
    if (share === 0) return false
    owed += share
    if (owed < 1) return false
    owed -= 1
    onShed()
    warn('shed', { share }, 'requests are answered 503: there is more to do than this process can')
    return true
  }

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    const id = requestIdOf(String(request.headers['x-request-id']))
    const fault = { code: 'overloaded', detail: DETAIL } as const
    response.writeHead(503, {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '1',
    })
    response.end(JSON.stringify(problemDetailsOf(fault, id)))
  }

  return {
    guard: (answer) => (request, response) => {
      if (!isShed(request)) return answer(request, response)
      request.resume()
      refuse(request, response)
    },
    sheds,
    waited(ms) {
      longestWait = Math.max(longestWait, ms)
    },
    share: () => share,
    close,
  }
}

const DETAIL = 'There is more to do than this process can. Nothing was decided; try again.'

function timer(heard: (lateMs: number) => void): () => void {
  let due = performance.now() + EVERY_MS
  const interval = setInterval(() => {
    const now = performance.now()
    heard(now - due)
    due = now + EVERY_MS
  }, EVERY_MS)
  interval.unref()
  return () => clearInterval(interval)
}
