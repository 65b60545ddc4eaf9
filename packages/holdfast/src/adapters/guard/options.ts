import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import type { CrossSiteOptions, ForeignRequest } from '../../carriers/csrf.ts'
import { type RefreshOptions, refreshCarrier } from '../../carriers/refresh.ts'
import type { Decision } from '../../core/decision.ts'
import { type Code, SessionError } from '../../core/errors.ts'
import { LIMITS, type Sensitivity } from '../../core/request.ts'
import type { ClientAddressOptions } from '../../network/client-address.ts'
import type { HeldForms } from './held-form.ts'
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
  /** Longest time since the subject proved anything, ms. */
  readonly maxAgeMs?: number
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
  if (session.length === 0) throw misconfigured('carriers', 'must name at least one carrier')
  const cookieName = refresh && nameOf(refresh)
  if (cookieName !== undefined && session.map(nameOf).includes(cookieName)) {
    throw misconfigured('refresh.cookieName', 'must not be that of the session cookie')
  }
}

/** Throws `config_invalid` for requirements that no session could ever meet. */
export function checkRequirements({
  sensitivity,
  acr,
  maxAgeMs,
}: RouteRequirements): RouteRequirements {
  if (sensitivity !== undefined && sensitivity !== 'normal' && sensitivity !== 'sensitive') {
    throw misconfigured('sensitivity', 'must be normal or sensitive')
  }
  if (acr !== undefined && (acr === '' || acr.length > LIMITS.word)) {
    throw misconfigured('acr', `must have 1 to ${LIMITS.word} characters`)
  }
  if (maxAgeMs !== undefined && (!Number.isSafeInteger(maxAgeMs) || maxAgeMs <= 0)) {
    throw misconfigured('maxAgeMs', 'must be a whole number of ms above 0')
  }
  return {
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(acr === undefined ? {} : { acr }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  }
}

function nameOf(carrier: Carrier): unknown {
  return 'name' in carrier ? carrier.name : undefined
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
