import { SessionError } from 'holdfast'
import type { Role } from '../config/api-keys.ts'
import type { Caller } from './callers.ts'
import type { ApiParts } from './parts.ts'
import { isLimited, tooManyGuesses } from './problem.ts'

/** What is known of one request to the API, for its log line and its metrics. */
export interface Seen {
  readonly requestId: string
  route: string
  caller: Caller | null
  error?: unknown
}

/** On every answer (ASVS 3.4.1, 3.4.3, 3.4.4, 14.3.2). */
export const STANDARD_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
}

/** What is thrown for a key that is missing or wrong. */
export function unknownCaller(
  { guesses, callerAddress }: Pick<ApiParts, 'guesses' | 'callerAddress'>,
  { peer, header }: Pick<Answered, 'peer' | 'header'>,
): SessionError {
  const waitS = guesses.key(callerAddress(peer, header))
  if (waitS > 0) return tooManyGuesses(waitS)
  return new SessionError('caller_unauthenticated', 'Send Authorization: Bearer and an API key.')
}

/** The caller, where it may call. Throws `caller_forbidden`. */
export function checkedCaller(
  caller: Caller,
  { roles, seen }: { readonly roles: readonly Role[]; readonly seen: Seen },
): Caller {
  seen.caller = caller
  if (roles.some((role) => caller.roles.includes(role))) return caller
  throw new SessionError(
    'caller_forbidden',
    `This call needs a key with one of the roles ${roles.join(', ')}.`,
  )
}

interface Answered {
  readonly method: string
  readonly status: number
  readonly ms: number
  readonly peer: string | undefined
  readonly header: (name: string) => string | readonly string[] | undefined
}

/** Counts and logs an answer. */
export function observe(
  parts: Pick<ApiParts, 'callerAddress' | 'log' | 'flatLog' | 'metrics' | 'tracing'>,
  { route, caller, requestId, error }: Seen,
  answered: Answered,
): void {
  const { method, status, ms, peer, header } = answered
  parts.metrics.answered({ method, route, status, ms })
  parts.tracing?.answered({ method, route })
  if (isLimited(error)) return
  const line = {
    request_id: requestId,
    method,
    route,
    status,
    ms: Math.round(ms * 10) / 10,
    caller: caller?.name ?? null,
    address: parts.callerAddress(peer, header),
    ...(error instanceof SessionError ? { code: error.code } : {}),
  }
  if (error !== undefined && status >= 500) parts.log.error({ ...line, err: error }, 'request')
  else if (status === 401 || status === 403) parts.flatLog.warn(line, 'request')
  else parts.flatLog.info(line, 'request')
}
