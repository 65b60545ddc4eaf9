import type { Decision } from '../core/decision.ts'
import { SessionError } from '../core/errors.ts'
import type { RequestFacts } from '../core/request.ts'
import type { SessionView } from '../core/session.ts'
import type { SubjectRef } from '../core/sessions.ts'
import type { AnswerHeaders, Guard } from './guard/guard.ts'
import type { HeaderPair, HttpFacts, WholeAnswer } from './guard/http-request.ts'
import type { ChallengeBegun, Delivered, Done, LoginFacts, StepUpProof } from './guard/lifecycle.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import type { Refused } from './guard/refusals.ts'

/** How a framework is read and answered: all that its adapter knows. */
export interface Framework<Request, Response> {
  factsOf(request: Request): HttpFacts
  setHeaders(response: Response, headers: AnswerHeaders): void
  /** Sends a whole answer. */
  send(response: Response, answer: WholeAnswer): void
}

/**
 * What an application calls in its handlers. Each sets the headers of what it did on the response; where the answer is
 * `ok: false`, hand it to `refuse`, or answer in your own way.
 */
export interface Answering<Request, Response> extends PassedRequests<Request> {
  /** After the password was right: a new session, its cookie, and the end of whatever the client came with. */
  login(request: Request, response: Response, login: LoginFacts): Promise<Delivered | Refused>
  /** Ends the session; expires the cookie and clears what the browser keeps. */
  logout(request: Request, response: Response): Promise<Done | Refused>
  /** Judges the presentation once more and starts a challenge of 5 minutes. Show `factors`, keep `challenge` in the form. */
  beginStepUp(
    request: Request,
    requirements?: { readonly acr?: string | undefined },
  ): Promise<ChallengeBegun | Refused>
  /** After the factor was right: a new secret, its cookie; every older one is dead. */
  completeStepUp(
    request: Request,
    response: Response,
    proof: StepUpProof,
  ): Promise<Delivered | Refused>
  /**
   * The whole of `POST <refresh path>`: takes the refresh token, answers JSON (`accessToken`, `expiresIn`) with its
   * successor, or the refusal. Nothing is left to do with the response, which it gives back.
   */
  refresh(
    request: Request,
    response: Response,
    requirements?: RefreshRequirements,
  ): Promise<Response>
  /** After the factor was wrong. */
  stepUpFailed(request: Request, challenge: string): Promise<Done | Refused>
  /** After the password was wrong. */
  loginFailed(request: Request, subject: SubjectRef): Promise<Done | Refused>
  /** Answers a refusal as the guard would. */
  refuse(response: Response, refused: Refused): void
  /** The request as the engine sees it. */
  requestFacts(request: Request): RequestFacts
}

/** The same methods for every framework that has a request and a response object. */
export function answering<Request extends object, Response>(
  guard: Guard,
  { factsOf, setHeaders, send }: Framework<Request, Response>,
): Answering<Request, Response> & Pick<ReturnType<typeof passedRequests<Request>>, 'note'> {
  const refuse = (response: Response, { refusal }: Refused): void => send(response, refusal)

  function sending<Result extends { readonly ok: true; readonly headers: readonly HeaderPair[] }>(
    response: Response,
    result: Result | Refused,
  ): Result | Refused {
    if (!result.ok) return result
    const { headers } = result
    setHeaders(response, () => headers)
    return result
  }

  return {
    ...passedRequests<Request>(),
    refuse,
    requestFacts: (request) => guard.requestFacts(factsOf(request)),
    beginStepUp: (request, requirements) => guard.beginStepUp(factsOf(request), requirements),
    stepUpFailed: (request, challenge) => guard.stepUpFailed(factsOf(request), challenge),
    loginFailed: (request, subject) => guard.loginFailed(factsOf(request), subject),

    async login(request, response, login) {
      return sending(response, await guard.login(factsOf(request), login))
    },
    async logout(request, response) {
      return sending(response, await guard.logout(factsOf(request)))
    },
    async completeStepUp(request, response, proof) {
      return sending(response, await guard.completeStepUp(factsOf(request), proof))
    },
    async refresh(request, response, requirements) {
      send(response, await guard.refresh(factsOf(request), requirements))
      return response
    },
  }
}

/** What handlers ask for after the guard let a request pass. */
export interface PassedRequests<Request> {
  /** Throws `internal_error` where no session was required: a route without a guard must not look like a guarded one. */
  sessionOf(request: Request): SessionView
  /** Undefined for a request that passed without a session. */
  optionalSessionOf(request: Request): SessionView | undefined
  /** With its reasons; undefined when nothing was judged. */
  decisionOf(request: Request): Decision | undefined
  /** What forms of this session send in the field `_form`, or scripts in the header `x-form-token`. */
  formToken(request: Request): string
}

interface Judged {
  readonly session: SessionView | undefined
  readonly decision: Decision | undefined
}

/** Remembers under a name that nobody else can have, so that frameworks' own types and fields stay as they are. */
export function passedRequests<Request extends object>(): PassedRequests<Request> & {
  note(request: Request, judged: Judged): void
} {
  const judgedHere = Symbol('judged')
  const judgedOf = (request: Request & { [judgedHere]?: Judged }): Judged | undefined =>
    request[judgedHere]

  function sessionOf(request: Request): SessionView {
    const session = judgedOf(request)?.session
    if (session !== undefined) return session
    throw new SessionError(
      'internal_error',
      'This request has no session. Put requireSession() before the handler, or ask optionalSessionOf().',
    )
  }

  return {
    note(request: Request & { [judgedHere]?: Judged }, judged) {
      request[judgedHere] = judged
    },
    sessionOf,
    optionalSessionOf: (request) => judgedOf(request)?.session,
    decisionOf: (request) => judgedOf(request)?.decision,
    formToken: (request) => sessionOf(request).formToken,
  }
}
