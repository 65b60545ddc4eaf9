import { SessionError } from '../core/errors.ts'
import type { HttpFacts } from './guard/http-request.ts'
import { isNavigation, pageFor, returnPath } from './guard/redirects.ts'
import type { Grounds } from './guard/refusals.ts'

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
export function detourUrl(
  { loginUrl, stepUpUrl }: DetourUrls,
  origins: readonly string[],
): (
  facts: HttpFacts,
  grounds: Pick<Grounds, 'code' | 'demands'> & { readonly origin: string | undefined },
) => string | undefined {
  check('loginUrl', loginUrl, origins)
  check('stepUpUrl', stepUpUrl, origins)
  const pages = { loginPage: loginUrl, stepUpPage: stepUpUrl }

  return (facts, { code, demands, origin }) => {
    const page = pageFor(pages, code)
    if (page === undefined || origin === undefined) return undefined
    if (!origins.includes(origin) || !isNavigation(facts)) return undefined
    const target = new URL(page, origin)
    const back = returnPath(facts, origin)
    const own = target.origin === origin
    if (own && target.pathname === new URL(back, origin).pathname) return undefined
    if (demands?.acr !== undefined) target.searchParams.set('acr', demands.acr)
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
