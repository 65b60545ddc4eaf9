import { SessionError } from '../core/errors.ts'
import { cut, type HeaderLookup, headerText } from '../core/request.ts'

/** Which requests of other sites may pass. */
export interface CrossSiteOptions {
  /**
   * Origins of other sites whose pages may use this site's sessions, for example
   * `https://app.example`, or `capacitor://localhost` for the pages of an application. The own
   * public origin has to be listed where a proxy rewrites `Host`.
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

/** Why a request counts as another site's. */
export interface ForeignRequest {
  /**
   * - `unsaid`: neither a known `Sec-Fetch-Site` nor an `Origin` came with an unsafe request.
   * - `other_origin`: its `Origin` is not the one that it was sent to.
   * - `sibling`: a page of a sibling host caused it.
   * - `other_site`: a page of another site caused it.
   * - `embedded`: a page of another site embeds what was asked for, or fetches it.
   * - `other_sender`: its `Origin` is not the one that `login({ from })` names.
   */
  readonly cause: 'unsaid' | 'other_origin' | 'sibling' | 'other_site' | 'embedded' | 'other_sender'
  /** Its `Origin`, of which the first 256 characters are kept. Undefined: none came. */
  readonly seen: string | undefined
  /**
   * The origin that it was sent to, by its `Host`; undefined for a `Host` that is malformed. Of an
   * `other_sender` the origin that was named.
   */
  readonly expected: string | undefined
}

/** Undefined: a page of this site, or no page at all, caused the request. */
export type CrossSiteGate = (request: SiteFacts) => ForeignRequest | undefined

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
  const trusted = new Set(origins.map((origin) => checkedOrigin('origins', origin)))

  function causeOf({ method, header, ownOrigin }: SiteFacts): ForeignRequest['cause'] | undefined {
    const origin = header('origin')
    if (typeof origin === 'string' && trusted.has(origin)) return undefined
    const site = header('sec-fetch-site')
    if (SAFE.has(method) && header('upgrade') === undefined) {
      return site !== 'cross-site' || isNavigation(header) ? undefined : 'embedded'
    }
    switch (site) {
      case 'same-origin':
      case 'none':
        return undefined
      case 'same-site':
        return sameSite === 'trust' ? undefined : 'sibling'
      case 'cross-site':
        return 'other_site'
      default:
        if (origin === undefined) return 'unsaid'
        return origin === ownOrigin() ? undefined : 'other_origin'
    }
  }

  return (request) => {
    const cause = causeOf(request)
    if (cause === undefined) return undefined
    return { cause, seen: originIn(request.header), expected: request.ownOrigin() }
  }
}

/** As the gate, for a request that has to come from a page of just this origin. */
export function foreignTo(from: string, header: HeaderLookup): ForeignRequest | undefined {
  if (header('origin') === from) return undefined
  return { cause: 'other_sender', seen: originIn(header), expected: from }
}

function originIn(header: HeaderLookup): string | undefined {
  const origin = header('origin')
  return origin === undefined ? undefined : cut(headerText(origin), MAX_SEEN)
}

const MAX_SEEN = 256

/**
 * Whether a page of this site asks for something that changes with a safe method, or the person at
 * the address bar does. What a page embeds is not asked for: an image may have been posted by
 * anybody.
 */
export function isAskedHere(
  header: HeaderLookup,
  { sameSite = 'refuse' }: Pick<CrossSiteOptions, 'sameSite'>,
): boolean {
  const site = header('sec-fetch-site')
  const dest = header('sec-fetch-dest')
  if (site === 'none') return dest === 'document' && header('sec-fetch-user') === '?1'
  const own = site === 'same-origin' || (site === 'same-site' && sameSite === 'trust')
  return own && (dest === 'document' || dest === 'empty')
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

/**
 * Whether an unsafe request that has passed the gate could be a form's. It needs the session's form
 * token. Of what has a form's content type, no form sent:
 *
 * - what carries a header that scripts set, and no form can: a script of this site, or of one whose
 *   preflight the application has approved.
 * - a beacon, which can carry no header of its own. Fetch Metadata tells it from a form, and from a
 *   form that a service worker sends once more (`cors` or `same-origin`).
 */
export function isFormSubmission(method: string, header: HeaderLookup): boolean {
  if (SAFE.has(method)) return false
  const value = header('content-type')
  const type = typeof value === 'string' ? value : value?.[0]
  const essence = type?.split(/[;,]/, 1)[0]?.trim().toLowerCase()
  if (essence === undefined || !FORM_TYPES.has(essence)) return false
  if (SCRIPT_HEADERS.some((name) => header(name) !== undefined)) return false
  return essence !== 'text/plain' || !isBeacon(header)
}

/** Of Next.js server actions, and of libraries that mark what a script sends. */
const SCRIPT_HEADERS = ['next-action', 'x-requested-with']

function isBeacon(header: HeaderLookup): boolean {
  return (
    header('sec-fetch-site') === 'same-origin' &&
    header('sec-fetch-mode') === 'no-cors' &&
    header('sec-fetch-dest') === 'empty'
  )
}

function isNavigation(header: HeaderLookup): boolean {
  const dest = header('sec-fetch-dest')
  return header('sec-fetch-mode') === 'navigate' && dest !== 'object' && dest !== 'embed'
}

/** Throws `config_invalid` for what is no origin, with the name of the option. */
export function checkedOrigin(option: string, origin: string): string {
  if (isOrigin(origin)) return origin
  throw new SessionError(
    'config_invalid',
    `${option}: ${JSON.stringify(origin).slice(0, 128)} is not an origin. ` +
      'Write scheme, host and port only, as in https://app.example or capacitor://localhost.',
  )
}

/**
 * Whether a browser may send this text as `Origin`. Of a scheme of its own (`capacitor://`,
 * `chrome-extension://`) the URL standard knows no origin: the text counts letter by letter, as the
 * browser sends it.
 */
export function isOrigin(text: unknown): text is string {
  if (typeof text !== 'string' || !URL.canParse(text)) return false
  const { origin } = new URL(text)
  if (origin !== 'null') return origin === text
  const scheme = OWN_SCHEME.exec(text)?.[1]
  return scheme !== undefined && !NO_ORIGIN.has(scheme)
}

const OWN_SCHEME = /^([a-z][a-z0-9+.-]{0,62}):\/\/[\w.~-]{0,253}(?::\d{1,5})?$/

/** Pages of these have no origin of their own: all of them share one text, or send `null`. */
const NO_ORIGIN: ReadonlySet<string> = new Set(['file', 'data', 'blob', 'javascript', 'about'])
