import type {
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  preHandlerHookHandler,
} from 'fastify'
import type { Sessions } from '../core/sessions.ts'
import type { AccessRequirements } from '../tokens/requirements.ts'
import {
  type AccessGuardOptions,
  type AccessRequests,
  type AccessVerifier,
  accessJudge,
  accessRequests,
} from './access.ts'
import { withSetCookie } from './guard/cookies.ts'
import {
  type AnswerHeaders,
  guard,
  type Judging,
  type Passed,
  type PassedOptionally,
} from './guard/guard.ts'
import type { HeaderPair, HttpFacts, WholeAnswer } from './guard/http-request.ts'
import { parsedField, parsedFields } from './guard/http-request.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import { arrivals, headFacts, holdHead, nodeFacts } from './node-http.ts'
import { type Answering, answering } from './request-api.ts'

export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface FastifyOptions extends GuardOptions {
  /** The form token of a form's body. Default: field `_form` of the parsed body. */
  readonly formToken?: (request: FastifyRequest) => string | undefined | Promise<string | undefined>
}

/** Fastify 5: hooks for routes, and the calls for handlers. */
export interface FastifyHoldfast extends Answering<FastifyRequest, FastifyReply> {
  /** Refuses requests without a session that meets the requirements; handlers read it with `sessionOf(request)`. */
  requireSession(requirements?: RouteRequirements): preHandlerHookHandler
  /** Lets requests pass with or without a session: `optionalSessionOf(request)`. */
  optionalSession(requirements?: RouteRequirements): preHandlerHookHandler
}

/**
 * Holdfast for Fastify 5. The hooks belong into `preHandler`, where the body is parsed.
 *
 * @example
 * const { requireSession, sessionOf } = holdfast(sessions)
 * app.post('/orders', { preHandler: requireSession({ sensitivity: 'sensitive' }) }, async (request) => ({
 *   buyer: sessionOf(request).subject,
 * }))
 */
export function holdfast(sessions: Sessions, options: FastifyOptions = {}): FastifyHoldfast {
  const { formToken = (request: FastifyRequest) => parsedField(request.body) } = options
  const judge = guard(sessions, options)
  const waited = arrivals()

  function factsOf(request: FastifyRequest): HttpFacts {
    const { raw, originalUrl } = request
    return nodeFacts(raw, {
      url: originalUrl,
      waited,
      formToken: () => formToken(request),
      formFields: () => parsedFields(request.body),
    })
  }
  const { note, ...methods } = answering(judge, { factsOf, setHeaders: setAnswerHeaders, send })

  function hook(judging: Judging<Passed | PassedOptionally>): preHandlerHookHandler {
    return (request, reply, done) => {
      const failed = (error: unknown): void =>
        done(error instanceof Error ? error : new Error(String(error)))
      judging.settle(
        factsOf(request),
        (judged) => {
          try {
            if (!judged.ok) return send(reply, judged.refusal)
            note(request, judged)
            setAnswerHeaders(reply, judged.headers)
          } catch (error) {
            return failed(error)
          }
          done()
        },
        failed,
      )
    }
  }

  return {
    ...methods,
    requireSession: (requirements) => hook(judge.require(requirements)),
    optionalSession: (requirements) => hook(judge.optional(requirements)),
  }
}

/** Access tokens on Fastify 5. */
export interface FastifyAccessGuard extends AccessRequests<FastifyRequest> {
  /** Refuses requests without an access token that meets the requirements, before their body is read. */
  requireAccess(requirements?: AccessRequirements): onRequestAsyncHookHandler
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const { requireAccess, accessOf } = accessGuard(verifier({ issuer, audience: 'orders', authority }))
 * app.addHook('onRequest', requireAccess())
 * app.get('/orders', async (request) => ({ buyer: accessOf(request).sub }))
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): FastifyAccessGuard {
  const judge = accessJudge(verifier, options)
  const { note, accessOf } = accessRequests<FastifyRequest>()
  return {
    accessOf,
    requireAccess(requirements) {
      const required = judge(requirements)
      return async (request, reply) => {
        const judged = await required(headFacts(request.raw, request.originalUrl))
        if (judged.ok) return note(request, judged.claims)
        send(reply, judged.refusal)
        return reply
      }
    },
  }
}

function setAnswerHeaders(reply: FastifyReply, headers: AnswerHeaders): void {
  setHeaders(reply, headers())
  holdHead(reply.raw, headers)
}

function setHeaders(reply: FastifyReply, headers: readonly HeaderPair[]): void {
  for (const [name, value] of headers) {
    if (name !== 'set-cookie') {
      reply.header(name, value)
      continue
    }
    const before = reply.getHeader(name)
    const values = before === undefined ? [] : [before].flat().map(String)
    // Fastify would append to what is there.
    reply.removeHeader(name).header(name, withSetCookie(values, value))
  }
}

function send(reply: FastifyReply, { status, headers, body }: WholeAnswer): void {
  reply.code(status)
  setHeaders(reply, headers)
  reply.send(body)
}
