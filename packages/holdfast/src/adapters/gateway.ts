import { bearer } from '../carriers/bearer.ts'
import type { Carried, Carrier } from '../carriers/carrier.ts'
import { cookie } from '../carriers/cookie.ts'
import type { Decision } from '../core/decision.ts'
import { CODES, type Code, SessionError } from '../core/errors.ts'
import { parseJa4 } from '../core/ja4.ts'
import type { HeaderLookup } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { TOKEN_PREFIX } from '../core/token.ts'
import { turnBatcher } from './guard/batch.ts'
import { deliveryHeaders } from './guard/cookies.ts'
import { entrance } from './guard/entry-checks.ts'
import { attempt } from './guard/faults.ts'
import { FORGED } from './guard/guard.ts'
import { type HttpFacts, single } from './guard/http-request.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import { isNavigation, pageFor, returnPath } from './guard/redirects.ts'
import { type Grounds, type Refusal, redirected, refuser } from './guard/refusals.ts'
import { describer } from './guard/request-facts.ts'

export { type CookieCarrier, type CookieOptions, cookie } from '../carriers/cookie.ts'
export type { HeaderLookup } from '../core/request.ts'
export type { HeaderPair, HttpFacts } from './guard/http-request.ts'
export type { RouteRequirements } from './guard/options.ts'
export { type Refusal, refusalOf } from './guard/refusals.ts'

/** What all routes behind the gateways have in common. */
export interface GatewayOptions extends DetourUrls, Pick<GuardOptions, 'address' | 'now'> {
  /**
   * Public origins of the sites behind the gateways. Redirects return to these alone, and their pages may use each
   * other's sessions. None unless said otherwise: then nobody is redirected.
   */
  readonly origins?: readonly string[]
  /** Default `__Host-session`. */
  readonly cookieName?: string
  /**
   * In lower case, the header in which the gateways tell the JA4 fingerprint of the client's TLS handshake. They must
   * write it themselves and drop what clients send under that name. Default: none is read.
   */
  readonly tlsHeader?: string
}

/** What the operator asks for one route. */
export interface GatewayRoute extends RouteRequirements {
  /** The service that the request goes on to: the answer brings an access token for it. */
  readonly audience?: string
  /** Requests without a usable session pass as nobody's. */
  readonly optional?: boolean
  /** The gateway hands `Set-Cookie` on to the client, so that secrets may rotate. */
  readonly rotate?: boolean
}

/** A request may go on, or what its client gets instead. */
export type GatewayAnswer =
  | {
      readonly ok: true
      readonly session: SessionView | undefined
      readonly decision: Decision | undefined
      /** For the audience of the route; the client's own `Authorization` goes no further, with or without one. */
      readonly accessToken: string | undefined
      readonly setCookie: string | undefined
    }
  | { readonly ok: false; readonly code: Code; readonly refusal: Refusal }

/** Judges requests that a gateway holds in its hands. Rejects only for a bug, which is never an allow. */
export interface GatewayJudge {
  judge(facts: HttpFacts, route?: GatewayRoute, correlation?: string): Promise<GatewayAnswer>
}

/**
 * The adapters' checks for whoever answers a gateway: the facts are those of the client's request as the gateway tells
 * them, not of the gateway's own. Tokens come by cookie, or as `Authorization: Bearer hf1....`; whatever else a client
 * writes into `Authorization` is no concern of ours. Form tokens are not asked for: no gateway shows a body.
 *
 * Throws `config_invalid` for options that make no sense.
 *
 * @example
 * const { judge } = gatewayJudge(sessions, { origins: ['https://shop.example'] })
 * const answer = await judge(facts, { audience: 'orders' })
 */
export function gatewayJudge(sessions: Sessions, options: GatewayOptions = {}): GatewayJudge {
  const { cookieName, origins = [], tlsHeader, now = () => Date.now() } = options
  const carriers = [cookie(cookieName === undefined ? {} : { name: cookieName }), ownBearer()]
  const door = entrance({ ...options, carriers, origins })
  const { refuse, expiredCookies } = refuser({ carriers }, door.originOf)
  const detour = detourUrl(options, origins)
  const describe = describer()
  const restOfTurn = turnBatcher()

  /** The word of the gateway itself: it needs no proxy to be trusted. */
  function told(facts: HttpFacts): string | null {
    return tlsHeader === undefined ? null : parseJa4(single(facts, tlsHeader))
  }

  function refused(facts: HttpFacts, grounds: Grounds): GatewayAnswer {
    const { code, refusal } = refuse(facts, grounds)
    const location = detour(facts, { ...grounds, origin: door.originOf(facts) })
    return {
      ok: false,
      code,
      refusal: location === undefined ? refusal : redirected(refusal, location),
    }
  }

  function nobody(facts: HttpFacts, grounds: Grounds): GatewayAnswer {
    const { decision } = grounds
    const [setCookie] = expiredCookies(facts, grounds)
    return { ok: true, session: undefined, decision, accessToken: undefined, setCookie }
  }

  return {
    async judge(facts, { audience, optional, rotate, ...requirements } = {}, correlation) {
      function without(grounds: Grounds): GatewayAnswer {
        const { code } = grounds
        const anyway = optional === true && CODES[code].kind !== 'fault' && !FORGED.includes(code)
        return anyway ? nobody(facts, grounds) : refused(facts, grounds)
      }

      const entered = door.enter(facts)
      if (!entered.ok) return without(entered)
      const { token, carrier } = entered
      await restOfTurn()
      const verification = await attempt(() =>
        sessions.verify({
          token,
          request: describe(facts, { ip: entered.ip, tls: told(facts) }),
          deliverable: rotate === true && carrier.deliver !== undefined,
          ...(audience === undefined ? {} : { audience }),
          ...(correlation === undefined ? {} : { correlation }),
          ...requirements,
        }),
      )
      if (!verification.ok) return without({ ...verification, carrier })
      const { session, decision, accessToken } = verification
      if (audience !== undefined && accessToken === undefined) {
        // A limited session gets no access token: behind the gateway it would look like nobody's.
        const limited = decision.outcome === 'limit'
        return without({ code: limited ? 'session_limited' : 'config_invalid', decision, carrier })
      }
      const delivery = deliveryHeaders(carrier, verification, now())
      const setCookie = delivery.find(([name]) => name === 'set-cookie')?.[1]
      return { ok: true, session, decision, accessToken, setCookie }
    },
  }
}

const OWN_BEARER = new RegExp(`^bearer +${TOKEN_PREFIX.replace('.', '\\.')}`, 'i')
const NOT_OURS = { ok: false, code: 'token_missing' } as const

/** Behind a gateway `Authorization` may be for somebody else: it is ours when a session token is in it, or when it is ambiguous. */
function ownBearer(): Carrier {
  const carrier = bearer()
  return {
    ambient: false,
    read(header: HeaderLookup): Carried {
      const lines = header('authorization')
      if (lines === undefined) return NOT_OURS
      const all = typeof lines === 'string' ? [lines] : lines
      return all.some((line) => OWN_BEARER.test(line)) ? carrier.read(header) : NOT_OURS
    },
  }
}

/** Where persons go who cannot go on. */
export interface DetourUrls {
  /**
   * Where a person logs in: an absolute URL, or a path of the very site. Navigations without a session go there, with
   * `?return=`: a path for a page of the same origin, else an absolute URL of a registered origin.
   */
  readonly loginUrl?: string
  /** Where a person proves a factor; also with `&acr=`, if the route asked for one. */
  readonly stepUpUrl?: string
}

/** Gateways and browsers bound the header block of an answer; a longer way back is shortened to the site's first page. */
const MAX_LOCATION = 2_048

/**
 * The address of the detour for a navigation that was refused; undefined where there is none. Only requests to one of
 * `origins` are sent away: the host is the client's claim, and what comes back must be a site of ours.
 *
 * Throws `config_invalid` for a URL that is none, or for one without any origin to return to.
 */
function detourUrl(
  { loginUrl, stepUpUrl }: DetourUrls,
  origins: readonly string[],
): (
  facts: HttpFacts,
  grounds: Pick<Grounds, 'code' | 'requirements'> & { readonly origin: string | undefined },
) => string | undefined {
  check('loginUrl', loginUrl, origins)
  check('stepUpUrl', stepUpUrl, origins)
  const pages = { loginPage: loginUrl, stepUpPage: stepUpUrl }

  return (facts, { code, requirements, origin }) => {
    const page = pageFor(pages, code)
    if (page === undefined || origin === undefined) return undefined
    if (!origins.includes(origin) || !isNavigation(facts)) return undefined
    const target = new URL(page, origin)
    const back = returnPath(facts, origin)
    const own = target.origin === origin
    if (own && target.pathname === new URL(back, origin).pathname) return undefined
    if (requirements?.acr !== undefined) target.searchParams.set('acr', requirements.acr)
    target.searchParams.set('return', own ? back : `${origin}${back}`)
    if (target.href.length > MAX_LOCATION) target.searchParams.set('return', own ? '/' : origin)
    return target.href
  }
}

function check(name: string, page: string | undefined, origins: readonly string[]): void {
  if (page === undefined) return
  const [origin] = origins
  if (origin === undefined) {
    throw misconfigured(name, 'needs origins that it may return to')
  }
  const path = page.startsWith('/') && !page.startsWith('//')
  const url = URL.canParse(page, origin) ? new URL(page, origin) : undefined
  const web = url !== undefined && /^https?:$/.test(url.protocol) && url.username === ''
  if (!web || url.hash !== '' || !(path || /^https?:\/\//i.test(page))) {
    throw misconfigured(name, 'must be an http or https URL, or a path as in /login')
  }
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
