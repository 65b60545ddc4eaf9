import { refreshFacts } from './facts.ts'
import type { Fetch, PageWindow } from './page.ts'
import { problemOf } from './problem.ts'
import type { PageToken } from './tabs.ts'

/** The result of asking for a token. */
export type RefreshOutcome =
  | { readonly kind: 'token'; readonly token: PageToken }
  /** Nobody is logged in any more. */
  | { readonly kind: 'out' }
  /** The session lives, but the person has to do something first: `answer` says what. */
  | { readonly kind: 'refused'; readonly answer: Response }
  /** Nothing was decided, because of an outage or because no answer came. */
  | { readonly kind: 'failed'; readonly answer?: Response; readonly error?: unknown }

/** How to ask. */
export interface RefreshOptions {
  readonly url: string
  readonly send: Fetch
  readonly page: PageWindow
}

/**
 * Pauses before the same cookie is shown again, ms. Where a response was lost, the next one brings
 * a successor of its own, so the first tries come soon.
 */
const PAUSES_MS = [500, 1000, 2000]

/** Longest wait for the first answer, ms. It doubles with each try, for slow networks. */
const TIMEOUT_MS = 4000

const LONGEST_PAUSE_MS = 10_000

/**
 * Asks for a token until there is an answer that counts, four times at most. The first 401 does not
 * count: the cookie may have been replaced meanwhile, and after a challenge the page sends newer
 * facts before the person is asked.
 */
export async function refresh(options: RefreshOptions): Promise<RefreshOutcome> {
  let unauthorized = 0
  for (let failures = 0; ; ) {
    const outcome = await attempt(options, TIMEOUT_MS * 2 ** failures)
    if (outcome.kind === 'token') return outcome
    const pause = PAUSES_MS[failures]
    if (outcome.kind === 'failed') {
      if (pause === undefined) return outcome
      failures++
      await sleep(Math.max(jittered(pause), retryAfter(outcome.answer)))
    } else if (isUnauthorized(outcome) && unauthorized++ === 0) {
      refreshFacts(options.page)
    } else {
      return outcome
    }
  }
}

/**
 * Between two thirds and the whole of a pause, at random, so that tabs and browsers that failed at
 * the same time do not try again at the same time.
 */
export function jittered(ms: number): number {
  return ms * (1 - Math.random() / 3)
}

async function attempt({ url, send }: RefreshOptions, timeoutMs: number): Promise<RefreshOutcome> {
  const from = Date.now()
  try {
    const answer = await send(url, {
      method: 'POST',
      headers: { accept: 'application/json' },
      cache: 'no-store',
      redirect: 'error',
      // The answer's cookie is kept even when the person has left the page.
      keepalive: true,
      signal: AbortSignal.timeout(timeoutMs),
    })
    return await judged(answer, from)
  } catch (error) {
    return { kind: 'failed', error }
  }
}

async function judged(answer: Response, from: number): Promise<RefreshOutcome> {
  const { status } = answer
  if (answer.ok) {
    const body: unknown = await answer.clone().json()
    const token = tokenOf(body, from)
    return token === undefined ? { kind: 'failed', answer } : { kind: 'token', token }
  }
  if (status >= 500 || status === 429 || status === 408) return { kind: 'failed', answer }
  if (status !== 401) return { kind: 'refused', answer }
  switch ((await problemOf(answer))?.code) {
    case 'step_up_required':
      return { kind: 'refused', answer }
    case 'token_key_unknown':
      return { kind: 'failed', answer } // that process does not know the newest key yet
    default:
      return { kind: 'out' }
  }
}

function isUnauthorized(outcome: RefreshOutcome): boolean {
  return outcome.kind === 'out' || (outcome.kind === 'refused' && outcome.answer.status === 401)
}

/** Counts the token's life from the moment of asking, so that it never seems longer than it is. */
function tokenOf(body: unknown, from: number): PageToken | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if (!('accessToken' in body) || typeof body.accessToken !== 'string') return undefined
  if (!('expiresIn' in body) || typeof body.expiresIn !== 'number') return undefined
  return { token: body.accessToken, from, until: from + body.expiresIn * 1000 }
}

function retryAfter(answer: Response | undefined): number {
  const seconds = Number(answer?.headers.get('retry-after') ?? 0)
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_PAUSE_MS) : 0
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
