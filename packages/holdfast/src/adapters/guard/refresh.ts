import { isSafeMethod } from '../../carriers/csrf.ts'
import { refreshCarrier } from '../../carriers/refresh.ts'
import { SessionError } from '../../core/errors.ts'
import type { Sessions } from '../../core/sessions.ts'
import { TOKEN_LENGTH } from '../../core/token.ts'
import { deliveryHeaders, NO_STORE } from './cookies.ts'
import { type Entered, entrance } from './entry-checks.ts'
import { attempt } from './faults.ts'
import type { HttpFacts, WholeAnswer } from './http-request.ts'
import type { GuardOptions } from './options.ts'
import type { Refuse } from './refusals.ts'
import type { Describe } from './request-facts.ts'
import type { Replacements } from './superseded.ts'

/** What a refresh is asked for. */
export interface RefreshRequirements {
  /** Whom the access token is for; the issuer's first audience unless said otherwise. */
  readonly audience?: string | undefined
  /** With `native` alone: the refresh token, where it came in a body. Otherwise `Authorization` is read. */
  readonly token?: string | undefined
}

/**
 * Exchanges the refresh token of a request: JSON with `accessToken` and `expiresIn`, with `native` also `refreshToken`; or
 * the refusal. Throws `config_invalid` where the option `refresh` is not set.
 */
export type Refresh = (facts: HttpFacts, requirements?: RefreshRequirements) => Promise<WholeAnswer>

/** The one endpoint that takes refresh tokens: the same gate as everywhere, and a carrier that nothing else reads. */
export function refreshing({
  sessions,
  options,
  refuse,
  describe,
  replaced,
  now,
}: {
  readonly sessions: Sessions
  readonly options: GuardOptions
  readonly refuse: Refuse
  readonly describe: Describe
  readonly replaced: Replacements
  readonly now: () => number
}): Refresh {
  if (options.refresh === undefined) {
    return async () => {
      throw new SessionError('config_invalid', 'Set the option `refresh` to answer refreshes.')
    }
  }
  const { native = false } = options.refresh
  const carrier = refreshCarrier(options.refresh)
  const door = entrance({ ...options, carriers: [carrier] })

  function enter(facts: HttpFacts, token: string | undefined): Entered {
    if (!native || token === undefined) return door.enter(facts)
    const { ip, tls } = door.clientOf(facts)
    const code = door.refuses(facts)
    if (code !== undefined) return { ok: false, ip, code }
    // Out of a body that somebody else has parsed: whatever it is.
    const bounded = typeof token === 'string' && token !== '' && token.length <= TOKEN_LENGTH
    return bounded
      ? { ok: true, ip, tls, token, carrier }
      : { ok: false, ip, code: 'token_malformed' }
  }

  return async (facts, { audience, token } = {}) => {
    if (isSafeMethod(facts.method)) return refuse(facts, { code: 'method_not_allowed' }).refusal
    const entered = enter(facts, token)
    if (!entered.ok) return refuse(facts, entered).refusal
    const before = replaced.count()
    const refreshed = await attempt(() =>
      sessions.refresh({
        token: entered.token,
        request: describe(facts, entered),
        ...(facts.waitedMs === undefined ? {} : { waitedMs: facts.waitedMs() }),
        ...(audience === undefined ? {} : { audience }),
      }),
    )
    if (!refreshed.ok) return refuse(facts, { ...refreshed, carrier }).refusal
    const { session, persistent, accessToken, expiresIn, refreshToken } = refreshed
    // A step-up, a login or a logout was answered meanwhile: this one is dead, and must not follow the living one.
    const dead = replaced.since(session.id, before)
    const successor = dead ? undefined : refreshToken
    const delivery = deliveryHeaders(carrier, { token: successor, session, persistent }, now())
    return {
      status: 200,
      headers: [
        ['content-type', 'application/json'],
        NO_STORE,
        ...delivery.filter(([name]) => name === 'set-cookie'),
      ],
      body: JSON.stringify({
        accessToken,
        expiresIn,
        ...(native ? { refreshToken: successor } : {}),
      }),
    }
  }
}
