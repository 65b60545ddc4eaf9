import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import { refreshCarrier } from '../../carriers/refresh.ts'
import type { Decision } from '../../core/decision.ts'
import { CODES, type Code } from '../../core/errors.ts'
import type { Demands } from '../../core/sessions.ts'
import { type Refusal, refusalOf } from '../refusal.ts'
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
  readonly demands?: Demands | undefined
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
    const { code, demands, decision, detail, setCookie } = grounds
    const expired = expiredCookies(facts, grounds)
    const left = setCookie === undefined ? [] : [setCookie]
    const setCookies = expired.length > 0 ? expired : left
    const plain = refusalOf({ code, demands, detail, setCookies })
    const navigation = isNavigation(facts)
    const back = (): string => returnPath(facts, originOf(facts))
    const location = navigation
      ? detour(options, { code, demands }, { url: facts.url, back: back() })
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
