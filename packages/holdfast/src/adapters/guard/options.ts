import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import type { CrossSiteOptions, ForeignRequest } from '../../carriers/csrf.ts'
import { type RefreshOptions, refreshCarrier } from '../../carriers/refresh.ts'
import type { Decision } from '../../core/decision.ts'
import type { Duration } from '../../core/duration.ts'
import { type Code, SessionError } from '../../core/errors.ts'
import {
  clock,
  duration,
  flag,
  func,
  group,
  list,
  made,
  oneOf,
  words,
} from '../../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../../core/options.ts'
import { type Activity, LIMITS, type Sensitivity } from '../../core/request.ts'
import type { Sessions } from '../../core/sessions.ts'
import { ADDRESS_OPTIONS, type ClientAddressOptions } from '../../network/trusted-proxies.ts'
import { checkWasCalled } from './arguments.ts'
import type { HeldForms } from './held-form.ts'
import { ON_BEHALF_OPTIONS, type OnBehalfOptions } from './on-behalf.ts'
import { ownPath } from './redirects.ts'

/** What all adapters take. */
export interface GuardOptions extends CrossSiteOptions {
  /**
   * How tokens travel. Default `[cookie()]`. A request that brings tokens by two carriers is
   * refused.
   */
  readonly carriers?: readonly Carrier[]
  /** Logins also give a refresh token, which `refresh()` alone accepts. Default: none. */
  readonly refresh?: RefreshOptions
  /** Which proxies are believed about the client's address and scheme. Default: none. */
  readonly address?: ClientAddressOptions
  /**
   * Renderers and backends of this application ask each other for a person: `forwardedFacts` says
   * for whom, and requests that come with its header are judged as that person's. Default: none is
   * believed.
   */
  readonly onBehalf?: OnBehalfOptions
  /**
   * Answers reach the client with their `Set-Cookie`, so that secrets may rotate. Default true. Set
   * false in a service behind a gateway that keeps its answers' cookies to itself.
   */
  readonly deliverable?: boolean
  /**
   * Path of this site where a person logs in. Navigations without a session go there (303), with
   * `?return=`, and with `&reason=` and a refusal code where they had a session.
   */
  readonly loginPage?: string
  /**
   * Path of this site where a person proves a factor, with `?return=` and what the route asked for:
   * `&acr=`, `&max_age=` in seconds, `&sensitivity=sensitive`. `beginStepUp` reads these again.
   */
  readonly stepUpPage?: string
  /**
   * Path of this site that tells a person why nothing more is asked here (`context_refused`), with
   * `?return=` and `&reason=`. Default: a problem document with 403.
   */
  readonly refusedPage?: string
  /**
   * Holds forms that a step-up interrupts: `heldForms()` of `holdfast/step-up`. The step-up page
   * gets `&form=`, and takes the form when the factor was right. Default: what was posted is lost.
   * Needs `stepUpPage`.
   */
  readonly heldForms?: HeldForms
  /**
   * Words a refusal in the application's own way. Undefined keeps the default. Cookies and
   * `no-store` stay as they are.
   */
  readonly onRefusal?: (refused: RefusedRequest) => RefusalWording | undefined
  /**
   * What the browser forgets at logout, besides the cookie. Default `cache` and `storage`. With an
   * empty list no such header is sent.
   */
  readonly clearSiteData?: readonly ClearSiteDataKind[]
  /**
   * Hears what the operator should mend, each thing once: the address of clients cannot be known,
   * another application sets a cookie of the same name. Default: `process.emitWarning`, and
   * `console.warn` where there is none.
   */
  readonly onWarning?: (message: string) => void
  /** UTC, ms: for the lifetimes of cookies, and for answers that are too late to carry one. */
  readonly now?: () => number
}

/**
 * Kinds of `Clear-Site-Data`. `cookies` clears those of the sibling hosts of the registrable
 * domain, too.
 */
export type ClearSiteDataKind =
  | 'cache'
  | 'storage'
  | 'cookies'
  | 'clientHints'
  | 'executionContexts'
  | '*'

/** What one route asks of a session. */
export interface RouteRequirements {
  /**
   * `sensitive` rotates the secret first and asks for a network that the subject has confirmed.
   * Default `normal`.
   */
  readonly sensitivity?: Sensitivity
  /** Least authentication context. */
  readonly acr?: string
  /** Longest time since the subject proved anything. */
  readonly maxAge?: Duration
  /**
   * `passive` for what pages ask by themselves, as polls and heartbeats do: judged as ever, and
   * neither keeps the session from becoming idle nor earns trust. Default `active`.
   */
  readonly activity?: Activity
}

/** Requirements as they were checked. */
export interface CheckedRequirements {
  readonly sensitivity?: Sensitivity
  readonly acr?: string
  readonly maxAgeMs?: number
  readonly activity?: Activity
}

/** A request that does not pass, for `onRefusal`. */
export interface RefusedRequest {
  readonly code: Code
  readonly status: number
  readonly method: string
  readonly url: string
  /** A person waits for a page: the request is a navigation. */
  readonly navigation: boolean
  /** Where to go on after a login or a step-up; always a path of this site. */
  readonly returnTo: string
  readonly decision: Decision | undefined
  /**
   * For `cross_site_request`: what spoke against the request. The log may have it, and no client:
   * behind a proxy that rewrites `Host`, the expected origin is a name of the inside.
   */
  readonly foreign: ForeignRequest | undefined
}

/** Replaces parts of a refusal. */
export interface RefusalWording {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** How the tokens of one guard travel. */
export interface Carriers {
  readonly session: readonly Carrier[]
  /** Undefined where logins give no refresh tokens. */
  readonly refresh: Carrier | undefined
  readonly all: readonly Carrier[]
}

/** The carriers that the options name, or the default ones. */
export function carriersOf({ carriers = [cookie()], refresh }: GuardOptions): Carriers {
  if (refresh === undefined) return { session: carriers, refresh, all: carriers }
  const carrier = refreshCarrier(refresh)
  return { session: carriers, refresh: carrier, all: [...carriers, carrier] }
}

const CORS = 'it is no concern of the sessions: the framework has middleware for it'
const ENGINE = "it is one of createSessions() of 'holdfast'"
const PROXIES = "write address: { trust: { proxies: ['10.0.0.0/8'] } }"
const COOKIE = "write carriers: [cookie({ name: '__Host-session' })]"

/** The options that all adapters have. */
export const GUARD_FIELDS = {
  carriers: list(
    made<Carrier>("a carrier, such as cookie() or bearer() of the adapter's entry", [
      'ambient',
      'read',
    ]),
    { min: 1 },
  ),
  refresh: group<RefreshOptions>()(
    {
      path: words('a path'),
      cookieName: words('the name of a cookie'),
      sameSite: oneOf(['strict', 'none']),
      partitioned: flag,
      native: flag,
    },
    { name: 'cookieName' },
  ),
  address: ADDRESS_OPTIONS,
  onBehalf: ON_BEHALF_OPTIONS,
  deliverable: flag,
  loginPage: words('a path of this site, as in /login'),
  stepUpPage: words('a path of this site, as in /step-up'),
  refusedPage: words('a path of this site, as in /refused'),
  heldForms: made<HeldForms>("heldForms({ ... }) of 'holdfast/step-up'", ['hold', 'take']),
  onRefusal: func<NonNullable<GuardOptions['onRefusal']>>('it words a refusal'),
  clearSiteData: list(
    oneOf(['cache', 'storage', 'cookies', 'clientHints', 'executionContexts', '*']),
  ),
  origins: list(words('an origin, as in https://app.example')),
  sameSite: oneOf(['refuse', 'trust']),
  now: clock,
  onWarning: func<(message: string) => void>('it hears what an operator should mend'),
} satisfies OptionsOf<GuardOptions>

/** What people write for them. */
const GUARD_ALIASES = {
  trustProxy: PROXIES,
  trustedProxies: PROXIES,
  proxies: PROXIES,
  proxy: PROXIES,
  trust: PROXIES,
  loginUrl: 'loginPage',
  loginPath: 'loginPage',
  login: 'loginPage',
  stepUpUrl: 'stepUpPage',
  stepUpPath: 'stepUpPage',
  refusedUrl: 'refusedPage',
  cookie: COOKIE,
  cookieName: COOKIE,
  name: COOKIE,
  secure: 'cookies of sessions are always Secure',
  httpOnly: 'cookies of sessions are always HttpOnly',
  secret: 'the key ring is an option of createSessions()',
  keyring: ENGINE,
  store: ENGINE,
  policy: ENGINE,
  rotateEvery: ENGINE,
  idleTimeout: ENGINE,
  absoluteTimeout: ENGINE,
  sessionLimit: ENGINE,
  lookup: ENGINE,
  maxAge: 'absoluteTimeout of createSessions() says how long a session lives',
  csrf: 'forged requests are refused anyway; origins names other sites that may send them',
  cors: CORS,
  allowedOrigins: 'origins',
  sensitivity: 'it is one of requireSession()',
  acr: 'it is one of requireSession()',
} as const

/** The table of an adapter: the options that all adapters have, and its own. */
export function adapterOptions<Options extends GuardOptions>(
  own: OptionsOf<Omit<Options, keyof GuardOptions>>,
): OptionTable {
  return { of: 'holdfast()', fields: { ...GUARD_FIELDS, ...own }, aliases: GUARD_ALIASES }
}

/** Throws `config_invalid` where something else was handed over in place of the sessions. */
export function checkSessions(sessions: Sessions): Sessions {
  const given: unknown = sessions
  if (typeof given === 'object' && given !== null && 'verify' in given && 'create' in given) {
    return sessions
  }
  throw new SessionError(
    'config_invalid',
    'holdfast() takes the sessions first, then its options: ' +
      'holdfast(createSessions({ ... }), { ... }), or those of connect().',
  )
}

/** Throws `config_invalid`, so that the service fails when it starts and not at a request. */
export function checkGuardOptions(options: GuardOptions): void {
  const { loginPage, stepUpPage, refusedPage } = options
  const { session, refresh } = carriersOf(options)
  for (const [name, page] of Object.entries({ loginPage, stepUpPage, refusedPage })) {
    if (page !== undefined && (page !== ownPath(page) || page.includes('#'))) {
      throw misconfigured(name, 'must be a path of this site, as in /login')
    }
  }
  if (options.heldForms !== undefined && stepUpPage === undefined) {
    throw misconfigured('heldForms', 'needs a stepUpPage')
  }
  const cookieName = refresh && nameOf(refresh)
  if (cookieName !== undefined && session.map(nameOf).includes(cookieName)) {
    throw misconfigured('refresh.cookieName', 'must not be that of the session cookie')
  }
}

/** What a route may ask for. */
export const ROUTE_OPTIONS = {
  of: 'requireSession()',
  fields: {
    sensitivity: oneOf(['normal', 'sensitive']),
    acr: words(`1 to ${LIMITS.word} characters`, new RegExp(`^.{1,${LIMITS.word}}$`, 'su')),
    maxAge: duration(),
    activity: oneOf(['active', 'passive']),
  } satisfies OptionsOf<RouteRequirements>,
  aliases: {
    passive: "write activity: 'passive'",
    poll: "write activity: 'passive'",
    maxAgeMs: 'maxAge',
    max_age: 'maxAge',
    freshness: 'maxAge',
    fresh: 'maxAge',
    level: 'acr',
    aal: 'acr',
    mfa: "write acr, as in acr: 'mfa'",
    sensitive: "write sensitivity: 'sensitive'",
  },
} satisfies OptionTable

/** Throws `config_invalid` for requirements that no session could ever meet. */
export function checkRequirements(
  requirements: Partial<Record<keyof RouteRequirements, unknown>> | undefined,
): CheckedRequirements {
  checkWasCalled('requireSession()', requirements)
  const { sensitivity, acr, maxAge, activity } = checked(ROUTE_OPTIONS, requirements)
  return {
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(acr === undefined ? {} : { acr }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    ...(activity === undefined ? {} : { activity }),
  }
}

function nameOf(carrier: Carrier): unknown {
  return 'name' in carrier ? carrier.name : undefined
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
