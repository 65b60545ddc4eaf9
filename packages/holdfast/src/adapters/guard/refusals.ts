import type { Carrier } from '../../carriers/carrier.ts'
import type { ForeignRequest } from '../../carriers/csrf.ts'
import { FORM_TOKEN_FIELD, FORM_TOKEN_HEADER } from '../../carriers/names.ts'
import type { Decision } from '../../core/decision.ts'
import { CODES, type Code } from '../../core/errors.ts'
import type { Requirements } from '../../core/sessions.ts'
import { isSetCookie, NO_STORE, setCookie } from './cookies.ts'
import { plainOnes } from './development.ts'
import { foreignAdvice } from './foreign-advice.ts'
import type { HeaderPair, HttpFacts, WholeAnswer } from './http-request.ts'
import type { Carriers, GuardOptions, RefusalWording } from './options.ts'
import {
  beyondStepUp,
  isNavigation,
  mayExpireCookies,
  pageFor,
  pageRedirect,
  returnPath,
  seconds,
} from './redirects.ts'

/** A request that does not pass, with the whole answer to it. */
export interface Refused {
  readonly ok: false
  readonly code: Code
  readonly refusal: Refusal
}

/** A complete answer to a request that does not pass. */
export type Refusal = WholeAnswer

/** Why a request does not pass. */
export interface RefusalCause {
  readonly code: Code
  readonly requirements?: Requirements | undefined
  readonly decision?: Decision | undefined
  readonly detail?: string | undefined
  /** For `cross_site_request`. */
  readonly foreign?: ForeignRequest | undefined
  /** The carrier that brought the token: it can expire the client's cookie. */
  readonly carrier?: Carrier | undefined
  /** A form of the session came without any form token. */
  readonly unsigned?: true
  /** A `Set-Cookie` value that a passed verification left behind. */
  readonly setCookie?: string | undefined
}

/** How one guard refuses. */
export interface Refusals {
  /** A program gets a problem document; a person is sent to the page that helps. */
  readonly refuse: (facts: HttpFacts, cause: RefusalCause) => Refused
  /**
   * The `Set-Cookie` values that expire dead tokens. There are none where the code, or the kind of
   * request, leaves the cookies alone.
   */
  readonly expiredCookies: (
    facts: HttpFacts,
    cause: Pick<RefusalCause, 'code' | 'carrier'>,
  ) => readonly string[]
}

/** The one place where refusals become answers, so that no framework invents its own. */
export function refusals(
  options: Pick<GuardOptions, 'onRefusal' | 'loginPage' | 'stepUpPage' | 'refusedPage'>,
  carriers: Carriers,
  originOf: (facts: HttpFacts) => string | undefined,
): Refusals {
  const { onRefusal } = options
  const cookieCarriers = carriers.all.filter(({ ambient }) => ambient)
  const plainCarriers = plainOnes(cookieCarriers)

  function expiredCookies(
    facts: HttpFacts,
    { code, carrier }: Pick<RefusalCause, 'code' | 'carrier'>,
  ): readonly string[] {
    if (carrier === undefined || !CODES[code].clears || !mayExpireCookies(facts)) return []
    // A malformed token says nothing about the other cookie; the end of a session does.
    const siblings = plainCarriers.includes(carrier) ? plainCarriers : cookieCarriers
    const dead = carrier.ambient && code !== 'token_malformed' ? siblings : [carrier]
    return dead.flatMap((one) => one.clear?.() ?? [])
  }

  function refuse(given: HttpFacts, cause: RefusalCause): Refused {
    // Who asks for a person gets an answer for programs, and shows the person what fits.
    const facts = given.person?.hop ?? given
    const { code, requirements, decision, foreign } = cause
    const detail = foreign === undefined ? cause.detail : foreignAdvice(foreign)
    const expired = expiredCookies(facts, cause)
    const left = cause.setCookie === undefined ? [] : [cause.setCookie]
    const setCookies = expired.length > 0 ? expired : left
    const problem = problemRefusal({ code, requirements, detail, setCookies })
    const navigation = facts.page !== undefined || isNavigation(facts)
    const back = (): string => {
      const interrupted = facts.page?.returnTo ?? returnPath(facts, originOf(facts))
      return pageFor(options, code) === options.stepUpPage
        ? interrupted
        : beyondStepUp(interrupted, options.stepUpPage)
    }
    const location = navigation
      ? pageRedirect(options, { code, requirements }, { url: facts.url, back: back() })
      : undefined
    const refusal = location === undefined ? problem : redirectRefusal(problem, location)
    const wording = onRefusal?.({
      code,
      status: refusal.status,
      method: facts.method,
      url: facts.url,
      navigation,
      returnTo: back(),
      decision,
      foreign,
    })
    return {
      ok: false,
      code,
      refusal: wording === undefined ? refusal : reworded(refusal, wording),
    }
  }

  return { refuse, expiredCookies }
}

/** The same refusal as a redirect to a page. Its cookies go along. */
export function redirectRefusal({ headers }: Refusal, location: string): Refusal {
  const kept = headers.filter(([name]) => name === 'set-cookie' || name === 'cache-control')
  return { status: 303, headers: [...kept, ['location', location]], body: '' }
}

/**
 * Whether an optional route lets the request pass as anonymous. A forged request is not anonymous,
 * nor is one with several tokens, of which somebody planted one. Of a speculative one or after a
 * fault nothing is known of the session.
 */
export function mayPassAnonymously(code: Code): boolean {
  return CODES[code].kind !== 'fault' && !NOT_ANONYMOUS.includes(code)
}

const NOT_ANONYMOUS: readonly Code[] = [
  'token_duplicated',
  'https_required',
  'cross_site_request',
  'form_token_invalid',
  'speculative_request',
]

function reworded(refusal: Refusal, { status, headers = {}, body }: RefusalWording): Refusal {
  const own = Object.entries(headers)
    .map(([name, value]): HeaderPair => [name.toLowerCase(), value])
    .filter(([name]) => name !== 'cache-control')
  const replaced = new Set(own.filter((header) => !isSetCookie(header)).map(([name]) => name))
  return {
    status: status ?? refusal.status,
    headers: [...refusal.headers.filter(([name]) => !replaced.has(name)), ...own],
    body: body ?? refusal.body,
  }
}

/** What a problem document is made of. */
export interface ProblemFacts {
  readonly code: Code
  readonly requirements?: Requirements | undefined
  /** What was wrong, where the client may know more of it than the code says. */
  readonly detail?: string | undefined
  /** `Set-Cookie` values that go with the answer. */
  readonly setCookies?: readonly string[]
}

/**
 * A refusal as a problem document (RFC 9457), with the headers that HTTP wants beside it: a
 * challenge with 401, a pause with 503 and 429, `no-store` always.
 */
export function problemRefusal(facts: ProblemFacts): Refusal {
  const { code, requirements, detail, setCookies = [] } = facts
  const { status, kind } = CODES[code]
  const headers: HeaderPair[] = [['content-type', 'application/problem+json'], NO_STORE]
  if (status === 401) headers.push(['www-authenticate', challengeFor(code, requirements)])
  if (status === 503 || status === 429) headers.push(['retry-after', RETRY_AFTER_S])
  headers.push(...setCookies.map(setCookie))
  const fallback = kind === 'fault' && status >= 500 ? 'Nothing was decided. Try again.' : undefined
  const body = {
    type: `urn:holdfast:code:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail: detail ?? ADVICE[code] ?? fallback,
    ...(requirements?.acr === undefined ? {} : { acr_values: requirements.acr }),
    ...(requirements?.maxAgeMs === undefined ? {} : { max_age: seconds(requirements.maxAgeMs) }),
    ...(requirements?.sensitivity === undefined ? {} : { sensitivity: requirements.sensitivity }),
  }
  return { status, headers, body: JSON.stringify(body) }
}

const RETRY_AFTER_S = '1'

/** What the client may know, and do. */
const ADVICE: Partial<Record<Code, string>> = {
  token_missing: 'Log in.',
  token_malformed: 'Log in again.',
  token_key_unknown:
    'The session could not be recognised: it is of another key ring. Try again, or log in again. ' +
    'Applications that share a host need cookie names of their own.',
  token_duplicated:
    'More than one session token came with the request. ' +
    'Delete the site’s cookies and log in again.',
  token_superseded: 'A newer login or step-up has replaced this token.',
  wrong_token_use: 'This is not a session token.',
  session_unknown: 'Log in again.',
  session_expired: 'The session has expired. Log in again.',
  session_revoked: 'The session was ended. Log in again.',
  access_token_invalid: 'The access token is not valid here.',
  access_token_expired: 'The access token has expired. Get another one.',
  step_up_required: 'Prove a factor to go on.',
  session_limited: 'The session may only read until a factor is proved.',
  context_refused: 'Too many attempts. Try again later, or from where you usually are.',
  cross_site_request: 'Another site caused this request.',
  speculative_request: 'Ask again when the page is opened.',
  form_token_invalid:
    'The form token is not of this session. Load the page again. A form sends the token in the ' +
    `field \`${FORM_TOKEN_FIELD}\`, a script in the header \`${FORM_TOKEN_HEADER}\`.`,
  https_required:
    'Session tokens do not travel over plain HTTP. ' +
    'Behind a proxy that ends TLS, trust that proxy in the address options.',
  challenge_invalid: 'The challenge has expired or belongs elsewhere. Begin again.',
  session_limit_reached: 'Too many sessions. End another one first.',
  login_superseded: 'All sessions were ended during this login. Log in again.',
  headers_too_large: 'The request headers are too large.',
}

/**
 * The challenge of RFC 9470, section 3, for a step-up; of RFC 6750, section 3, for the rest. A
 * request without a token has no error to name.
 */
function challengeFor(code: Code, { acr, maxAgeMs }: Requirements = {}): string {
  if (code === 'token_missing') return 'Bearer'
  if (code !== 'step_up_required') {
    return `Bearer error="invalid_token", error_description="${code}"`
  }
  return [
    'Bearer error="insufficient_user_authentication"',
    `error_description="${code}"`,
    ...(acr === undefined ? [] : [`acr_values="${acr.replaceAll(/[^\x20-\x7e]|["\\]/g, '')}"`]),
    ...(maxAgeMs === undefined ? [] : [`max_age="${seconds(maxAgeMs)}"`]),
  ].join(', ')
}
