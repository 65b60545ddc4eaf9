import type { Request, RequestHandler, Response } from 'express'
import type { Sessions } from '../core/sessions.ts'
import type { AccessRequirements } from '../tokens/requirements.ts'
import {
  type AccessGuardOptions,
  type AccessRequests,
  type AccessVerifier,
  accessJudge,
  accessRequests,
} from './access.ts'
import { guard, type Judging, type Passed, type PassedOptionally } from './guard/guard.ts'
import type { HttpFacts } from './guard/http-request.ts'
import { parsedField, parsedFields } from './guard/http-request.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import {
  arrivals,
  headFacts,
  nodeFacts,
  sendAnswer,
  sendRefusal,
  setAnswerHeaders,
} from './node-http.ts'
import { type Answering, answering } from './request-api.ts'

export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface ExpressOptions extends GuardOptions {
  /** The form token of a form's body. Default: field `_form` of the body that an earlier middleware parsed. */
  readonly formToken?: (request: Request) => string | undefined | Promise<string | undefined>
}

/** Express 5: middleware for routes, and the calls for handlers. */
export interface ExpressHoldfast extends Answering<Request, Response> {
  /** Refuses requests without a session that meets the requirements; handlers read it with `sessionOf(request)`. */
  requireSession(requirements?: RouteRequirements): RequestHandler
  /** Lets requests pass with or without a session: `optionalSessionOf(request)`. */
  optionalSession(requirements?: RouteRequirements): RequestHandler
}

/**
 * Holdfast for Express 5.
 *
 * @example
 * const { requireSession, sessionOf } = holdfast(sessions, { loginPage: '/login' })
 * app.use(express.urlencoded({ extended: false }))
 * app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (request, response) => {
 *   response.json({ buyer: sessionOf(request).subject })
 * })
 */
export function holdfast(sessions: Sessions, options: ExpressOptions = {}): ExpressHoldfast {
  const { formToken = (request: Request) => parsedField(request.body) } = options
  const judge = guard(sessions, options)
  const waited = arrivals()

  function factsOf(request: Request): HttpFacts {
    const { originalUrl: url } = request
    return nodeFacts(request, {
      url,
      waited,
      formToken: () => formToken(request),
      formFields: () => parsedFields(request.body),
    })
  }
  const { note, ...methods } = answering<Request, Response>(judge, {
    factsOf,
    setHeaders: setAnswerHeaders,
    send: sendAnswer,
  })

  function middleware(judging: Judging<Passed | PassedOptionally>): RequestHandler {
    return (request, response, next) => {
      judging.settle(
        factsOf(request),
        (judged) => {
          try {
            if (!judged.ok) return sendRefusal(response, judged)
            note(request, judged)
            setAnswerHeaders(response, judged.headers)
          } catch (error) {
            return next(error)
          }
          next()
        },
        next,
      )
    }
  }

  return {
    ...methods,
    requireSession: (requirements) => middleware(judge.require(requirements)),
    optionalSession: (requirements) => middleware(judge.optional(requirements)),
  }
}

/** Access tokens on Express 5. */
export interface ExpressAccessGuard extends AccessRequests<Request> {
  /** Refuses requests without an access token that meets the requirements; handlers read it with `accessOf(request)`. */
  requireAccess(requirements?: AccessRequirements): RequestHandler
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const { requireAccess, accessOf } = accessGuard(verifier({ issuer, audience: 'orders', authority }))
 * app.use(requireAccess())
 * app.get('/orders', (request, response) => void response.json({ buyer: accessOf(request).sub }))
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): ExpressAccessGuard {
  const judge = accessJudge(verifier, options)
  const { note, accessOf } = accessRequests<Request>()
  return {
    accessOf,
    requireAccess(requirements) {
      const required = judge(requirements)
      return async (request, response, next) => {
        const judged = await required(headFacts(request, request.originalUrl))
        if (!judged.ok) return sendRefusal(response, judged)
        note(request, judged.claims)
        next()
      }
    },
  }
}
