import {
  CODES,
  type RequestFacts,
  SessionError,
  type StepUpBegun,
  type Verification,
} from 'holdfast'
import { problem } from './answer-schemas.ts'
import type { AnswerFacts } from './call.ts'
import type { Cookies } from './parts.ts'

/** A verification with the cookie that the client is to get: a rotated secret, or the end of its old one. */
export function verificationBody(
  cookies: Cookies,
  verification: Verification,
  request: RequestFacts,
): Readonly<Record<string, unknown>> {
  if (!verification.ok) return refusalBody(cookies, verification, request)
  const { token, session, persistent } = verification
  if (token === undefined) return { ...verification }
  return {
    ...verification,
    cookie: cookies.session(token, { expiresAt: session.expiresAt, persistent }),
  }
}

/** As {@link verificationBody}, for the start of a step-up. */
export function begunBody(
  cookies: Cookies,
  begun: StepUpBegun,
  request: RequestFacts,
): Readonly<Record<string, unknown>> {
  return begun.ok ? { ...begun } : refusalBody(cookies, begun, request)
}

function refusalBody(
  cookies: Cookies,
  refusal: (Verification | StepUpBegun) & { readonly ok: false },
  request: RequestFacts,
): Readonly<Record<string, unknown>> {
  const clears = CODES[refusal.code].clears && mayClear(request)
  return clears ? { ...refusal, cookie: cookies.expired() } : { ...refusal }
}

/** Late answers to what a page asks in the background would take the cookie of a newer login away: as the adapters do. */
function mayClear({ headers }: RequestFacts): boolean {
  const mode = headers['sec-fetch-mode']
  const dest = headers['sec-fetch-dest'] ?? 'document'
  return mode === undefined || (mode === 'navigate' && dest === 'document')
}

/** A refusal of a whole call, which only a login has: by its code, as a problem. */
export function refused(
  code: 'session_limit_reached' | 'login_superseded',
  requestId: string,
): Response {
  const body = {
    type: `urn:holdfast:code:${code}`,
    title: code.replaceAll('_', ' '),
    status: CODES[code].status,
    code,
    detail: REFUSED[code],
    requestId,
  }
  return new Response(JSON.stringify(body), {
    status: CODES[code].status,
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

/** An answer of the document that is a problem. */
export function problemFacts(about: string): AnswerFacts {
  return { about, schema: problem, type: 'application/problem+json' }
}
