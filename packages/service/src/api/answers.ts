import {
  CODES,
  type Refreshed,
  type RefusalCode,
  type RequestFacts,
  SessionError,
  type StepUpBegun,
  type Verification,
} from 'holdfast'
import { mayExpireCookies } from 'holdfast/gateway'
import type { Cookies } from './parts.ts'
import { problemDetailsOf } from './problem.ts'

/** A verification, and the cookies that go with it. */
export type VerificationBody = Verification & {
  readonly cookie?: string
  readonly refreshCookie?: string
}

/** A verification with the client's cookies: new secrets, or the end of its old one. */
export function verificationBody(
  cookies: Cookies,
  verification: Verification,
  request: RequestFacts,
): VerificationBody {
  if (!verification.ok) return refusalBody(cookies, verification, request)
  const { token, refreshToken, session, persistent } = verification
  if (token === undefined && refreshToken === undefined) return verification
  const life = { expiresAt: session.expiresAt, persistent }
  return {
    ...verification,
    ...(token === undefined ? {} : { cookie: cookies.session(token, life) }),
    ...refreshCookie(cookies, refreshToken, life),
  }
}

/** The refresh cookie of an answer, where there is a token for it. */
export function refreshCookie(
  cookies: Cookies,
  refreshToken: string | undefined,
  life: Parameters<Cookies['refresh']>[1],
): { readonly refreshCookie?: string } {
  return refreshToken === undefined ? {} : { refreshCookie: cookies.refresh(refreshToken, life) }
}

/** A refresh that passed. */
export function refreshedBody(
  cookies: Cookies,
  refreshed: Refreshed & { readonly ok: true },
): Readonly<Record<string, unknown>> {
  const { refreshToken, session, persistent } = refreshed
  const life = { expiresAt: session.expiresAt, persistent }
  return { ...refreshed, ...refreshCookie(cookies, refreshToken, life) }
}

/** A refresh that did not, with what the client can do about it. */
export function refusedRefresh(
  cookies: Cookies,
  { code, ...reason }: Refreshed & { readonly ok: false },
  { request, requestId }: { readonly request: RequestFacts; readonly requestId: string },
): Response {
  const clears = CODES[code].clears && mayExpireCookies({ header: (name) => request.headers[name] })
  return refusalProblem(code, requestId, {
    detail: 'The refresh token was refused; the code says why.',
    ...reason,
    ...(clears ? { refreshCookie: cookies.refreshExpired() } : {}),
  })
}

/** As {@link verificationBody}, for the start of a step-up. */
export function begunBody(
  cookies: Cookies,
  begun: StepUpBegun,
  request: RequestFacts,
): StepUpBegun & { readonly cookie?: string } {
  return begun.ok ? begun : refusalBody(cookies, begun, request)
}

function refusalBody<Refusal extends (Verification | StepUpBegun) & { readonly ok: false }>(
  cookies: Cookies,
  refusal: Refusal,
  request: RequestFacts,
): Refusal & { readonly cookie?: string } {
  const clears =
    CODES[refusal.code].clears && mayExpireCookies({ header: (name) => request.headers[name] })
  return clears ? { ...refusal, cookie: cookies.expired() } : refusal
}

/** A login that was refused. */
export function refusedLogin(code: keyof typeof REFUSED, requestId: string): Response {
  return refusalProblem(code, requestId, { detail: REFUSED[code], ok: false })
}

/** A refusal of a whole call: by its code, as a problem. */
function refusalProblem(
  code: RefusalCode,
  requestId: string,
  more: { readonly detail: string; readonly [member: string]: unknown },
): Response {
  const problem = problemDetailsOf({ code, detail: more.detail }, requestId)
  return new Response(JSON.stringify({ ...problem, ...more }), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

const REFUSED = {
  session_limit_reached: 'The subject has as many live sessions as it may have.',
  login_superseded: 'All sessions of the subject were ended while this one was being made.',
}

export function notFound(): SessionError {
  return new SessionError('not_found', 'There is no such live session.')
}
