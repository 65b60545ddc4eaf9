import { SessionError } from '../core/errors.ts'
import type { HeaderLookup } from '../core/request.ts'

/** Which requests of other sites may pass. */
export interface CrossSiteOptions {
  /**
   * Origins of other sites whose pages may use this site's sessions, for example
   * `https://app.example`. The own public origin has to be listed where a proxy rewrites `Host`.
   */
  readonly origins?: readonly string[]
  /**
   * What a page of a sibling host (same-site, not same-origin) counts as. Default `refuse`: as a
   * page of another site.
   */
  readonly sameSite?: 'refuse' | 'trust'
}

/** What the gate looks at. */
export interface SiteFacts {
  readonly method: string
  readonly header: HeaderLookup
  /**
   * The origin that this request was sent to; undefined when it could not be established. Called
   * only when it is needed.
   */
  ownOrigin(): string | undefined
}

/** True: a page of this site, or no page at all, caused the request. */
export type CrossSiteGate = (request: SiteFacts) => boolean

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a request that carries an ambient token may be believed (OWASP CSRF cheat sheet; ASVS
 * 3.5.1,
 * 3.5.3, 3.5.8).
 *
 * Fetch Metadata decides. Where a browser sends none, or an unknown value, an unsafe request has to
 * come with the own `Origin`; with neither it is refused. Another site may link here (a navigation
 * with a safe method), but neither embed nor post. An upgrade to WebSocket counts as unsafe: it is
 * a GET without a same-origin policy.
 *
 * Throws `config_invalid` for a malformed origin.
 */
export function crossSiteGate({
  origins = [],
  sameSite = 'refuse',
}: CrossSiteOptions = {}): CrossSiteGate {
  const trusted = new Set(origins.map(checkedOrigin))

  return ({ method, header, ownOrigin }) => {
    const origin = header('origin')
    if (typeof origin === 'string' && trusted.has(origin)) return true
    const site = header('sec-fetch-site')
    if (SAFE.has(method) && header('upgrade') === undefined) {
      return site !== 'cross-site' || isNavigation(header)
    }
    switch (site) {
      case 'same-origin':
      case 'none':
        return true
      case 'same-site':
        return sameSite === 'trust'
      case 'cross-site':
        return false
      default:
        return origin !== undefined && origin === ownOrigin()
    }
  }
}

/** GET, HEAD and OPTIONS change nothing (RFC 9110, section 9.2.1). */
export function isSafeMethod(method: string): boolean {
  return SAFE.has(method)
}

/**
 * The content types that a form of any site can send without a preflight (Fetch standard,
 * CORS-safelisted).
 */
const FORM_TYPES = new Set([
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
])

/** Whether a request is unsafe and has a form's content type. It needs the session's form token. */
export function isFormSubmission(method: string, header: HeaderLookup): boolean {
  if (SAFE.has(method)) return false
  const value = header('content-type')
  const type = typeof value === 'string' ? value : value?.[0]
  const essence = type?.split(/[;,]/, 1)[0]?.trim().toLowerCase()
  return essence !== undefined && FORM_TYPES.has(essence)
}

function isNavigation(header: HeaderLookup): boolean {
  const dest = header('sec-fetch-dest')
  return header('sec-fetch-mode') === 'navigate' && dest !== 'object' && dest !== 'embed'
}

function checkedOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw new SessionError(
    'config_invalid',
    `origins: ${JSON.stringify(origin).slice(0, 128)} is not an origin. ` +
      'Write scheme, host and port only, as in https://app.example.',
  )
}
