import type { Decision } from '../core/decision.ts'
import type { RequestFacts } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { SubjectRef } from '../core/sessions.ts'
import {
  answerResponse,
  fetchFacts,
  formFieldsOf,
  formTokenOf,
  isShortForm,
  withHeaders,
} from './fetch-http.ts'
import { type Arguments, checkedCalls, hasHeaders } from './guard/arguments.ts'
import type {
  AnswerHeaders,
  Guard,
  OptionallyVerifiedRequest,
  VerifiedRequest,
} from './guard/guard.ts'
import type { FormField } from './guard/held-form.ts'
import type { HttpFacts } from './guard/http-request.ts'
import type {
  ChallengeBegun,
  Done,
  LoginFacts,
  StepUpProof,
  StepUpRequirements,
  TokensIssued,
} from './guard/lifecycle.ts'
import type { ForwardedFacts } from './guard/on-behalf.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import type { Refused } from './guard/refusals.ts'
import { type SessionGuard, type SessionLookup, sessionLookup } from './request-api.ts'

/** What a handler gets beside its request. */
export interface FetchSession {
  readonly session: SessionView
  readonly decision: Decision
}

/**
 * Wraps a handler. The handler is called only for requests that pass, with what was verified, and
 * with whatever else the runtime calls it with.
 */
export type FetchMiddleware<Verified> = <Asked extends Request, Rest extends readonly unknown[]>(
  handler: (request: Asked, verified: Verified, ...rest: Rest) => Response | Promise<Response>,
) => (request: Asked, ...rest: Rest) => Promise<Response>

/** An answer of the guard that a handler puts on its own response. */
export type Attachable<Result> =
  | (Result & { attach(response: Response): Response })
  | (Refused & { readonly response: Response })

/**
 * Web standard handlers: `(request) => Response`. What a handler gets beside its request,
 * `sessionOf(request)` and its like give elsewhere, for the same request object.
 */
export interface FetchHoldfast extends SessionLookup<Request> {
  /** Wraps a handler: called only with a session that meets the requirements. */
  requireSession: SessionGuard<FetchMiddleware<FetchSession>>['requireSession']
  /** Wraps a handler: called with or without a session. */
  optionalSession: SessionGuard<FetchMiddleware<Partial<FetchSession>>>['optionalSession']
  /** Call it after the password was right. `attach` puts the cookie on the answer. */
  login(request: Request, login: LoginFacts): Promise<Attachable<TokensIssued>>
  /** Ends the session. `attach` expires the cookie and clears what the browser keeps. */
  logout(request: Request): Promise<Attachable<Done>>
  beginStepUp(
    request: Request,
    requirements?: StepUpRequirements,
  ): Promise<Attachable<ChallengeBegun>>
  /** Call it after the factor was right. `attach` puts the new cookie on the answer. */
  completeStepUp(request: Request, proof: StepUpProof): Promise<Attachable<TokensIssued>>
  /**
   * The whole of `POST <refresh path>`: takes the refresh token and answers with its successor as
   * JSON, or with the refusal.
   */
  refresh(request: Request, requirements?: RefreshRequirements): Promise<Response>
  /** Call it after the factor was wrong. */
  stepUpFailed(request: Request, challenge: string): Promise<Attachable<Done>>
  /** Call it after the password was wrong. */
  loginFailed(request: Request, subject: SubjectRef): Promise<Attachable<Done>>
  /** A refusal as the guard would answer it: the `response` of a call that was refused. */
  refuse(refused: Refused): Response
  requestFacts(request: Request): RequestFacts
  /**
   * Headers for a request that this application makes for the person whose request this is: to a
   * backend of its own, within 30 s, with the same cookie or token. Needs the option `onBehalf`, on
   * both sides.
   */
  forwardedFacts(request: Request): Promise<ForwardedFacts>
}

/** How requests are read. */
export interface FetchReading {
  /** The remote address of a request. */
  readonly peer: (request: Request) => string | undefined
  /** The form token of a form's body. Default: its field `_form`. */
  readonly formToken?:
    | ((request: Request) => string | undefined | Promise<string | undefined>)
    | undefined
}

/** The calls of web standard handlers over a guard. */
export function fetchApi(
  sessionGuard: Guard,
  { peer, formToken = postedToken }: FetchReading,
): FetchHoldfast {
  const { note, ...lookup } = sessionLookup<Request>(TAKES)

  function factsOf(request: Request): HttpFacts {
    return fetchFacts(request, {
      peer: peer(request),
      formToken: () => formToken(request),
      formFields: () => postedFields(request),
    })
  }

  function middleware<Verified extends OptionallyVerifiedRequest | VerifiedRequest, Passed>(
    verify: (facts: HttpFacts) => Promise<(Verified & { readonly ok: true }) | Refused>,
    passed: (verified: Verified) => Passed,
  ): FetchMiddleware<Passed> {
    return (handler) =>
      async (request, ...rest) => {
        const verified = await verify(factsOf(request))
        if (!verified.ok) return refuse(verified)
        note(request, verified)
        const response = await handler(request, passed(verified), ...rest)
        return withHeaders(response, verified.headers())
      }
  }

  const calls = checkedCalls<Pick<FetchHoldfast, FetchCall>>(
    {
      refuse,
      requestFacts: (request) => sessionGuard.requestFacts(factsOf(request)),
      forwardedFacts: (request) => sessionGuard.forwardedFacts(factsOf(request)),
      login: async (request, login) =>
        attachable(await sessionGuard.login(factsOf(request), login)),
      logout: async (request) => attachable(await sessionGuard.logout(factsOf(request))),
      beginStepUp: async (request, requirements) =>
        attachable(await sessionGuard.beginStepUp(factsOf(request), requirements)),
      completeStepUp: async (request, proof) =>
        attachable(await sessionGuard.completeStepUp(factsOf(request), proof)),
      refresh: async (request, requirements) =>
        answerResponse(await sessionGuard.refresh(factsOf(request), requirements)),
      stepUpFailed: async (request, challenge) =>
        attachable(await sessionGuard.stepUpFailed(factsOf(request), challenge)),
      loginFailed: async (request, subject) =>
        attachable(await sessionGuard.loginFailed(factsOf(request), subject)),
    },
    TAKES,
  )

  return {
    ...lookup,
    ...calls,

    requireSession: (requirements) =>
      middleware(sessionGuard.require(requirements), (verified) => verified),

    optionalSession: (requirements) =>
      middleware(sessionGuard.optional(requirements), ({ session, decision }) => ({
        ...(session === undefined ? {} : { session }),
        ...(decision === undefined ? {} : { decision }),
      })),
  }
}

type FetchCall = Exclude<
  keyof FetchHoldfast,
  keyof SessionLookup<Request> | keyof SessionGuard<unknown>
>

/** What the calls take. */
export const TAKES: Arguments = {
  request: { name: 'request', fits: (value) => hasHeaders(value) && 'method' in value },
}

async function postedToken(request: Request): Promise<string | undefined> {
  return isReadable(request) ? formTokenOf(() => request.clone().formData()) : undefined
}

async function postedFields(request: Request): Promise<readonly FormField[] | undefined> {
  return isReadable(request) ? formFieldsOf(() => request.clone().formData()) : undefined
}

function isReadable(request: Request): boolean {
  return !request.bodyUsed && isShortForm(request.headers)
}

function refuse({ refusal }: Refused): Response {
  return answerResponse(refusal)
}

function attachable<Result extends { readonly ok: true; readonly headers?: AnswerHeaders }>(
  result: Result | Refused,
): Attachable<Result> {
  if (!result.ok) return { ...result, response: refuse(result) }
  return { ...result, attach: (response) => withHeaders(response, result.headers?.() ?? []) }
}
