import { isSafeMethod } from '../../carriers/csrf.ts'
import type { Code } from '../../core/errors.ts'
import { LIMITS } from '../../core/request.ts'
import type { Requirements } from '../../core/sessions.ts'
import { type HttpFacts, single } from './http-request.ts'

/** Pages of the application that a person is sent to instead of seeing a bare 401. */
export interface Pages {
  readonly loginPage?: string | undefined
  readonly stepUpPage?: string | undefined
}

/**
 * Whether a person waits for a page. Browsers say so in Fetch Metadata; older ones at least ask for
 * HTML first of all.
 *
 * A service worker that passes a navigation on takes its destination away. `fetch(event.request)`
 * comes as `navigate` to `empty`, a copy by `new Request(event.request)` as `same-origin` to
 * `empty`. What the client accepts tells such a page from a call for data.
 */
export function isNavigation(facts: HeaderFacts): boolean {
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
 * Whether the answer may expire a dead cookie. Scripts and subresources ask in the background: a
 * request that left before a login can be answered after it, and would take the new cookie away.
 * The next navigation expires what is still dead.
 */
export function mayExpireCookies(facts: HeaderFacts): boolean {
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
  const query = new URLSearchParams({ return: back })
  if (requirements.acr !== undefined) query.set('acr', requirements.acr)
  return `${page}${page.includes('?') ? '&' : '?'}${query}`
}

/** The page that helps with a code; undefined where none does, or none is configured. */
export function pageFor({ loginPage, stepUpPage }: Pages, code: Code): string | undefined {
  switch (code) {
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
  const base = 'http://localhost'
  // A path that begins with two slashes is a path here, not a host.
  const url = text.startsWith('/') ? `${base}${text}` : text
  if (text.length > LIMITS.url || !URL.canParse(url)) return '/'
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
