import { absolute, type Fetch, ownWindow, type PageWindow } from './page.ts'
import { problemOf } from './problem.ts'
import type { RefreshOutcome } from './refresh.ts'
import { tokenKeeper } from './token-keeper.ts'

/** Where tokens come from, and which origins get them. */
export interface PageAccessOptions {
  /** Where the application answers with `refresh()`. Default `/refresh`. */
  readonly refreshPath?: string
  /**
   * Which of the issuer's audiences the tokens are for; sent as `?audience=`. Default: the
   * application's choice.
   */
  readonly audience?: string
  /** Other origins whose services take these tokens, for example `https://api.example`. */
  readonly origins?: readonly string[]
  /** Called once in each tab when it turns out that nobody is logged in, never for an outage. */
  readonly onLoggedOut?: () => void
  readonly fetch?: Fetch
  readonly page?: PageWindow
}

/**
 * Access tokens of this page. They are kept in memory alone; after a reload the page gets a new one
 * from another tab or from the service.
 */
export interface PageAccess {
  /**
   * A `fetch` that sends the token to the own origin and the listed ones. On a 401 that blames the
   * token, the token is replaced and the request sent once more. While there is no token, the
   * answer is that of the refresh (a challenge, 503) or its network error, because a request
   * without a token would look like a logout. When nobody is logged in, requests go without one.
   */
  readonly fetch: Fetch
  /** A live token; undefined while there is none. */
  token(): Promise<string | undefined>
  /**
   * Replaces the token although it is still alive. For use after a login, a step-up or a change of
   * rights.
   */
  renew(): Promise<string | undefined>
  /** For use after a logout: every tab forgets its token. */
  forget(): void
  /** Stops timers and listeners. */
  close(): void
}

/**
 * Refusals by a service after which a newer token may be accepted. After `session_revoked` the
 * refresh tells at least that the session is over.
 */
const BLAME_THE_TOKEN = ['access_token_expired', 'access_token_invalid', 'session_revoked']

/**
 * Keeps an access token for a page, in memory alone. One tab refreshes for all tabs, before the
 * token expires, and only while the token is used, so that the session of an unattended page
 * reaches its idle timeout. The refresh token is an HttpOnly cookie of the refresh path, which this
 * module never sees.
 *
 * Throws a TypeError for an option that is not an origin.
 *
 * @example
 * const access = pageAccess({ onLoggedOut: () => location.assign('/login') })
 * const secureFetch = withStepUp({ fetch: access.fetch })
 * await secureFetch('/api/orders')
 */
export function pageAccess(options: PageAccessOptions = {}): PageAccess {
  const { refreshPath = '/refresh', audience, page = ownWindow() } = options
  const send: Fetch = options.fetch ?? ((input, init) => fetch(input, init))
  const query = audience === undefined ? '' : `?${new URLSearchParams({ audience })}`
  const receivers = new Set([page.location?.origin, ...(options.origins ?? []).map(checkedOrigin)])
  const keeper = tokenKeeper({
    url: String(absolute(`${refreshPath}${query}`, page)),
    send,
    page,
    onLoggedOut: options.onLoggedOut ?? (() => {}),
  })

  function sendWith(request: Request, had: RefreshOutcome): Promise<Response> | Response {
    switch (had.kind) {
      case 'token':
        request.headers.set('authorization', `Bearer ${had.token.token}`)
        return send(request)
      case 'out':
        return send(request)
      case 'refused':
        return had.answer.clone()
      case 'failed':
        if (had.answer === undefined) throw had.error
        return had.answer.clone()
    }
  }

  return {
    async fetch(input, init) {
      const request = new Request(absolute(input, page), init)
      const receives = receivers.has(new URL(request.url).origin)
      if (!receives || request.headers.has('authorization')) return send(request)
      const again = request.clone()
      const first = await keeper.wanted()
      const answer = await sendWith(request, first)
      if (first.kind !== 'token' || !(await blamesToken(answer))) return answer
      keeper.reject(first.token)
      const second = await keeper.wanted()
      return second.kind === 'out' ? answer : sendWith(again, second)
    },
    token: async () => textOf(await keeper.wanted()),
    renew: async () => textOf(await keeper.renew()),
    forget: keeper.forget,
    close: keeper.close,
  }
}

function textOf(had: RefreshOutcome): string | undefined {
  return had.kind === 'token' ? had.token.token : undefined
}

async function blamesToken(answer: Response): Promise<boolean> {
  const code = (await problemOf(answer))?.code
  return code !== undefined && BLAME_THE_TOKEN.includes(code)
}

function checkedOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw new TypeError(`origins: ${JSON.stringify(origin)} is not an origin.`)
}
