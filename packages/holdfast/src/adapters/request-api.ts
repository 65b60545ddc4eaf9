import type { Decision } from '../core/decision.ts'
import { SessionError } from '../core/errors.ts'
import type { RequestFacts } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { SubjectRef } from '../core/sessions.ts'
import { type Arguments, checkedCalls, checkRequest } from './guard/arguments.ts'
import { bugOf } from './guard/faults.ts'
import type {
  AnswerHeaders,
  Guard,
  OptionallyVerifiedRequest,
  RequestVerifier,
  VerifiedRequest,
} from './guard/guard.ts'
import type { HttpFacts, WholeAnswer } from './guard/http-request.ts'
import type {
  ChallengeBegun,
  Done,
  Lifecycle,
  LoginFacts,
  StepUpProof,
  StepUpRequirements,
  TokensIssued,
} from './guard/lifecycle.ts'
import type { ForwardedFacts } from './guard/on-behalf.ts'
import type { RouteRequirements } from './guard/options.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import type { Refused } from './guard/refusals.ts'

/**
 * What an application calls in its handlers. Each call sets the headers of what it did on the
 * response. Where the answer is `ok: false`, hand it to `refuse`, or answer in your own way.
 * `Sent`: what a handler returns to answer; nothing in most frameworks.
 */
export interface RequestApi<Request, Response, Sent = void> extends SessionLookup<Request> {
  /**
   * Call it after the password was right: starts a session, sets its cookie, and ends the session
   * that the client came with.
   */
  login(request: Request, response: Response, login: LoginFacts): Promise<TokensIssued | Refused>
  /** Ends the session, expires the cookie and clears what the browser keeps. */
  logout(request: Request, response: Response): Promise<Done | Refused>
  /**
   * Judges the presentation once more and starts a challenge of 5 minutes. Show `factors`, and keep
   * `challenge` in the form.
   */
  beginStepUp(
    request: Request,
    requirements?: StepUpRequirements,
  ): Promise<ChallengeBegun | Refused>
  /** Call it after the factor was right: sets a new cookie; every older secret is dead. */
  completeStepUp(
    request: Request,
    response: Response,
    proof: StepUpProof,
  ): Promise<TokensIssued | Refused>
  /**
   * The whole of `POST <refresh path>`: takes the refresh token and answers with its successor as
   * JSON (`accessToken`, `expiresIn`), or with the refusal. It ends the response and returns it.
   */
  refresh(
    request: Request,
    response: Response,
    requirements?: RefreshRequirements,
  ): Promise<Response>
  /** Call it after the factor was wrong. */
  stepUpFailed(request: Request, challenge: string): Promise<Done | Refused>
  /** Call it after the password was wrong. */
  loginFailed(request: Request, subject: SubjectRef): Promise<Done | Refused>
  /** Answers a refusal as the guard would. */
  refuse(response: Response, refused: Refused): Sent
  /** The request as the engine sees it. */
  requestFacts(request: Request): RequestFacts
  /**
   * Headers for a request that this application makes for the person whose request this is: to a
   * backend of its own, within 30 s, with the same cookie or token. Needs the option `onBehalf`, on
   * both sides.
   */
  forwardedFacts(request: Request): Promise<ForwardedFacts>
}

/** The same for frameworks that have one context for request and response. */
export interface ContextApi<Context, Sent = void>
  extends SessionLookup<Context>,
    Lifecycle<Context> {
  /**
   * The whole of `POST <refresh path>`: takes the refresh token and answers with its successor as
   * JSON (`accessToken`, `expiresIn`), or with the refusal.
   */
  refresh(context: Context, requirements?: RefreshRequirements): Promise<Sent>
  /** Answers a refusal as the guard would. */
  refuse(context: Context, refused: Refused): Sent
}

/** What handlers ask about a request that the guard let pass. */
export interface SessionLookup<Request> {
  /** Throws `internal_error` where no session was required before the handler. */
  sessionOf(request: Request): SessionView
  /** Undefined for a request that passed without a session. */
  optionalSessionOf(request: Request): SessionView | undefined
  /** The decision with its reasons; undefined when nothing was judged. */
  decisionOf(request: Request): Decision | undefined
  /** What forms of this session send in the field `_form`, or scripts in `x-form-token`. */
  formToken(request: Request): string
}

/** The guard of sessions, in the form of a framework's middleware. */
export interface SessionGuard<Middleware> {
  /**
   * Refuses requests without a session that meets the requirements. Handlers read the session with
   * `sessionOf(request)`.
   */
  requireSession(requirements?: RouteRequirements): Middleware
  /** Lets requests pass with or without a session: `optionalSessionOf(request)`. */
  optionalSession(requirements?: RouteRequirements): Middleware
}

/** How the requests of a framework are read, and its responses written. */
export interface Framework<Request, Response, Sent = void> {
  readonly takes: Arguments
  /** `response`: the one that may bring a cookie. Absent where the request is only read. */
  factsOf(request: Request, response?: Response): HttpFacts
  /** Puts headers on an answer. Its cookies are asked for when the head is written. */
  setHeaders(response: Response, headers: AnswerHeaders): void
  /** Sends a whole answer, or makes what a handler returns to answer. */
  send(response: Response, answer: WholeAnswer): Sent
}

/**
 * Middleware that goes on by calling `next`, with an error for a bug. Neither is called for a
 * request that is refused: its answer has been sent.
 */
export type NextMiddleware<Request, Response> = (
  request: Request,
  response: Response,
  next: (error?: Error) => void,
) => void

/** The request API and the guard's middleware, for frameworks whose middleware gets a `next`. */
export function nextApi<Request extends object, Response>(
  guard: Guard,
  framework: Framework<Request, Response>,
): RequestApi<Request, Response> & SessionGuard<NextMiddleware<Request, Response>> {
  const { api, goOn } = requestApi(guard, framework)

  function middleware(
    verifier: RequestVerifier<VerifiedRequest | OptionallyVerifiedRequest>,
  ): NextMiddleware<Request, Response> {
    return (request, response, next) => {
      // Always an error: frameworks go on when they are handed nothing, or a word.
      const failed = (error: unknown): void => next(bugOf(error))
      verifier.settle(
        framework.factsOf(request, response),
        (verified) => {
          try {
            if (!goOn(request, response, verified)) return
          } catch (error) {
            failed(error)
            return
          }
          next()
        },
        failed,
      )
    }
  }

  return {
    ...api,
    requireSession: (requirements) => middleware(guard.require(requirements)),
    optionalSession: (requirements) => middleware(guard.optional(requirements)),
  }
}

/** The request API of an adapter, and what only the adapter itself needs. */
interface AdapterParts<Api, Request, Response> {
  readonly api: Api
  /** Remembers the session of a request that may go on. */
  note(request: Request, noted: Noted): void
  /**
   * True: the request may go on, its session is noted and its headers are set. False: the refusal
   * has been sent.
   */
  goOn(
    request: Request,
    response: Response,
    verified: VerifiedRequest | OptionallyVerifiedRequest | Refused,
  ): boolean
}

/** The request API for every framework that has one context for request and response. */
export function contextApi<Context extends object, Sent>(
  guard: Guard,
  framework: Framework<Context, Context, Sent>,
): AdapterParts<ContextApi<Context, Sent>, Context, Context> {
  const { api, ...parts } = uncheckedApi(guard, framework)
  const calls: ContextApi<Context, Sent> = {
    ...api,
    login: (context, login) => api.login(context, context, login),
    logout: (context) => api.logout(context, context),
    completeStepUp: (context, proof) => api.completeStepUp(context, context, proof),
    async refresh(context, requirements) {
      const answer = await guard.refresh(framework.factsOf(context), requirements)
      return framework.send(context, answer)
    },
  }
  return { ...parts, api: checkedCalls(calls, framework.takes) }
}

/** The request API for every framework that has a request and a response object. */
export function requestApi<Request extends object, Response, Sent>(
  guard: Guard,
  framework: Framework<Request, Response, Sent>,
): AdapterParts<RequestApi<Request, Response, Sent>, Request, Response> {
  const { api, ...parts } = uncheckedApi(guard, framework)
  return { ...parts, api: checkedCalls(api, framework.takes) }
}

function uncheckedApi<Request extends object, Response, Sent>(
  guard: Guard,
  { takes, factsOf, setHeaders, send }: Framework<Request, Response, Sent>,
): AdapterParts<RequestApi<Request, Response, Sent>, Request, Response> {
  const { note, ...lookup } = sessionLookup<Request>(takes)
  const refuse = (response: Response, { refusal }: Refused): Sent => send(response, refusal)

  function withHeaders<Result extends Done>(
    response: Response,
    result: Result | Refused,
  ): Result | Refused {
    if (result.ok) setHeaders(response, result.headers)
    return result
  }

  const api: RequestApi<Request, Response, Sent> = {
    ...lookup,
    refuse,
    requestFacts: (request) => guard.requestFacts(factsOf(request)),
    forwardedFacts: (request) => guard.forwardedFacts(factsOf(request)),
    beginStepUp: (request, requirements) => guard.beginStepUp(factsOf(request), requirements),
    stepUpFailed: (request, challenge) => guard.stepUpFailed(factsOf(request), challenge),
    loginFailed: (request, subject) => guard.loginFailed(factsOf(request), subject),

    async login(request, response, login) {
      return withHeaders(response, await guard.login(factsOf(request, response), login))
    },
    async logout(request, response) {
      return withHeaders(response, await guard.logout(factsOf(request, response)))
    },
    async completeStepUp(request, response, proof) {
      return withHeaders(response, await guard.completeStepUp(factsOf(request, response), proof))
    },
    async refresh(request, response, requirements) {
      send(response, await guard.refresh(factsOf(request), requirements))
      return response
    },
  }
  return {
    api,
    note,
    goOn(request, response, verified) {
      if (!verified.ok) {
        refuse(response, verified)
        return false
      }
      note(request, verified)
      setHeaders(response, verified.headers)
      return true
    },
  }
}

/** What is remembered of a request that may go on. */
type Noted = Pick<OptionallyVerifiedRequest, 'session' | 'decision'>

/** Remembers under a symbol, so that frameworks' own types and fields stay as they are. */
export function sessionLookup<Request extends object>(
  takes: Arguments,
): SessionLookup<Request> & {
  note(request: Request, noted: Noted): void
} {
  const NOTED = Symbol('verified')

  function notedOf(call: string, request: Request & { [NOTED]?: Noted }): Noted | undefined {
    const noted = request?.[NOTED]
    // Looked at where nothing is noted alone: all other requests are what they should be.
    if (noted === undefined) checkRequest(call, takes, request)
    return noted
  }

  function sessionIn(call: string, request: Request): SessionView {
    const session = notedOf(call, request)?.session
    if (session !== undefined) return session
    throw new SessionError(
      'internal_error',
      'This request has no session. Put requireSession() before the handler, ' +
        'or ask optionalSessionOf().',
    )
  }

  return {
    note(request: Request & { [NOTED]?: Noted }, noted) {
      request[NOTED] = noted
    },
    sessionOf: (request) => sessionIn('sessionOf', request),
    optionalSessionOf: (request) => notedOf('optionalSessionOf', request)?.session,
    decisionOf: (request) => notedOf('decisionOf', request)?.decision,
    formToken: (request) => sessionIn('formToken', request).formToken,
  }
}
