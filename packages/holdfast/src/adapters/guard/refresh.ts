import type { Carrier } from '../../carriers/carrier.ts'
import { isSafeMethod } from '../../carriers/csrf.ts'
import { SessionError } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Activity } from '../../core/request.ts'
import type { Refreshed } from '../../core/sessions.ts'
import { parseToken, TOKEN_LENGTH } from '../../core/token.ts'
import { deliveryHeaders, isSetCookie, NO_STORE } from './cookies.ts'
import { plainOnes } from './development.ts'
import { entryChecks, type TokenRead } from './entry-checks.ts'
import { attempt } from './faults.ts'
import type { HttpFacts, WholeAnswer } from './http-request.ts'
import type { GuardParts } from './parts.ts'

/** What a refresh is asked for. */
export interface RefreshRequirements {
  /** Whom the access token is for. Default: the issuer's first audience. */
  readonly audience?: string | undefined
  /** With `native` alone: the refresh token, where it came in a body. Default: `Authorization`. */
  readonly token?: string | undefined
  /** `passive`: nobody is at the page. The exchange keeps no session alive. Default `active`. */
  readonly activity?: Activity | undefined
}

/**
 * Exchanges the refresh token of a request. The answer is JSON with `accessToken` and `expiresIn`,
 * with `native` also `refreshToken`; or the refusal. Throws `config_invalid` where the option
 * `refresh` is not set.
 */
export type Refresh = (facts: HttpFacts, requirements?: RefreshRequirements) => Promise<WholeAnswer>

/**
 * The one endpoint that takes refresh tokens. It has the entry checks of all other requests, and a
 * carrier that nothing else reads.
 */
export function refreshEndpoint(parts: GuardParts): Refresh {
  const { refresh } = parts.carriers
  if (refresh !== undefined) return endpointFor(parts, refresh)
  return async () => {
    throw new SessionError('config_invalid', 'Set the option `refresh` to answer refreshes.')
  }
}

function endpointFor(
  { sessions, options, carriers, refuse, describe, superseded, startAnswer, now, warn }: GuardParts,
  carrier: Carrier,
): Refresh {
  const native = options.refresh?.native === true
  const checks = entryChecks(options, [carrier], warn)

  function readToken(facts: HttpFacts, token: string | undefined): TokenRead {
    if (!native || token === undefined) return checks.readToken(facts)
    const { ip, tls } = checks.clientOf(facts)
    const refused = checks.checkRequest(facts)
    if (refused !== undefined) return { ok: false, ip, ...refused }
    // It comes out of a body that the application has parsed, and may be of any type.
    const bounded = typeof token === 'string' && token !== '' && token.length <= TOKEN_LENGTH
    return bounded
      ? { ok: true, ip, tls, token, carrier }
      : { ok: false, ip, code: 'token_malformed' }
  }

  function deliver(
    { session, persistent, accessToken, expiresIn }: Extract<Refreshed, { ok: true }>,
    { refreshToken, by }: { readonly refreshToken: string | undefined; readonly by: Carrier },
  ): WholeAnswer {
    const delivery = deliveryHeaders(by, { token: refreshToken, session, persistent }, now())
    return {
      status: 200,
      headers: [['content-type', 'application/json'], NO_STORE, ...delivery.filter(isSetCookie)],
      body: JSON.stringify({ accessToken, expiresIn, ...(native ? { refreshToken } : {}) }),
    }
  }

  return async (facts, { audience, token, activity } = {}) => {
    if (isSafeMethod(facts.method)) return refuse(facts, { code: 'method_not_allowed' }).refusal
    const read = readToken(facts, token)
    if (!read.ok) return refuse(facts, read).refusal
    const by = read.carrier
    const beside = by === carrier.plain ? plainOnes(carriers.session) : carriers.session
    if (carrier.ambient && besideAnotherSession(facts, beside, read.token)) {
      return refuse(facts, { code: 'token_duplicated' }).refusal
    }
    const inTime = startAnswer()
    const before = superseded.count()
    const refreshed = await attempt(() =>
      sessions.refresh({
        token: read.token,
        request: describe(facts, read),
        ...(facts.waitedMs === undefined ? {} : { waitedMs: facts.waitedMs() }),
        ...(audience === undefined ? {} : { audience }),
        ...(activity === undefined ? {} : { activity }),
      }),
    )
    if (!refreshed.ok) return refuse(facts, { ...refreshed, carrier: by }).refusal
    // The answer is late, or a step-up, a login or a logout was answered meanwhile: then the
    // successor is dead by now, and would overwrite the living one.
    const delivers = inTime() && !superseded.since(refreshed.session.id, before)
    return deliver(refreshed, { refreshToken: delivers ? refreshed.refreshToken : undefined, by })
  }
}

/**
 * Whether a session cookie of another session came with the refresh cookie. One of the two was
 * planted: the page of one person would get the access token of another. Who may plant a cookie can
 * do no more than that, so the ids are compared before anything is believed.
 */
function besideAnotherSession(
  { header }: HttpFacts,
  carriers: readonly Carrier[],
  refreshToken: string,
): boolean {
  const own = sessionIn(refreshToken)
  return carriers.some((carrier) => {
    if (!carrier.ambient) return false
    const carried = carrier.read(header)
    if (!carried.ok) return carried.code === 'token_duplicated'
    const other = sessionIn(carried.token)
    return own !== undefined && other !== undefined && own !== other
  })
}

function sessionIn(token: string): SessionId | undefined {
  return parseToken(token)?.claims.session
}
