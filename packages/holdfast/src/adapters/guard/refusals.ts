import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import { refreshCarrier } from '../../carriers/refresh.ts'
import type { Decision } from '../../core/decision.ts'
import { CODES, type Code } from '../../core/errors.ts'
import type { Requirements } from '../../core/sessions.ts'
import type { HeaderPair, HttpFacts } from './http-request.ts'
import type { GuardOptions, RefusalWording } from './options.ts'
import { detour, isNavigation, mayClear, returnPath } from './redirects.ts'

/** A request that does not pass, with the whole answer to it. */
export interface Refused {
  readonly ok: false
  readonly code: Code
  readonly refusal: Refusal
}

/** Why a request does not pass. */
export interface Grounds {
  readonly code: Code
  readonly requirements?: Requirements | undefined
  readonly decision?: Decision | undefined
  readonly detail?: string | undefined
  /** The carrier that brought the token: it knows how to take it back. */
  readonly carrier?: Carrier | undefined
  /** A `Set-Cookie` value that a passed verification left behind. */
  readonly setCookie?: string | undefined
}

/** Turns grounds into an answer: for a program a problem document, for a person the page that helps. */
export type Refuse = (facts: HttpFacts, grounds: Grounds) => Refused

/** The `Set-Cookie` values that take dead tokens back; none where the code, or the kind of request, leaves them alone. */
export type ExpiredCookies = (
  facts: HttpFacts,
  grounds: Pick<Grounds, 'code' | 'carrier'>,
) => readonly string[]

/** The one place where refusals become answers, so that no framework invents its own. */
export function refuser(
  options: GuardOptions,
  originOf: (facts: HttpFacts) => string | undefined,
): { readonly refuse: Refuse; readonly expiredCookies: ExpiredCookies } {
  const { onRefusal, carriers = [cookie()], refresh } = options
  const jar = [...carriers, ...(refresh === undefined ? [] : [refreshCarrier(refresh)])].filter(
    ({ ambient }) => ambient,
  )

  const expiredCookies: ExpiredCookies = (facts, { code, carrier }) => {
    if (carrier === undefined || !CODES[code].clears || !mayClear(facts)) return []
    // Garbage says nothing about the other cookie; a session that is over does.
    const dead = carrier.ambient && code !== 'token_malformed' ? jar : [carrier]
    return dead.flatMap((one) => one.clear?.() ?? [])
  }

  const refuse: Refuse = (facts, grounds) => {
    const { code, requirements, decision, detail, setCookie } = grounds
    const expired = expiredCookies(facts, grounds)
    const left = setCookie === undefined ? [] : [setCookie]
    const setCookies = expired.length > 0 ? expired : left
    const plain = refusalOf({ code, requirements, detail, setCookies })
    const navigation = isNavigation(facts)
    const back = (): string => returnPath(facts, originOf(facts))
    const location = navigation
      ? detour(options, { code, requirements }, { url: facts.url, back: back() })
      : undefined
    const refusal = location === undefined ? plain : redirected(plain, location)
    const wording = onRefusal?.({
      code,
      status: refusal.status,
      method: facts.method,
      url: facts.url,
      navigation,
      returnTo: back(),
      decision,
    })
    return { ok: false, code, refusal: wording === undefined ? refusal : worded(refusal, wording) }
  }

  return { refuse, expiredCookies }
}

/** The same refusal as the way to a page; the cookie that it takes back goes along. */
export function redirected({ headers }: Refusal, location: string): Refusal {
  const kept = headers.filter(([name]) => name === 'set-cookie' || name === 'cache-control')
  return { status: 303, headers: [...kept, ['location', location]], body: '' }
}

function worded(refusal: Refusal, { status, headers = {}, body }: RefusalWording): Refusal {
  const own = Object.entries(headers)
    .map(([name, value]): HeaderPair => [name.toLowerCase(), value])
    .filter(([name]) => name !== 'cache-control')
  const replaced = new Set(own.map(([name]) => name).filter((name) => name !== 'set-cookie'))
  return {
    status: status ?? refusal.status,
    headers: [...refusal.headers.filter(([name]) => !replaced.has(name)), ...own],
    body: body ?? refusal.body,
  }
}

/** A complete answer to a request that does not pass. */
export interface Refusal {
  readonly status: number
  readonly headers: readonly HeaderPair[]
  readonly body: string
}

/** What a refusal is made of. */
export interface RefusalFacts {
  readonly code: Code
  readonly requirements?: Requirements | undefined
  /** For `invalid_input`: which field was wrong. The reasons of other codes stay in the log. */
  readonly detail?: string | undefined
  /** `Set-Cookie` values that go with the answer. */
  readonly setCookies?: readonly string[]
}

/** What the client may know, and do. */
const ADVICE: Partial<Record<Code, string>> = {
  token_missing: 'Log in.',
  token_malformed: 'Log in again.',
  token_key_unknown: 'The session could not be recognised. Try again, or log in again.',
  token_duplicated:
    'More than one session token came with the request. Delete the site’s cookies and log in again.',
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
  form_token_invalid: 'The form does not belong to this session. Load the page again.',
  https_required:
    'Session tokens do not travel over plain HTTP. Behind a proxy that ends TLS, trust that proxy in the address options.',
  challenge_invalid: 'The challenge has expired or belongs elsewhere. Begin again.',
  session_limit_reached: 'Too many sessions. End another one first.',
  login_superseded: 'All sessions were ended during this login. Log in again.',
  headers_too_large: 'The request headers are too large.',
}

const RETRY_AFTER_S = '1'

/** Words a refusal (RFC 9457) with what HTTP wants beside it: a challenge with 401, a pause with 503, `no-store` always. */
export function refusalOf({ code, requirements, detail, setCookies = [] }: RefusalFacts): Refusal {
  const { status, kind } = CODES[code]
  const headers: HeaderPair[] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ]
  if (status === 401) headers.push(['www-authenticate', challengeOf(code, requirements)])
  if (status === 503 || status === 429) headers.push(['retry-after', RETRY_AFTER_S])
  for (const value of setCookies) headers.push(['set-cookie', value])
  const fallback = kind === 'fault' && status >= 500 ? 'Nothing was decided. Try again.' : undefined
  const body = {
    type: `urn:holdfast:code:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail: ADVICE[code] ?? detail ?? fallback,
    ...(requirements?.acr === undefined ? {} : { acr_values: requirements.acr }),
    ...(requirements?.maxAgeMs === undefined ? {} : { max_age: seconds(requirements.maxAgeMs) }),
  }
  return { status, headers, body: JSON.stringify(body) }
}

/** RFC 9470, section 3, for a step-up; RFC 6750, section 3, for the rest. Without a token there is no error to name. */
function challengeOf(code: Code, requirements: Requirements = {}): string {
  if (code === 'token_missing') return 'Bearer'
  if (code !== 'step_up_required')
    return `Bearer error="invalid_token", error_description="${code}"`
  const { acr, maxAgeMs: maxAge } = requirements
  return [
    'Bearer error="insufficient_user_authentication"',
    `error_description="${code}"`,
    ...(acr === undefined ? [] : [`acr_values="${acr.replaceAll(/[^\x20-\x7e]|["\\]/g, '')}"`]),
    ...(maxAge === undefined ? [] : [`max_age="${seconds(maxAge)}"`]),
  ].join(', ')
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
