import type { Decision } from './decision.ts'
import type { RefusalCode } from './errors.ts'
import type { Reason } from './feed.ts'
import type { SessionId } from './ids.ts'
import type { Activity, RequestFacts, Sensitivity } from './request.ts'
import type { SensitiveCall } from './sensitive-calls.ts'
import type { Attributes, JsonValue, SessionDetail, SessionView } from './session.ts'
import type { Page } from './store.ts'

/**
 * The whole of Holdfast for an application: in process (`createSessions`) and remote (`connect`)
 * are this one interface.
 */
export interface Sessions {
  /**
   * Starts a session after a login: new id, new secret, whatever the client came with (`previous`)
   * is ended first.
   */
  create(login: Login): Promise<Created>
  /** Judges one presentation of a token. Throws only when it could not be judged. */
  verify(presented: Presented): Promise<Verification>
  /**
   * Takes a refresh token and gives its successor, and an access token where an issuer is
   * configured: for `audience`, else the issuer's first. Counts as activity unless it is passive,
   * and never moves the absolute deadline. A refresh token that comes back from somewhere else ends
   * the session (RFC 9700, section 4.14).
   */
  refresh(presented: Presented): Promise<Refreshed>
  /**
   * Starts a step-up for the presenting context: a challenge of 5 minutes, at most three an hour
   * over unconfirmed contexts.
   */
  beginStepUp(presented: Presented): Promise<StepUpBegun>
  /** After the subject proved a factor: new families, new tokens, the context is confirmed. */
  completeStepUp(proof: Proof): Promise<Verification>
  /**
   * Any authentic generation of a live family ends the session. Idempotent; unknown tokens are
   * nothing to end. Reason `logout` and actor `client` unless said otherwise.
   */
  logout(token: string, by?: Partial<Ordered>): Promise<void>
  /** Ends one session, whether it is there or not. Idempotent. */
  revoke(id: SessionId, by: Ordered): Promise<void>
  /** Log out everywhere, or everywhere `except` here. */
  revokeSubject(subject: SubjectRef, by: Ordered & { readonly except?: SessionId }): Promise<void>
  /** Live sessions of a subject, oldest first. */
  list(subject: SubjectRef, page?: PageRequest): Promise<Page<SessionDetail>>
  /** One live session; undefined when there is none. */
  show(id: SessionId): Promise<SessionDetail | undefined>
  report(report: Report): Promise<void>
  /**
   * JSON merge patch (RFC 7396) against a version; the new version. Throws `attributes_conflict` on
   * a lost race, and `not_found` where the session is not live or not of the `owner` that is named.
   * Name one where the id came from a client: it is public. A remote application always names one.
   */
  patchAttributes(
    id: SessionId,
    patch: JsonMergePatch,
    ifVersion: number,
    owner?: ChangedBy,
  ): Promise<number>
}

/** The application's own name for a user, within a tenant (`default` unless said otherwise). */
export interface SubjectRef {
  readonly subject: string
  readonly tenant?: string
}

/**
 * For the event log alone. Where the call has request facts, their headers `x-request-id` and
 * `traceparent` count in place of what is not said.
 */
export interface Traced {
  /** One id for all that a request causes in the event log. */
  readonly correlation?: string | undefined
  /** The `traceparent` of the request (W3C Trace Context). What is none is left out. */
  readonly trace?: string | undefined
}

/** An order to end something. The event log tells all of it, the revocation feed the reason. */
export interface Ordered extends Traced {
  /** A code in snake_case, at most 64 characters. */
  readonly reason: Reason
  /**
   * Who; `application` unless said otherwise. Through a service it is the name of the API key, and
   * `client` for a logout.
   */
  readonly actor?: string | undefined
}

/** Whose session is changed, and for the event log by whom: `application` unless said otherwise. */
export interface ChangedBy extends Partial<SubjectRef>, Traced {
  readonly actor?: string | undefined
}

/** What the application says when somebody has logged in. */
export interface Login extends SubjectRef, Traced {
  readonly request: RequestFacts
  /** Names the lifetimes; `default` unless said otherwise. */
  readonly class?: string
  readonly acr?: string
  /** Authentication methods (RFC 8176), for example `['pwd', 'otp']`. */
  readonly amr?: readonly string[]
  /**
   * When the subject proved it, for a login that was made elsewhere before: UTC, ms. Default now,
   * and never later.
   */
  readonly authenticatedAt?: number
  /**
   * Second factors this subject could be asked for. Without any, a challenge means a fresh login.
   */
  readonly factors?: readonly string[]
  readonly attributes?: Attributes
  /** Also gives a refresh token, which `refresh` alone accepts. Default false. */
  readonly refresh?: boolean
  /** The token the client came with: ended first, so that it cannot be fixed (session fixation). */
  readonly previous?: string
}

/** A new session with the token to deliver, or why there is none. */
export type Created =
  | {
      readonly ok: true
      readonly session: SessionView
      readonly token: string
      /** Only where the login asked for one. */
      readonly refreshToken?: string
      readonly decision: Decision
      readonly persistent: boolean
    }
  | { readonly ok: false; readonly code: 'session_limit_reached' | 'login_superseded' }

/** A token, the request it came with, and what the route asks for. */
export interface Presented extends Traced {
  readonly token: string
  readonly request: RequestFacts
  /** `sensitive` rotates first and asks for a confirmed network. Default `normal`. */
  readonly sensitivity?: Sensitivity
  /** Least authentication context; compared by the configured order, else for equality. */
  readonly acr?: string
  /** Longest time since authentication, ms. */
  readonly maxAgeMs?: number
  /**
   * `passive`: the request came by itself, as a poll does. It is judged as ever, and neither keeps
   * the session from becoming idle nor earns trust. Speculative requests (`Sec-Purpose`) are
   * passive whatever is said here. Default `active`.
   */
  readonly activity?: Activity
  /**
   * How long before this call the request was received, ms: its body may have taken time. A secret
   * that was live then does not count as old. More than 5 minutes count as 5. Default 0.
   */
  readonly waitedMs?: number
  /**
   * The answer can bring a cookie, and brings it within 10 seconds of this call or not at all. So a
   * secret may be rotated. Default false; true for `refresh`.
   */
  readonly deliverable?: boolean
  /**
   * Asks for an access token for this service. A service without tokens is `invalid_input`.
   */
  readonly audience?: string
}

/**
 * The answer to one presentation: the session, and a token when a new one has to be delivered, or
 * the code of the refusal.
 */
export type Verification =
  | {
      readonly ok: true
      readonly decision: Decision
      readonly session: SessionView
      readonly token?: string
      /**
       * Only with a completed step-up of a session that can be refreshed: the older ones are dead.
       */
      readonly refreshToken?: string
      readonly persistent: boolean
      /** For the audience that was asked for; only where the outcome is `allow` or `observe`. */
      readonly accessToken?: string
      /** What is left of the access token's life, whole seconds. */
      readonly expiresIn?: number
      /**
       * Only with a completed step-up that ended a fork: the newest 16 calls of sensitive routes
       * that were served since one holder was certain last. Show them to the person.
       */
      readonly meanwhile?: readonly SensitiveCall[]
    }
  | {
      readonly ok: false
      readonly code: RefusalCode
      readonly decision?: Decision
      readonly requirements?: Requirements
    }

/**
 * What a refresh did to the refresh token.
 *
 * - `rotated`: the answer has its successor. The one before stays good until that is shown.
 * - `kept`: it is too young to be replaced. Keep it.
 * - `in_flight`: a newer one has been shown already, moments ago. Keep the newest.
 */
export type RefreshStatus = 'rotated' | 'kept' | 'in_flight'

/**
 * The answer to a refresh token: an access token, and its successor where one is due; or the code
 * of the refusal.
 */
export type Refreshed =
  | {
      readonly ok: true
      readonly decision: Decision
      readonly session: SessionView
      readonly status: RefreshStatus
      /** Store it in place of the one that was shown. Absent: keep yours. */
      readonly refreshToken?: string
      readonly persistent: boolean
      readonly accessToken?: string
      /** What is left of the access token's life, whole seconds. */
      readonly expiresIn?: number
    }
  | (Verification & { readonly ok: false })

/**
 * An engine with local copies, or over a store that answers at once, puts this on its `verify`.
 * `now` gives the same answer where nothing has to be waited for, else undefined. It sits on the
 * function, so that it is gone where an application puts another `verify` in its place.
 */
export interface VerifiesNow {
  now?(presented: Presented): Verification | undefined
}

/** What a challenged client has to bring (RFC 9470). */
export interface Requirements {
  readonly acr?: string
  /** Longest time since authentication, ms. */
  readonly maxAgeMs?: number
  /** The route is sensitive: it asks for a network that the subject has confirmed. */
  readonly sensitivity?: 'sensitive'
}

/** A challenge that is valid for five minutes, or why nobody may be asked. */
export type StepUpBegun =
  | {
      readonly ok: true
      readonly challenge: string
      readonly expiresAt: number
      readonly subject: string
      readonly tenant: string
      readonly factors: readonly string[]
      readonly decision: Decision
    }
  | { readonly ok: false; readonly code: RefusalCode; readonly decision?: Decision }

/** That the subject proved a factor, with what the challenge was bound to. */
export interface Proof extends Traced {
  readonly challenge: string
  readonly token: string
  readonly request: RequestFacts
  /** Who proved it: must be the session's subject. */
  readonly subject: string
  readonly tenant?: string
  readonly acr?: string
  readonly amr?: readonly string[]
}

/** Which part of a list: at most `limit` (default 50, most 200) from after a position. */
export interface PageRequest {
  readonly limit?: number
  readonly after?: string
}

/** What only the application can know. */
export type Report = Traced &
  (
    | ({ readonly kind: 'login_failed'; readonly request?: RequestFacts } & SubjectRef)
    /** A password or factor was changed: ends every other session (ASVS 7.4.3). */
    | ({ readonly kind: 'credential_changed'; readonly except?: SessionId } & SubjectRef)
    | ({ readonly kind: 'account_disabled' } & SubjectRef)
    | {
        readonly kind: 'step_up_failed'
        readonly challenge: string
        readonly token: string
        readonly request: RequestFacts
      }
    /**
     * The subject says that somebody else uses this session. It ends, and the contexts where it was
     * used lose their trust.
     */
    | { readonly kind: 'not_me'; readonly session: SessionId }
    | { readonly kind: 'false_alarm'; readonly session: SessionId }
  )

/** RFC 7396: `null` removes a name, an object merges, everything else replaces. */
export type JsonMergePatch = { readonly [key: string]: JsonValue }
