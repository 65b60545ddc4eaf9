import type { Carrier } from '../../carriers/carrier.ts'
import { cookie } from '../../carriers/cookie.ts'
import type { CrossSiteOptions } from '../../carriers/csrf.ts'
import { type RefreshOptions, refreshCarrier } from '../../carriers/refresh.ts'
import type { Decision } from '../../core/decision.ts'
import { type Code, SessionError } from '../../core/errors.ts'
import { LIMITS, type Sensitivity } from '../../core/request.ts'
import type { ClientAddressOptions } from '../../network/client-address.ts'
import type { HeldForms } from './held-form.ts'
import { ownPath } from './redirects.ts'

/** What all adapters take. */
export interface GuardOptions extends CrossSiteOptions {
  /** How tokens travel. Default `[cookie()]`. A request that brings a token by two of them is refused. */
  readonly carriers?: readonly Carrier[]
  /** Logins also give a refresh token, which `refresh()` alone accepts. Default: none. */
  readonly refresh?: RefreshOptions
  /** Which proxies are believed about the client's address and scheme. Default: none. */
  readonly address?: ClientAddressOptions
  /**
   * Answers reach the client with their `Set-Cookie`, so that secrets may rotate. Default true. Set false in a service
   * behind a gateway that keeps its answers' cookies to itself.
   */
  readonly deliverable?: boolean
  /** Path of this site where a person logs in. Navigations without a session go there (303), with `?return=`. */
  readonly loginPage?: string
  /** Path of this site where a person proves a factor, with `?return=` and, if the route asked for one, `&acr=`. */
  readonly stepUpPage?: string
  /**
   * Forms that a step-up interrupts are held meanwhile: the step-up page gets `&form=`, and takes them with it when the
   * factor was right. `heldForms()` of `holdfast/step-up`. Default: what was posted is lost. Needs `stepUpPage`.
   */
  readonly heldForms?: HeldForms
  /** Words a refusal in the application's own way. Undefined keeps the default. Cookies and `no-store` stay as they are. */
  readonly onRefusal?: (refused: RefusedRequest) => RefusalWording | undefined
  /** What the browser forgets at logout, besides the cookie. Default `cache` and `storage`; empty sends no such header. */
  readonly clearSiteData?: readonly ClearSiteDataKind[]
  /** UTC, ms: for cookies' lifetimes alone. */
  readonly now?: () => number
}

/** Kinds of `Clear-Site-Data`. `cookies` reaches the sibling hosts of the registrable domain, too. */
export type ClearSiteDataKind =
  | 'cache'
  | 'storage'
  | 'cookies'
  | 'clientHints'
  | 'executionContexts'
  | '*'

/** What one route asks of a session. */
export interface RouteRequirements {
  /** `sensitive` rotates the secret first and asks for a network that the subject has confirmed. Default `normal`. */
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
  /** A person waits for a page. */
  readonly navigation: boolean
  /** Where to go on after a detour; always a path of this site. */
  readonly returnTo: string
  readonly decision: Decision | undefined
}

/** Replaces parts of a refusal. */
export interface RefusalWording {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Throws `config_invalid` when the service starts, not at the first request. */
export function checkGuardOptions(options: GuardOptions): void {
  const { loginPage, stepUpPage, carriers = [cookie()], refresh } = options
  for (const [name, page] of Object.entries({ loginPage, stepUpPage })) {
    if (page !== undefined && (page !== ownPath(page) || page.includes('#'))) {
      throw misconfigured(name, 'must be a path of this site, as in /login')
    }
  }
  if (options.heldForms !== undefined && stepUpPage === undefined) {
    throw misconfigured('heldForms', 'needs a stepUpPage')
  }
  if (carriers.length === 0) throw misconfigured('carriers', 'must name at least one carrier')
  if (refresh === undefined) return
  const cookieName = nameOf(refreshCarrier(refresh))
  if (cookieName !== undefined && carriers.some((carrier) => nameOf(carrier) === cookieName))
    throw misconfigured('refresh.cookieName', 'must not be that of the session cookie')
}

/** Throws `config_invalid` for what no session could ever meet. */
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
