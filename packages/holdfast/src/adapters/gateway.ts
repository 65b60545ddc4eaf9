import { bearer } from '../carriers/bearer.ts'
import type { Carried, Carrier } from '../carriers/carrier.ts'
import { COOKIE_OPTIONS, type CookieOptions, guardedCookie } from '../carriers/cookie.ts'
import type { Decision } from '../core/decision.ts'
import { inMs } from '../core/duration.ts'
import { type Code, SessionError } from '../core/errors.ts'
import { parseJa4 } from '../core/ja4.ts'
import { group, words } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { HeaderLookup } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { Presented, Sessions } from '../core/sessions.ts'
import { TOKEN_PREFIX } from '../core/token.ts'
import { answerTimer } from './guard/answer-time.ts'
import { batchGate } from './guard/batch.ts'
import { deliveryHeaders, setCookieIn } from './guard/cookies.ts'
import { entryChecks } from './guard/entry-checks.ts'
import { attempt } from './guard/faults.ts'
import { type HttpFacts, single } from './guard/http-request.ts'
import { onBehalfOf } from './guard/on-behalf.ts'
import { GUARD_FIELDS, type GuardOptions, type RouteRequirements } from './guard/options.ts'
import { beyondStepUp, detailsOf, isNavigation, pageFor, returnPath } from './guard/redirects.ts'
import {
  mayPassAnonymously,
  type Refusal,
  type RefusalCause,
  redirectRefusal,
  refusals,
} from './guard/refusals.ts'
import { requestDescriber } from './guard/request-facts.ts'
import { verifyNow } from './guard/verify-request.ts'
import { type Warn, warnings } from './guard/warnings.ts'

export { type CookieCarrier, type CookieOptions, cookie } from '../carriers/cookie.ts'
export { isOrigin } from '../carriers/csrf.ts'
export { REFRESH_COOKIE, REFRESH_PATH, SESSION_COOKIE } from '../carriers/names.ts'
export type { HeaderLookup } from '../core/request.ts'
export type { HeaderPair, HttpFacts } from './guard/http-request.ts'
export type { RouteRequirements } from './guard/options.ts'
export { mayExpireCookies } from './guard/redirects.ts'
export { problemRefusal, type Refusal } from './guard/refusals.ts'

/** What all routes behind the gateways have in common. */
export interface GatewayOptions
  extends RedirectUrls,
    Pick<GuardOptions, 'address' | 'now' | 'onBehalf'> {
  /**
   * Public origins of the sites behind the gateways. Redirects return to these alone, and their
   * pages may use each other's sessions. Default: none, and then nobody is redirected.
   */
  readonly origins?: readonly string[]
  /** Default `__Host-session`. */
  readonly cookieName?: string
  /** How the cookie is guarded besides. Default: `SameSite=Lax`, not partitioned. */
  readonly cookie?: Pick<CookieOptions, 'sameSite' | 'partitioned'>
  /**
   * In lower case, the header in which the gateways report the JA4 fingerprint of the client's TLS
   * handshake. They must write it themselves and drop what clients send under that name. Default:
   * none is read.
   */
  readonly tlsHeader?: string
  /** Hears what the operator should mend, each thing once. Default: nobody is told. */
  readonly onWarning?: (message: string) => void
}

/** Where people are sent who cannot go on. */
export interface RedirectUrls {
  /**
   * Where a person logs in: an absolute URL, or a path of the requested site. Navigations without a
   * session go there, with `?return=`: a path for a page of the same origin, else an absolute URL
   * of a registered origin. `&reason=` has the refusal code of who had a session.
   */
  readonly loginUrl?: string
  /** Where a person proves a factor; also with what the route asked for, as `stepUpPage` has it. */
  readonly stepUpUrl?: string
  /** Where a person learns why nothing more is asked here (`context_refused`). */
  readonly refusedUrl?: string
}

const OPTIONS = {
  of: 'gatewayGuard()',
  fields: {
    address: GUARD_FIELDS.address,
    now: GUARD_FIELDS.now,
    onBehalf: GUARD_FIELDS.onBehalf,
    origins: GUARD_FIELDS.origins,
    cookieName: words('the name of a cookie'),
    cookie: group<NonNullable<GatewayOptions['cookie']>>()({
      sameSite: COOKIE_OPTIONS.fields.sameSite,
      partitioned: COOKIE_OPTIONS.fields.partitioned,
    }),
    onWarning: GUARD_FIELDS.onWarning,
    tlsHeader: words('the name of a header in lower case'),
    loginUrl: words('an http or https URL, or a path as in /login'),
    stepUpUrl: words('an http or https URL, or a path as in /step-up'),
    refusedUrl: words('an http or https URL, or a path as in /refused'),
  } satisfies OptionsOf<GatewayOptions>,
  aliases: { loginPage: 'loginUrl', stepUpPage: 'stepUpUrl', refusedPage: 'refusedUrl' },
} satisfies OptionTable

/** What the operator asks for one route. */
export interface GatewayRoute extends RouteRequirements {
  /** The service that the request goes on to: the answer brings an access token for it. */
  readonly audience?: string
  /** Requests without a usable session pass as anonymous. */
  readonly optional?: boolean
  /**
   * The gateway hands `Set-Cookie` on to the client within 10 seconds of asking, or not at all. So
   * secrets may rotate. Default false.
   */
  readonly rotate?: boolean
}

/** Either the request may go on, or `refusal` is what its client gets instead. */
export type GatewayAnswer =
  | {
      readonly ok: true
      readonly session: SessionView | undefined
      readonly decision: Decision | undefined
      /** For the route's audience. The client's own `Authorization` goes no further in any case. */
      readonly accessToken: string | undefined
      readonly setCookie: string | undefined
    }
  | { readonly ok: false; readonly code: Code; readonly refusal: Refusal }

/** Verifies requests on behalf of gateways. */
export interface GatewayGuard {
  /** Rejects only for a bug, which is never an allow. */
  verify(facts: HttpFacts, route?: GatewayRoute): Promise<GatewayAnswer>
}

/**
 * The adapters' checks for whoever answers a gateway. The facts are those of the client's request
 * as the gateway reports them, not of the gateway's own request. Tokens come by cookie, or as
 * `Authorization: Bearer hf1....`; everything else in `Authorization` is for somebody else. Form
 * tokens are not asked for: no gateway shows a body.
 *
 * Throws `config_invalid` for options that make no sense.
 *
 * @example
 * const { verify } = gatewayGuard(sessions, { origins: ['https://shop.example'] })
 * const answer = await verify(facts, { audience: 'orders' })
 */
export function gatewayGuard(sessions: Sessions, options: GatewayOptions = {}): GatewayGuard {
  checked(OPTIONS, options)
  const { tlsHeader, now = () => Date.now() } = options
  const describe = requestDescriber()
  const startAnswer = answerTimer(now)
  const batch = batchGate()
  const warn = warnings(options.onWarning)
  const { checks, anonymous, refused } = gatewayAnswers(options, warn)
  const { personOf } = onBehalfOf(options.onBehalf, { checks, describe, now, warn })

  /** The gateway reports the fingerprint itself, so no proxy has to be trusted with it. */
  function tlsOf(facts: HttpFacts): string | null {
    return tlsHeader === undefined ? null : parseJa4(single(facts, tlsHeader))
  }

  async function verify(
    asked: HttpFacts,
    { audience, optional, rotate, maxAge, ...requirements }: GatewayRoute,
  ): Promise<GatewayAnswer> {
    function without(cause: RefusalCause): GatewayAnswer {
      const passes = optional === true && mayPassAnonymously(cause.code)
      return passes ? anonymous(asked, cause) : refused(asked, cause)
    }

    const person = personOf(asked)
    const facts = person === undefined ? asked : await person
    // The answer to a renderer leaves the cookies of the person alone.
    const rotates = rotate === true && facts.person === undefined
    const read = checks.readToken(facts)
    if (!read.ok) return without(read)
    const { ip, token, carrier } = read
    const tls = facts.person === undefined ? tlsOf(facts) : read.tls
    await batch()
    const inTime = startAnswer()
    const presented: Presented = {
      token,
      request: describe(facts, { ip, tls }),
      deliverable: rotates && carrier.deliver !== undefined,
      ...(audience === undefined ? {} : { audience }),
      ...(maxAge === undefined ? {} : { maxAgeMs: inMs(maxAge) }),
      ...requirements,
    }
    // An access token takes time to sign.
    const known = audience === undefined ? verifyNow(sessions, presented) : undefined
    const verification = known ?? (await attempt(() => sessions.verify(presented)))
    if (!verification.ok) return without({ ...verification, carrier })
    const { session, decision, accessToken } = verification
    if (audience !== undefined && accessToken === undefined) {
      // A limited session gets no access token: to the service it would look like no session at
      // all.
      const limited = decision.outcome === 'limit'
      return without({ code: limited ? 'session_limited' : 'config_invalid', decision, carrier })
    }
    const delivery = deliveryHeaders(carrier, verification, now())
    const setCookie = inTime() ? setCookieIn(delivery) : undefined
    return { ok: true, session, decision, accessToken, setCookie }
  }

  return { verify: (facts, route = {}) => verify(facts, route) }
}

/** The entry checks of a gateway's routes, and the answers to requests without a session. */
function gatewayAnswers(options: GatewayOptions, warn: Warn) {
  const { cookieName, origins = [] } = options
  const named = cookieName === undefined ? {} : { name: cookieName }
  const carriers = [guardedCookie({ ...named, ...options.cookie }), ownBearer()]
  const checks = entryChecks({ ...options, origins }, carriers, warn)
  const { refuse, expiredCookies } = refusals(
    {},
    { session: carriers, refresh: undefined, all: carriers },
    checks.originOf,
  )
  const locationFor = redirectLocation(
    options,
    origins.filter((origin) => /^https?:/.test(origin)),
  )

  function refused(facts: HttpFacts, cause: RefusalCause): GatewayAnswer {
    const { code, refusal } = refuse(facts, cause)
    const location = locationFor(facts, { ...cause, origin: checks.originOf(facts) })
    return {
      ok: false,
      code,
      refusal: location === undefined ? refusal : redirectRefusal(refusal, location),
    }
  }

  function anonymous(facts: HttpFacts, cause: RefusalCause): GatewayAnswer {
    const { decision } = cause
    const [setCookie] = expiredCookies(facts, cause)
    return { ok: true, session: undefined, decision, accessToken: undefined, setCookie }
  }

  return { checks, refused, anonymous }
}

/**
 * Behind a gateway `Authorization` may be for somebody else. It is ours when a session token is in
 * it, or when a session token is in one of several lines.
 */
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

const OWN_BEARER = new RegExp(`^bearer +${TOKEN_PREFIX.replace('.', '\\.')}`, 'i')
const NOT_OURS = { ok: false, code: 'token_missing' } as const

/** Why a navigation was refused, and the origin that it was sent to. */
type RefusedNavigation = Pick<RefusalCause, 'code' | 'requirements'> & {
  readonly origin: string | undefined
}

/**
 * The location that a refused navigation is redirected to; undefined where there is none. Only
 * requests to one of `origins` are redirected: the host is the client's claim, and the person has
 * to come back to a site of ours.
 *
 * Throws `config_invalid` for a malformed URL, or for one without any origin to return to.
 */
function redirectLocation(
  { loginUrl, stepUpUrl, refusedUrl }: RedirectUrls,
  origins: readonly string[],
): (facts: HttpFacts, refused: RefusedNavigation) => string | undefined {
  checkUrl('loginUrl', loginUrl, origins)
  checkUrl('stepUpUrl', stepUpUrl, origins)
  checkUrl('refusedUrl', refusedUrl, origins)
  const pages = { loginPage: loginUrl, stepUpPage: stepUpUrl, refusedPage: refusedUrl }

  /** The step-up page, where it is one of the requested site. */
  function stepUpPageOf(origin: string): string | undefined {
    const page = stepUpUrl === undefined ? undefined : new URL(stepUpUrl, origin)
    return page?.origin === origin ? page.pathname : undefined
  }

  return (facts, { code, requirements = {}, origin }) => {
    const page = pageFor(pages, code)
    if (page === undefined || origin === undefined) return undefined
    if (!origins.includes(origin) || !isNavigation(facts)) return undefined
    const target = new URL(page, origin)
    const interrupted = returnPath(facts, origin)
    const back = page === stepUpUrl ? interrupted : beyondStepUp(interrupted, stepUpPageOf(origin))
    const sameOrigin = target.origin === origin
    if (sameOrigin && target.pathname === new URL(back, origin).pathname) return undefined
    for (const [name, value] of detailsOf(code, requirements)) target.searchParams.set(name, value)
    target.searchParams.set('return', sameOrigin ? back : `${origin}${back}`)
    if (target.href.length > MAX_LOCATION) {
      target.searchParams.set('return', sameOrigin ? '/' : origin)
    }
    return target.href
  }
}

/**
 * Gateways and browsers bound the header block of an answer. Where the location would be longer,
 * the person returns to the site's first page.
 */
const MAX_LOCATION = 2_048

function checkUrl(name: string, page: string | undefined, origins: readonly string[]): void {
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
