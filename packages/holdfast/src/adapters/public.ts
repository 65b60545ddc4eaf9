/** What every adapter's entry exports beside its own `holdfast` and `accessGuard`. */
export { bearer } from '../carriers/bearer.ts'
export type { Carried, Carrier, DeliveredLifetime } from '../carriers/carrier.ts'
export { type CookieCarrier, type CookieOptions, cookie } from '../carriers/cookie.ts'
export type { CrossSiteOptions, ForeignRequest } from '../carriers/csrf.ts'
export type { RefreshOptions } from '../carriers/refresh.ts'
export type { HeaderLookup } from '../core/request.ts'
export type {
  AccessGuard,
  AccessGuardOptions,
  AccessLookup,
  AccessVerifier,
  RefusedAccess,
} from './access.ts'
export type { FormField, FormSender, HeldForm, HeldForms } from './guard/held-form.ts'
export type { HeaderPair, HttpFacts } from './guard/http-request.ts'
export type {
  ChallengeBegun,
  Done,
  Lifecycle,
  LoginFacts,
  StepUpProof,
  StepUpRequirements,
  TokensIssued,
} from './guard/lifecycle.ts'
export type { ForwardedFacts, IgnoredOnBehalf, OnBehalfOptions } from './guard/on-behalf.ts'
export type {
  ClearSiteDataKind,
  GuardOptions,
  RefusalWording,
  RefusedRequest,
  RouteRequirements,
} from './guard/options.ts'
export { ownPath } from './guard/redirects.ts'
export type { RefreshRequirements } from './guard/refresh.ts'
export type { Refusal, Refused } from './guard/refusals.ts'
export type { ContextApi, RequestApi, SessionGuard, SessionLookup } from './request-api.ts'
