import type { Decision } from '../core/decision.ts'
import type { RequestFacts } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions, SubjectRef } from '../core/sessions.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import type { AccessRequirements } from '../tokens/requirements.ts'
import {
  type AccessGuardOptions,
  type AccessRequests,
  type AccessVerifier,
  accessJudge,
  accessRequests,
} from './access.ts'
import {
  answerResponse,
  fetchFacts,
  fieldsOf,
  ofParsed,
  refusalResponse,
  withHeaders,
} from './fetch-http.ts'
import { guard } from './guard/guard.ts'
import type { FormField } from './guard/held-form.ts'
import type { HeaderPair, HttpFacts } from './guard/http-request.ts'
import type { ChallengeBegun, Delivered, Done, LoginFacts, StepUpProof } from './guard/lifecycle.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import type { Refused } from './guard/refusals.ts'

export * from './public.ts'

/** What the guard takes, and how a Fetch runtime names its client. */
export interface FetchOptions extends GuardOptions {
  /** The socket's remote address, as the runtime knows it. Without it every client's address is unknown. */
  readonly peer?: (request: Request) => string | undefined
  /** The form token of a form's body. Default: field `_form` of a form of at most 64 KiB, read from a copy. */
  readonly formToken?: (request: Request) => string | undefined | Promise<string | undefined>
}

/** What a handler gets beside its request. */
export interface FetchSession {
  readonly session: SessionView
  readonly decision: Decision
}

/** An answer of the guard that a handler puts on its own response. */
export type Attachable<Result> =
  | (Result & { attach(response: Response): Response })
  | (Refused & { readonly response: Response })

/** Web standard handlers: `(request) => Response`. */
export interface FetchHoldfast {
  /** Wraps a handler: called only with a session that meets the requirements. */
  requireSession(
    requirements?: RouteRequirements,
  ): (
    handler: (request: Request, passed: FetchSession) => Response | Promise<Response>,
  ) => (request: Request) => Promise<Response>
  /** Wraps a handler: called with or without a session. */
  optionalSession(
    requirements?: RouteRequirements,
  ): (
    handler: (request: Request, passed: Partial<FetchSession>) => Response | Promise<Response>,
  ) => (request: Request) => Promise<Response>
  /** After the password was right. `attach` puts the cookie on the answer. */
  login(request: Request, login: LoginFacts): Promise<Attachable<Delivered>>
  /** Ends the session. `attach` expires the cookie and clears what the browser keeps. */
  logout(request: Request): Promise<Attachable<Done>>
  beginStepUp(
    request: Request,
    requirements?: { readonly acr?: string | undefined },
  ): Promise<Attachable<ChallengeBegun>>
  /** After the factor was right. `attach` puts the new cookie on the answer. */
  completeStepUp(request: Request, proof: StepUpProof): Promise<Attachable<Delivered>>
  /** The whole of `POST <refresh path>`: takes the refresh token, answers JSON with its successor, or the refusal. */
  refresh(request: Request, requirements?: RefreshRequirements): Promise<Response>
  /** After the factor was wrong. */
  stepUpFailed(request: Request, challenge: string): Promise<Attachable<Done>>
  /** After the password was wrong. */
  loginFailed(request: Request, subject: SubjectRef): Promise<Attachable<Done>>
  requestFacts(request: Request): RequestFacts
}

/**
 * Holdfast for everything that speaks `Request` and `Response`.
 *
 * @example
 * const { requireSession } = holdfast(sessions, { peer: (request) => server.requestIP(request)?.address })
 * const account = requireSession()(async (request, { session }) => Response.json({ name: session.subject }))
 */
export function holdfast(sessions: Sessions, options: FetchOptions = {}): FetchHoldfast {
  const { peer = () => undefined, formToken = postedField } = options
  const judge = guard(sessions, options)

  function factsOf(request: Request): HttpFacts {
    return fetchFacts(request, {
      peer: peer(request),
      formToken: () => formToken(request),
      formFields: () => postedFields(request),
    })
  }

  return {
    requestFacts: (request) => judge.requestFacts(factsOf(request)),
    login: async (request, login) => attachable(await judge.login(factsOf(request), login)),
    logout: async (request) => attachable(await judge.logout(factsOf(request))),
    beginStepUp: async (request, requirements) =>
      attachable(await judge.beginStepUp(factsOf(request), requirements)),
    completeStepUp: async (request, proof) =>
      attachable(await judge.completeStepUp(factsOf(request), proof)),
    refresh: async (request, requirements) =>
      answerResponse(await judge.refresh(factsOf(request), requirements)),
    stepUpFailed: async (request, challenge) =>
      attachable(await judge.stepUpFailed(factsOf(request), challenge)),
    loginFailed: async (request, subject) =>
      attachable(await judge.loginFailed(factsOf(request), subject)),

    requireSession(requirements) {
      const required = judge.require(requirements)
      return (handler) => async (request) => {
        const judged = await required(factsOf(request))
        if (!judged.ok) return refusalResponse(judged)
        const response = await handler(request, judged)
        return withHeaders(response, judged.headers())
      }
    },

    optionalSession(requirements) {
      const optional = judge.optional(requirements)
      return (handler) => async (request) => {
        const judged = await optional(factsOf(request))
        if (!judged.ok) return refusalResponse(judged)
        const { session, decision, headers } = judged
        const passed = {
          ...(session === undefined ? {} : { session }),
          ...(decision === undefined ? {} : { decision }),
        }
        const response = await handler(request, passed)
        return withHeaders(response, headers())
      }
    },
  }
}

/** Access tokens for web standard handlers. */
export interface FetchAccessGuard extends AccessRequests<Request> {
  /** Wraps a handler: called only with an access token that meets the requirements. */
  requireAccess(
    requirements?: AccessRequirements,
  ): (
    handler: (request: Request, claims: AccessClaims) => Response | Promise<Response>,
  ) => (request: Request) => Promise<Response>
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const { requireAccess } = accessGuard(verifier({ issuer, audience: 'orders', authority }))
 * const orders = requireAccess()((_, { sub }) => Response.json({ buyer: sub }))
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): FetchAccessGuard {
  const judge = accessJudge(verifier, options)
  const { note, accessOf } = accessRequests<Request>()
  return {
    accessOf,
    requireAccess(requirements) {
      const required = judge(requirements)
      return (handler) => async (request) => {
        const judged = await required(
          fetchFacts(request, { peer: undefined, formToken: undefined }),
        )
        if (!judged.ok) return refusalResponse(judged)
        note(request, judged.claims)
        return handler(request, judged.claims)
      }
    },
  }
}

const MAX_FORM_BYTES = 65_536

async function postedField(request: Request): Promise<string | undefined> {
  return isReadable(request) ? ofParsed(() => request.clone().formData()) : undefined
}

async function postedFields(request: Request): Promise<readonly FormField[] | undefined> {
  return isReadable(request) ? fieldsOf(() => request.clone().formData()) : undefined
}

function isReadable(request: Request): boolean {
  const length = request.headers.get('content-length')
  return !request.bodyUsed && length !== null && Number(length) <= MAX_FORM_BYTES
}

function attachable<Result extends { readonly ok: true; readonly headers?: readonly HeaderPair[] }>(
  result: Result | Refused,
): Attachable<Result> {
  if (!result.ok) return { ...result, response: refusalResponse(result) }
  return { ...result, attach: (response) => withHeaders(response, result.headers ?? []) }
}
