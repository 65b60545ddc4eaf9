import type { Request, RequestHandler, Response } from 'express'
import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
import type { Sessions } from '../core/sessions.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import { NODE_REQUEST, NODE_RESPONSE } from './guard/arguments.ts'
import { bugOf } from './guard/faults.ts'
import { guard } from './guard/guard.ts'
import { parsedField, parsedFields } from './guard/http-request.ts'
import { adapterOptions, type GuardOptions } from './guard/options.ts'
import { sendAnswer, setAnswerHeaders } from './node-head.ts'
import { arrivals, headFacts, nodeFacts } from './node-http.ts'
import { nextApi, type RequestApi, type SessionGuard } from './request-api.ts'

export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface ExpressOptions extends GuardOptions {
  /**
   * The form token of a form's body. Default: field `_form` of the body that an earlier middleware
   * parsed.
   */
  readonly formToken?: (request: Request) => string | undefined | Promise<string | undefined>
}

const OPTIONS = adapterOptions<ExpressOptions>({
  formToken: func<NonNullable<ExpressOptions['formToken']>>('it gives the form token'),
})

/** Express 4.18 and 5: middleware for routes, and the calls for handlers. */
export interface ExpressHoldfast
  extends RequestApi<Request, Response>,
    SessionGuard<RequestHandler> {}

/** Access tokens on Express 4.18 and 5. */
export interface ExpressAccessGuard extends AccessGuard<Request, RequestHandler> {}

/**
 * Holdfast for Express, 4.18 or newer.
 *
 * The middleware hands every error to `next`. The calls for handlers reject: on Express 4 an
 * asynchronous handler of your own has to hand that on to `next` itself.
 *
 * @example
 * const { requireSession, sessionOf } = holdfast(sessions, { loginPage: '/login' })
 * app.use(express.urlencoded({ extended: false }))
 * app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (request, response) => {
 *   response.json({ buyer: sessionOf(request).subject })
 * })
 */
export function holdfast(sessions: Sessions, options: ExpressOptions = {}): ExpressHoldfast {
  checked(OPTIONS, options)
  const { formToken = (request: Request) => parsedField(request.body) } = options
  const waited = arrivals()

  return nextApi<Request, Response>(guard(sessions, options), {
    takes: { request: NODE_REQUEST, response: NODE_RESPONSE },
    factsOf: (request, response) =>
      nodeFacts(request, {
        url: request.originalUrl,
        response,
        waited,
        formToken: () => formToken(request),
        formFields: () => parsedFields(request.body),
      }),
    setHeaders: setAnswerHeaders,
    send: sendAnswer,
  })
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const orders = verifier({ issuer, audience: 'orders', authority })
 * const { requireAccess, accessOf } = accessGuard(orders)
 * app.use(requireAccess())
 * app.get('/orders', (request, response) => {
 *   response.json({ buyer: accessOf(request).sub })
 * })
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): ExpressAccessGuard {
  const { accessOf, requiring } = accessGuardOf<Request>(verifier, options, (request) =>
    headFacts(request, request.originalUrl),
  )
  return {
    accessOf,
    requireAccess: requiring(
      (verify): RequestHandler =>
        async (request, response, next) => {
          // Express 4 takes no notice of a rejected promise: its client would wait for ever.
          try {
            const verified = await verify(request)
            if (!verified.ok) {
              sendAnswer(response, verified.refusal)
              return
            }
          } catch (error) {
            next(bugOf(error))
            return
          }
          next()
        },
    ),
  }
}
