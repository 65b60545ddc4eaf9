import type { Carrier } from '../carriers/carrier.ts'
import type { Decision } from '../core/decision.ts'
import { CODES, type Code } from '../core/errors.ts'
import type { Demands } from '../core/sessions.ts'
import type { GuardOptions, RefusalWording } from './guard-options.ts'
import type { HeaderPair, HttpFacts } from './http-facts.ts'
import { detour, isNavigation, mayClear, returnPath } from './navigation.ts'
import { type Refusal, refusalOf } from './refusal.ts'

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

/** The one place where refusals become answers, so that no framework invents its own. */
export function refuser(
  options: GuardOptions,
  originOf: (facts: HttpFacts) => string | undefined,
): Refuse {
  const { onRefusal } = options
  return (facts, { code, demands, decision, detail, carrier, setCookie }) => {
    const cleared = expiredCookie(facts, { code, carrier })
    const plain = refusalOf({ code, demands, detail, setCookie: cleared ?? setCookie })
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
}

/** The `Set-Cookie` value that takes a dead token back; undefined where the code, or the kind of request, leaves it alone. */
export function expiredCookie(
  facts: HttpFacts,
  { code, carrier }: Pick<Grounds, 'code' | 'carrier'>,
): string | undefined {
  return CODES[code].clears && mayClear(facts) ? carrier?.clear?.() : undefined
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
