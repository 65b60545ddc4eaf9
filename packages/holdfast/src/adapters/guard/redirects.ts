import { isSafeMethod } from '../../carriers/csrf.ts'
import type { Code } from '../../core/errors.ts'
import { LIMITS, LOOKED_AT } from '../../core/request.ts'
import type { Requirements } from '../../core/sessions.ts'
import { type HttpFacts, single } from './http-request.ts'
import type { CheckedRequirements } from './options.ts'

/** Pages of the application that a person is sent to instead of seeing a bare 401. */
export interface Pages {
  readonly loginPage?: string | undefined
  readonly stepUpPage?: string | undefined
  readonly refusedPage?: string | undefined
}

/**
 * Whether a browser asks before its user does. The names that older browsers give it count, too:
 * nobody gains by one. So this is wider than `isSpeculative`, which sees `Sec-Purpose` alone.
 */
export function asksAhead({ header }: HeaderFacts): boolean {
  return PURPOSES.some((name) => SPECULATIVE.test(String(header(name) ?? '')))
}

const PURPOSES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']
const SPECULATIVE = /\b(?:prefetch|prerender|preview)\b/i

/**
 * Whether a person waits for a page. Nobody does where the request is speculative. Browsers say so
 * in Fetch Metadata; older ones at least ask for HTML first of all.
 *
 * A service worker that passes a navigation on takes its destination away. `fetch(event.request)`
 * comes as `navigate` to `empty`, a copy by `new Request(event.request)` as `same-origin` to
 * `empty`. What the client accepts tells such a page from a call for data.
 */
export function isNavigation(facts: HeaderFacts): boolean {
  if (asksAhead(facts)) return false
  const mode = single(facts, 'sec-fetch-mode')
  if (mode === undefined) return acceptsPage(facts)
  const dest = single(facts, 'sec-fetch-dest') ?? 'document'
  if (dest === 'document') return mode === 'navigate'
  return dest === 'empty' && PASSED_ON.includes(mode) && acceptsPage(facts)
}

type HeaderFacts = Pick<HttpFacts, 'header'>

const PASSED_ON: readonly string[] = ['navigate', 'same-origin']

function acceptsPage(facts: HeaderFacts): boolean {
  return (single(facts, 'accept') ?? '').trimStart().startsWith('text/html')
}

/**
 * Whether the answer may expire a dead cookie. Scripts and subresources ask in the background, and
 * browsers ask ahead: a request that left before a login can be answered after it, and would take
 * the new cookie away. The next navigation expires what is still dead.
 */
export function mayExpireCookies(facts: HeaderFacts): boolean {
  if (asksAhead(facts)) return false
  return facts.header('sec-fetch-mode') === undefined || isNavigation(facts)
}

/**
 * Where to go on after a login or a step-up: the page that was asked for. What was posted cannot be
 * repeated, so a form returns to the page that held it if that page is of `origin`, else to `/`.
 */
export function returnPath(facts: HttpFacts, origin: string | undefined): string {
  if (isSafeMethod(facts.method)) return pathOf(facts.url, undefined)
  return origin === undefined ? '/' : pathOf(single(facts, 'referer') ?? '', origin)
}

/**
 * Where to go on once a step-up is over: not to the page that asks for it, which would ask a person
 * who has just logged in, but to where that page would have gone on.
 */
export function beyondStepUp(path: string, stepUpPage: string | undefined): string {
  if (stepUpPage === undefined) return path
  const page = pathnameOf(stepUpPage)
  let onward = path
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const { pathname, searchParams } = new URL(onward, BASE)
    if (pathname !== page && !pathname.startsWith(`${page}/`)) return onward
    onward = ownPath(searchParams.get('return') ?? '/')
  }
  return '/'
}

/** A page that returns to itself is told to return there again, a few times at most. */
const MAX_DEPTH = 4

const BASE = 'http://localhost'

/**
 * The address of the page that helps with a refusal. Undefined when there is none, or when that
 * very page was refused.
 */
export function pageRedirect(
  pages: Pages,
  {
    code,
    requirements = {},
  }: { readonly code: Code; readonly requirements?: Requirements | undefined },
  { url, back }: { readonly url: string; readonly back: string },
): string | undefined {
  const page = pageFor(pages, code)
  if (page === undefined) return undefined
  const [path = page] = page.split('?', 1)
  if (pathnameOf(url) === path) return undefined
  const query = new URLSearchParams([['return', back], ...detailsOf(code, requirements)])
  return `${page}${page.includes('?') ? '&' : '?'}${query}`
}

/**
 * What a redirect says besides where to return to: to the step-up page what the route asked for, to
 * the others why the person is sent there. Whoever was never there needs no reason to log in.
 */
export function detailsOf(
  code: Code,
  { acr, maxAgeMs, sensitivity }: Requirements,
): [string, string][] {
  switch (code) {
    case 'token_missing':
      return []
    case 'step_up_required':
    case 'session_limited':
      return [
        ...pair('acr', acr),
        ...pair('max_age', maxAgeMs === undefined ? undefined : String(seconds(maxAgeMs))),
        ...pair('sensitivity', sensitivity),
      ]
    default:
      return [['reason', code]]
  }
}

function pair(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]]
}

/**
 * What the redirect to a step-up page says in its address. The client can change it: the page then
 * asks for more or less than the route does, and the route judges again.
 */
export function requirementsIn(url: string): CheckedRequirements {
  const { searchParams } = new URL(pathOf(url, undefined), BASE)
  const acr = searchParams.get('acr') ?? ''
  const age = searchParams.get('max_age') ?? ''
  return {
    ...(acr === '' || acr.length > LIMITS.word ? {} : { acr }),
    ...(/^\d{1,9}$/.test(age) ? { maxAgeMs: Math.max(1, Number(age) * 1000) } : {}),
    ...(searchParams.get('sensitivity') === 'sensitive' ? { sensitivity: 'sensitive' } : {}),
  }
}

/** Whole seconds, as RFC 9470 has them. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** The page that helps with a code; undefined where none does, or none is configured. */
export function pageFor(
  { loginPage, stepUpPage, refusedPage }: Pages,
  code: Code,
): string | undefined {
  switch (code) {
    case 'context_refused':
      return refusedPage
    case 'step_up_required':
    case 'session_limited':
      return stepUpPage
    case 'token_missing':
    case 'token_malformed':
    case 'token_key_unknown':
    case 'token_duplicated':
    case 'token_superseded':
    case 'wrong_token_use':
    case 'session_unknown':
    case 'session_expired':
    case 'session_revoked':
      return loginPage
    default:
      return undefined
  }
}

/**
 * Path and query of an address; `/` for an address that is too long, or of another origin than
 * `origin` where one is given.
 */
export function pathOf(text: string, origin: string | undefined): string {
  // A path that begins with two slashes is a path here, not a host.
  const url = text.startsWith('/') ? `${BASE}${text}` : text
  if (text.length > LOOKED_AT.url || !URL.canParse(url)) return '/'
  const parsed = new URL(url)
  if (origin !== undefined && parsed.origin !== origin) return '/'
  return ownPath(`${parsed.pathname}${parsed.search}`)
}

/**
 * A path of this site, safe to redirect to after a login or a step-up. Everything else becomes `/`:
 * absolute addresses, `//host`, backslashes and control characters (browsers read them as slashes
 * or leave them out), and more than 2048 characters.
 *
 * @example
 * response.redirect(303, ownPath(request.query.return))
 */
export function ownPath(text: unknown): string {
  if (typeof text !== 'string' || text.length > MAX_PATH) return '/'
  return text.startsWith('/') && !text.startsWith('//') && isPlain(text) ? text : '/'
}

const MAX_PATH = 2048

function pathnameOf(url: string): string {
  return pathOf(url, undefined).split('?', 1)[0] ?? '/'
}

/** Whether a text is printable ASCII without backslashes. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f || code === 0x5c) return false
  }
  return true
}
