import type {
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  preHandlerHookHandler,
} from 'fastify'
import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
import type { Sessions } from '../core/sessions.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import { sendReply, setReplyHeaders } from './fastify-http.ts'
import { type Argument, hasHeaders } from './guard/arguments.ts'
import { guard } from './guard/guard.ts'
import { parsedField, parsedFields } from './guard/http-request.ts'
import { adapterOptions, type GuardOptions } from './guard/options.ts'
import { arrivals, headFacts, nodeFacts } from './node-http.ts'
import { nextApi, type RequestApi, type SessionGuard } from './request-api.ts'

export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface FastifyOptions extends GuardOptions {
  /** The form token of a form's body. Default: field `_form` of the parsed body. */
  readonly formToken?: (request: FastifyRequest) => string | undefined | Promise<string | undefined>
}

const OPTIONS = adapterOptions<FastifyOptions>({
  formToken: func<NonNullable<FastifyOptions['formToken']>>('it gives the form token'),
})

/** Fastify 5: hooks for routes, and the calls for handlers. */
export interface FastifyHoldfast
  extends RequestApi<FastifyRequest, FastifyReply>,
    SessionGuard<preHandlerHookHandler> {}

/** Access tokens on Fastify 5. Requests are refused before their body is read. */
export interface FastifyAccessGuard
  extends AccessGuard<FastifyRequest, onRequestAsyncHookHandler> {}

/**
 * Holdfast for Fastify 5. The hooks belong into `preHandler`, where the body is parsed.
 *
 * @example
 * const { requireSession, sessionOf } = holdfast(sessions)
 * const preHandler = requireSession({ sensitivity: 'sensitive' })
 * app.post('/orders', { preHandler }, async (request) => ({ buyer: sessionOf(request).subject }))
 */
export function holdfast(sessions: Sessions, options: FastifyOptions = {}): FastifyHoldfast {
  checked(OPTIONS, options)
  const { formToken = (request: FastifyRequest) => parsedField(request.body) } = options
  const waited = arrivals()

  const { requireSession, optionalSession, ...api } = nextApi<FastifyRequest, FastifyReply>(
    guard(sessions, options),
    {
      takes: { request: REQUEST, response: REPLY },
      factsOf: (request, reply) =>
        nodeFacts(request.raw, {
          url: request.originalUrl,
          response: reply?.raw,
          waited,
          formToken: () => formToken(request),
          formFields: () => parsedFields(request.body),
        }),
      setHeaders: setReplyHeaders,
      send: sendReply,
    },
  )
  return {
    ...api,
    requireSession: (requirements) => requireSession(requirements),
    optionalSession: (requirements) => optionalSession(requirements),
  }
}

const REQUEST: Argument = {
  name: 'request',
  fits: (value) => hasHeaders(value) && 'raw' in value,
}
const REPLY: Argument = { name: 'reply', fits: (value) => 'raw' in value && 'send' in value }

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const orders = verifier({ issuer, audience: 'orders', authority })
 * const { requireAccess, accessOf } = accessGuard(orders)
 * app.addHook('onRequest', requireAccess())
 * app.get('/orders', async (request) => ({ buyer: accessOf(request).sub }))
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): FastifyAccessGuard {
  const { accessOf, requiring } = accessGuardOf<FastifyRequest>(verifier, options, (request) =>
    headFacts(request.raw, request.originalUrl),
  )
  return {
    accessOf,
    requireAccess: requiring(
      (verify): onRequestAsyncHookHandler =>
        async (request, reply) => {
          const verified = await verify(request)
          if (verified.ok) return
          sendReply(reply, verified.refusal)
          return reply
        },
    ),
  }
}
