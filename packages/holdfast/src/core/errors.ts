/**
 * Every code that leaves Holdfast, with the HTTP status that adapters and the service answer.
 *
 * `refusal`: an expected outcome of a request, returned as a value. `fault`: something a programmer
 * or an operator must fix, thrown as {@link SessionError}. `clears`: the client's cookie is
 * expired with the answer to a navigation, or to a client that sends no Fetch Metadata; never for
 * what pages fetch in the background, never for faults, and never for a token that a newer one of
 * the same cookie jar has replaced.
 */
export const CODES = {
  /**
   * The token is authentic, the session is not there: it was ended (by a logout, a revocation,
   * `not_me`, a limit or a theft), ended long ago, or belongs to another store. Log in again.
   */
  session_unknown: { status: 401, kind: 'refusal', clears: true },
  /** The absolute or the idle timeout has passed. Log in again. */
  session_expired: { status: 401, kind: 'refusal', clears: true },
  /**
   * This very presentation ended the session, or came while it ended: a proven theft, or two
   * holders of a secret and no factor to tell them apart. Whoever comes later gets
   * `session_unknown`. Log in again.
   */
  session_revoked: { status: 401, kind: 'refusal', clears: true },
  /** What was shown is no token of this key ring: garbage, or a guess. The store was not asked. */
  token_malformed: { status: 401, kind: 'refusal', clears: true },
  /**
   * The token names a key that this process does not have: another process may know it, so the
   * cookie is left alone. The store was not asked. Two applications on one host, or on two ports of
   * it, overwrite each other's cookie: give each a cookie name of its own.
   */
  token_key_unknown: { status: 401, kind: 'refusal', clears: false },
  /** No token came with the request. Log in. */
  token_missing: { status: 401, kind: 'refusal', clears: false },
  /**
   * More than one session cookie or access token came, or the session and the refresh cookie are of
   * two sessions: somebody planted one. None is believed.
   */
  token_duplicated: { status: 401, kind: 'refusal', clears: false },
  /**
   * The secret belongs to a dead family: a login or a step-up replaced it. The newer cookie of the
   * same cookie jar is left alone.
   */
  token_superseded: { status: 401, kind: 'refusal', clears: false },
  /** A token of one kind was shown where another kind belongs. */
  wrong_token_use: { status: 401, kind: 'refusal', clears: false },
  /**
   * What was shown is no access token of this issuer for this service: forged, garbage, for
   * somebody else, or not valid yet.
   */
  access_token_invalid: { status: 401, kind: 'refusal', clears: false },
  /** The access token was good and has expired. Get another by the session or the refresh token. */
  access_token_expired: { status: 401, kind: 'refusal', clears: false },
  /**
   * This context looks wrong, or the route asks for more. Prove a factor; the session goes on
   * elsewhere.
   */
  step_up_required: { status: 401, kind: 'refusal', clears: false },
  /** From here the session may only read until it passes a step-up. */
  session_limited: { status: 403, kind: 'refusal', clears: false },
  /**
   * Too many prompts were begun from contexts that nobody confirmed. Wait, or use a confirmed one.
   */
  context_refused: { status: 403, kind: 'refusal', clears: false },
  /**
   * A cookie came with a request that another site caused, or that does not say what caused it
   * (Fetch Metadata, else Origin). `detail` says which header was missing or wrong, and
   * `onRefusal` gets the expected and the seen origin. A program sends `Sec-Fetch-Site: none`.
   */
  cross_site_request: { status: 403, kind: 'refusal', clears: false },
  /**
   * The form token is missing, or not of this session: field `_form`, or header `x-form-token`.
   */
  form_token_invalid: { status: 403, kind: 'refusal', clears: false },
  /**
   * A browser asked before its user did (prefetch, prerender), for what only a person may do: a
   * sensitive route, a login, a logout, a step-up. The browser asks again when the page is opened.
   */
  speculative_request: { status: 403, kind: 'refusal', clears: false },
  /** A session cookie may not travel over plain HTTP. */
  https_required: { status: 403, kind: 'refusal', clears: false },
  /**
   * The step-up challenge is forged, expired, used up, or of another session or context. Begin
   * again.
   */
  challenge_invalid: { status: 400, kind: 'refusal', clears: false },
  /** The subject has as many sessions as the limit allows, and the limit refuses newcomers. */
  session_limit_reached: { status: 409, kind: 'refusal', clears: false },
  /** All sessions of the subject were ended while this login was under way. Log in again. */
  login_superseded: { status: 409, kind: 'refusal', clears: false },
  /** A value is missing, of the wrong type, too long or unknown. The message names the field. */
  invalid_input: { status: 400, kind: 'fault', clears: false },
  /** The attributes have another version than the caller thought. Read, merge and try again. */
  attributes_conflict: { status: 412, kind: 'fault', clears: false },
  /** The API key is missing or unknown. */
  caller_unauthenticated: { status: 401, kind: 'fault', clears: false },
  /**
   * The API key lacks the role for this call, or is not for the audience that was asked for, or the
   * session is not of the subject that was named.
   */
  caller_forbidden: { status: 403, kind: 'fault', clears: false },
  /** There is no such path, session or record. */
  not_found: { status: 404, kind: 'fault', clears: false },
  /** The path exists, this method does not. */
  method_not_allowed: { status: 405, kind: 'fault', clears: false },
  /** The request body is larger than the limit. */
  body_too_large: { status: 413, kind: 'fault', clears: false },
  /** The request headers are larger than the limit. */
  headers_too_large: { status: 431, kind: 'fault', clears: false },
  /** The caller asks faster than its limit allows. */
  too_many_requests: { status: 429, kind: 'fault', clears: false },
  /** A setting, a key ring or an option cannot be used. The message names it. */
  config_invalid: { status: 500, kind: 'fault', clears: false },
  /** A bug. The log has the details under the request id. */
  internal_error: { status: 500, kind: 'fault', clears: false },
  /** A stored record does not open: damaged, or changed by somebody without the keys. */
  record_invalid: { status: 503, kind: 'fault', clears: false },
  /**
   * A record is sealed under a key that the ring does not hold. Give the ring its older keys back.
   */
  key_unknown: { status: 503, kind: 'fault', clears: false },
  /** The store holds an older version than this process has seen. Fails closed. */
  store_rolled_back: { status: 503, kind: 'fault', clears: false },
  /** The store did not answer in time. Nobody is logged out by this; try again. */
  store_unavailable: { status: 503, kind: 'fault', clears: false },
  /** Other writers won each race for this record. Try again. */
  store_contended: { status: 503, kind: 'fault', clears: false },
  /** The service has more to do than it can. Nobody is logged out by this; try again. */
  overloaded: { status: 503, kind: 'fault', clears: false },
  /**
   * A verifier of access tokens cannot know whether the session still lives, and the route asks it
   * to: the revocation feed is behind, or the authority did not answer. Nobody is logged out by
   * this; try again.
   */
  revocations_unavailable: { status: 503, kind: 'fault', clears: false },
  /**
   * A verifier of access tokens has no key set that may still be used, and the authority gives it
   * none. Nobody is logged out by this; try again.
   */
  keys_unavailable: { status: 503, kind: 'fault', clears: false },
  /**
   * The feed has dropped entries after this position. Read the present state and follow from the
   * head.
   */
  feed_gap: { status: 410, kind: 'fault', clears: false },
} as const satisfies Record<string, CodeFacts>

interface CodeFacts {
  readonly status: number
  readonly kind: 'refusal' | 'fault'
  readonly clears: boolean
}

/** Any code of the table. */
export type Code = keyof typeof CODES

type OfKind<K> = { [C in Code]: (typeof CODES)[C]['kind'] extends K ? C : never }[Code]

/** What a client or an attacker can cause: a value, never thrown. */
export type RefusalCode = OfKind<'refusal'>

/** What a programmer or an operator must fix: thrown. A throw is never an allow. */
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
