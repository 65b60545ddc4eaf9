import { CODES, type Code, SessionError } from 'holdfast'
import type { Problem, ProblemDetails } from 'holdfast/wire'
import { isCallerFault } from '../audit/caller-fault.ts'

/** A fault with the fields it is about; for what a caller has to correct. */
export interface Fault {
  readonly code: Code
  readonly detail: string
  /** The detail is for callers, though the fault is ours. */
  readonly isOpen?: boolean
  /** Seconds, of `too_many_requests`. */
  readonly retryAfterS?: number
  readonly errors?: readonly { readonly field: string; readonly problem: string }[]
}

const MAX_ERRORS = 16

/**
 * What a caller may know about a fault of ours: that it was not a decision, and what to do. The
 * reason is in the log.
 */
const OURS: Partial<Record<Code, string>> = {
  store_unavailable: 'The session store did not answer in time. Nothing was decided; try again.',
  store_contended: 'The session changed too often at once. Nothing was decided; try again.',
  store_rolled_back:
    'The store holds an older state than this service has seen. Nothing was decided.',
  record_invalid: 'The stored record does not open. Nothing was decided.',
  key_unknown: 'The stored record is sealed under a key that this service does not have.',
  config_invalid: 'The service is not configured for this call.',
  internal_error: 'Something unexpected happened. The request id finds it in the log.',
}

/** A problem document (RFC 9457) of a code. */
export function problemDetailsOf(fault: Fault, requestId: string): ProblemDetails {
  const [first] = fault.errors ?? []
  const details: ProblemDetails = {
    type: `urn:holdfast:code:${fault.code}`,
    title: fault.code.replaceAll('_', ' '),
    status: CODES[fault.code].status,
    code: fault.code,
    detail: fault.isOpen ? fault.detail : (OURS[fault.code] ?? fault.detail),
    ...(first === undefined ? {} : { field: first.field }),
    ...(fault.errors === undefined ? {} : { errors: fault.errors }),
    requestId,
  }
  return details
}

/**
 * The one place where a fault becomes an answer. Clients of OAuth's own calls look for an `error`
 * (RFC 6749, section 5.2), and are asked for their name and key as they know it.
 */
export function problemResponse(
  fault: Fault,
  { requestId, oauth = false }: { readonly requestId: string; readonly oauth?: boolean },
): Response {
  const details = problemDetailsOf(fault, requestId)
  const { status } = details
  const body = oauth ? { ...details, error: oauthErrorOf(details) } : details
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (status === 503 || status === 429) headers['retry-after'] = String(fault.retryAfterS ?? 1)
  if (fault.code === 'caller_unauthenticated')
    headers['www-authenticate'] = `${oauth ? 'Basic' : 'Bearer'} realm="holdfast"`
  return new Response(JSON.stringify(body), { status, headers })
}

/** RFC 6749, sections 5.2 and 4.1.2.1. */
function oauthErrorOf({ code, status }: ProblemDetails): string {
  if (code === 'caller_unauthenticated') return 'invalid_client'
  if (code === 'caller_forbidden') return 'unauthorized_client'
  if (status === 429 || status === 503) return 'temporarily_unavailable'
  return status < 500 ? 'invalid_request' : 'server_error'
}

/** Thrown instead of a refusal, where too many of them came from one place. */
export function tooManyGuesses(retryAfterS: number): SessionError {
  const error = new SessionError(
    'too_many_requests',
    'Too many tokens or keys that nobody has came from there. Try again later.',
  )
  return Object.assign(error, { retryAfterS })
}

/** Whether it is of {@link tooManyGuesses}: one finding in the log is of all of them. */
export function isLimited(
  error: unknown,
): error is SessionError & { readonly retryAfterS: number } {
  return error instanceof SessionError && 'retryAfterS' in error
}

/**
 * What was thrown, as a fault. Everything that has no code is `internal_error`: unknown is never an
 * allow.
 */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof SessionError)) return { code: 'internal_error', detail: '' }
  if (isLimited(error)) {
    return { code: error.code, detail: error.message, retryAfterS: error.retryAfterS }
  }
  if (isCallerFault(error)) return { code: error.code, detail: error.message, isOpen: true }
  if (error.code !== 'invalid_input') return { code: error.code, detail: error.message }
  const field = FIELD.exec(error.message)?.[1]
  if (field === undefined) return { code: error.code, detail: error.message }
  const problem = error.message.slice(field.length + 1)
  return { code: error.code, detail: error.message, errors: [{ field, problem }] }
}

/**
 * A message about a field begins with its name: of a field as JSON has it, or of a header. A
 * sentence begins otherwise.
 */
const FIELD = /^([a-z][\w.[\]-]{0,127}|[A-Z][A-Za-z]*(?:-[A-Za-z]+)+) /

/**
 * Does what a caller's cursor is for. One that no store gave out is a fault of the field that it
 * came in.
 */
export async function atCursor<T>(field: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof SessionError) || error.code !== 'invalid_input') throw error
    if (faultOf(error).errors !== undefined) throw error
    throw new SessionError('invalid_input', `${field} must be a cursor from an earlier answer`, {
      cause: error,
    })
  }
}

/** What is wrong with a request, by field and without the values. */
export function faultOfProblems(where: string, problems: readonly Problem[]): Fault {
  const errors = problems
    .slice(0, MAX_ERRORS)
    .map(({ field, problem }) => ({ field: field === '' ? where : field, problem }))
  const [first] = errors
  const detail =
    first === undefined ? `${where} is not as described` : `${first.field} ${first.problem}`
  return { code: 'invalid_input', detail, errors }
}
