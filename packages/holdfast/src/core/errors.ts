/**
 * Every code that leaves Holdfast, with the HTTP status that adapters and the service answer.
 *
 * `refusal`: an expected outcome of a request, returned as a value. `fault`: something a programmer or
 * an operator must mend, thrown as {@link SessionError}. `clears`: the client's cookie is expired with
 * the answer; never for faults, and never for a token that a newer one of the same jar has replaced.
 */
export const CODES = {
  session_unknown: { status: 401, kind: 'refusal', clears: true },
  session_expired: { status: 401, kind: 'refusal', clears: true },
  session_revoked: { status: 401, kind: 'refusal', clears: true },
  token_malformed: { status: 401, kind: 'refusal', clears: true },
  token_missing: { status: 401, kind: 'refusal', clears: false },
  token_duplicated: { status: 401, kind: 'refusal', clears: false },
  token_superseded: { status: 401, kind: 'refusal', clears: false },
  wrong_token_use: { status: 401, kind: 'refusal', clears: false },
  step_up_required: { status: 401, kind: 'refusal', clears: false },
  session_limited: { status: 403, kind: 'refusal', clears: false },
  context_refused: { status: 403, kind: 'refusal', clears: false },
  cross_site_request: { status: 403, kind: 'refusal', clears: false },
  form_token_invalid: { status: 403, kind: 'refusal', clears: false },
  https_required: { status: 403, kind: 'refusal', clears: false },
  challenge_invalid: { status: 400, kind: 'refusal', clears: false },
  session_limit_reached: { status: 409, kind: 'refusal', clears: false },
  login_superseded: { status: 409, kind: 'refusal', clears: false },
  invalid_input: { status: 400, kind: 'fault', clears: false },
  attributes_conflict: { status: 412, kind: 'fault', clears: false },
  caller_unauthenticated: { status: 401, kind: 'fault', clears: false },
  caller_forbidden: { status: 403, kind: 'fault', clears: false },
  not_found: { status: 404, kind: 'fault', clears: false },
  method_not_allowed: { status: 405, kind: 'fault', clears: false },
  body_too_large: { status: 413, kind: 'fault', clears: false },
  headers_too_large: { status: 431, kind: 'fault', clears: false },
  too_many_requests: { status: 429, kind: 'fault', clears: false },
  config_invalid: { status: 500, kind: 'fault', clears: false },
  internal_error: { status: 500, kind: 'fault', clears: false },
  record_invalid: { status: 503, kind: 'fault', clears: false },
  key_unknown: { status: 503, kind: 'fault', clears: false },
  store_rolled_back: { status: 503, kind: 'fault', clears: false },
  store_unavailable: { status: 503, kind: 'fault', clears: false },
  store_contended: { status: 503, kind: 'fault', clears: false },
  feed_gap: { status: 410, kind: 'fault', clears: false },
} as const satisfies Record<string, CodeFacts>

interface CodeFacts {
  readonly status: number
  readonly kind: 'refusal' | 'fault'
  readonly clears: boolean
}

export type Code = keyof typeof CODES

type OfKind<K> = { [C in Code]: (typeof CODES)[C]['kind'] extends K ? C : never }[Code]

/** What a client or an attacker can cause: a value, never thrown. */
export type RefusalCode = OfKind<'refusal'>

/** What a programmer or an operator must mend: thrown. A throw is never an allow. */
export type FaultCode = OfKind<'fault'>

/** The one error class. Match on `code`; the message says what was wrong and what to do. */
export class SessionError extends Error {
  readonly code: FaultCode

  constructor(code: FaultCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'SessionError'
    this.code = code
  }
}

/** The HTTP status for a code. */
export function statusOf(code: Code): number {
  return CODES[code].status
}
