import type { ServerResponse } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import type { Decision } from '../core/decision.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import {
  answerResponse,
  fetchFacts,
  fetchHeadFacts,
  formFieldsOf,
  formTokenOf,
  withHeaders,
} from './fetch-http.ts'
import { guard, type OptionallyVerifiedRequest, type VerifiedRequest } from './guard/guard.ts'
import type { HttpFacts } from './guard/http-request.ts'
import type { Done, Lifecycle } from './guard/lifecycle.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import type { Refused } from './guard/refusals.ts'
import { setAnswerHeaders } from './node-head.ts'

export * from './public.ts'

/** What the guard takes, and how a runtime names its client. */
export interface HonoOptions extends GuardOptions {
  /**
   * The socket's remote address. Default: what `@hono/node-server` knows; other runtimes must say.
   */
  readonly peer?: (c: Context) => string | undefined
  /**
   * The form token of a form's body. Default: field `_form` of `c.req.parseBody()`, which handlers
   * can call again.
   */
  readonly formToken?: (c: Context) => string | undefined | Promise<string | undefined>
}

/** What handlers behind `requireSession` read with `c.get('session')` and `c.get('decision')`. */
export interface SessionVariables {
  readonly Variables: { session: SessionView; decision: Decision }
}

/** What handlers behind `optionalSession` read. */
export interface OptionalSessionVariables {
  readonly Variables: { session: SessionView | undefined; decision: Decision | undefined }
}

/** What handlers behind `requireAccess` read with `c.get('access')`. */
export interface AccessVariables {
  readonly Variables: { access: AccessClaims }
}

/**
 * Hono 4. On Node cookies leave when the head of the answer is written. On other runtimes the calls
 * set them on the context at once: answer without delay, and with `c.json`, `c.html`, `c.redirect`
 * or `c.body`, because Hono forgets them when a handler makes a `Response` of its own.
 */
export interface HonoHoldfast extends Lifecycle<Context> {
  requireSession(requirements?: RouteRequirements): MiddlewareHandler<SessionVariables>
  optionalSession(requirements?: RouteRequirements): MiddlewareHandler<OptionalSessionVariables>
  /**
   * The whole of `POST <refresh path>`: takes the refresh token and answers with its successor as
   * JSON, or with the refusal.
   */
  refresh(c: Context, requirements?: RefreshRequirements): Promise<Response>
  /** A refusal as the guard would answer it. */
  refuse(refused: Refused): Response
}

/** Access tokens on Hono 4. */
export interface HonoAccessGuard extends AccessGuard<Context, MiddlewareHandler<AccessVariables>> {}

/**
 * Holdfast for Hono 4.
 *
 * @example
 * const { requireSession } = holdfast(sessions)
 * app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (c) => {
 *   return c.json({ buyer: c.get('session').subject })
 * })
 */
export function holdfast(sessions: Sessions, options: HonoOptions = {}): HonoHoldfast {
  const { peer = (c: Context) => socketOf(c)?.remoteAddress } = options
  const { formToken = (c: Context) => formTokenOf(() => c.req.parseBody({ all: true })) } = options
  const sessionGuard = guard(sessions, options)

  function factsOf(c: Context): HttpFacts {
    const socket = socketOf(c)
    return fetchFacts(c.req.raw, {
      peer: peer(c),
      // With an absolute request target, the scheme in the address is the client's claim.
      ...(socket === undefined ? {} : { encrypted: socket.encrypted === true }),
      formToken: () => formToken(c),
      formFields: () => formFieldsOf(() => c.req.parseBody({ all: true })),
    })
  }

  function middleware<Variables extends SessionVariables | OptionalSessionVariables>(
    verify: (facts: HttpFacts) => Promise<VerifiedRequest | OptionallyVerifiedRequest | Refused>,
  ): MiddlewareHandler<Variables> {
    return async (c, next) => {
      const verified = await verify(factsOf(c))
      if (!verified.ok) return answerResponse(verified.refusal)
      c.set('session', verified.session)
      c.set('decision', verified.decision)
      const { outgoing } = nodeOf(c)
      if (outgoing !== undefined) setAnswerHeaders(outgoing, verified.headers)
      await next()
      if (outgoing !== undefined) return undefined
      // After the handler, because a cookie that it has set itself is newer than the rotated one.
      const answer = withHeaders(c.res, verified.headers())
      if (answer !== c.res) replaceAnswer(c, answer)
      return undefined
    }
  }

  return {
    requireSession: (requirements) =>
      middleware<SessionVariables>(sessionGuard.require(requirements)),
    optionalSession: (requirements) =>
      middleware<OptionalSessionVariables>(sessionGuard.optional(requirements)),
    refuse: ({ refusal }) => answerResponse(refusal),
    requestFacts: (c) => sessionGuard.requestFacts(factsOf(c)),
    login: async (c, login) => withHeadersOn(c, await sessionGuard.login(factsOf(c), login)),
    logout: async (c) => withHeadersOn(c, await sessionGuard.logout(factsOf(c))),
    beginStepUp: (c, requirements) => sessionGuard.beginStepUp(factsOf(c), requirements),
    completeStepUp: async (c, proof) =>
      withHeadersOn(c, await sessionGuard.completeStepUp(factsOf(c), proof)),
    refresh: async (c, requirements) =>
      answerResponse(await sessionGuard.refresh(factsOf(c), requirements)),
    stepUpFailed: (c, challenge) => sessionGuard.stepUpFailed(factsOf(c), challenge),
    loginFailed: (c, subject) => sessionGuard.loginFailed(factsOf(c), subject),
  }
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const { requireAccess } = accessGuard(verifier({ issuer, audience: 'orders', authority }))
 * app.get('/orders', requireAccess(), (c) => c.json({ buyer: c.get('access').sub }))
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): HonoAccessGuard {
  const { accessOf, requiring } = accessGuardOf<Context>(verifier, options, (c) =>
    fetchHeadFacts(c.req.raw),
  )
  return {
    accessOf,
    requireAccess: requiring(
      (verify): MiddlewareHandler<AccessVariables> =>
        async (c, next) => {
          const verified = await verify(c)
          if (!verified.ok) return answerResponse(verified.refusal)
          c.set('access', verified.claims)
          await next()
          return undefined
        },
    ),
  }
}

function withHeadersOn<Result extends Done>(
  c: Context,
  result: Result | Refused,
): Result | Refused {
  if (!result.ok) return result
  const { outgoing } = nodeOf(c)
  if (outgoing !== undefined) {
    setAnswerHeaders(outgoing, result.headers)
    return result
  }
  for (const [name, value] of result.headers()) {
    c.header(name, value, { append: name === 'set-cookie' })
  }
  return result
}

/** Replaces the answer. Hono would merge headers of the old one into it, which it has already. */
function replaceAnswer(c: Context, answer: Response): void {
  c.res = undefined
  c.res = answer
}

interface NodeSocket {
  readonly remoteAddress?: string
  readonly encrypted?: boolean
}

/** What `@hono/node-server` knows of a request. */
interface NodeParts {
  readonly incoming?: { readonly socket?: NodeSocket } | undefined
  readonly outgoing?: ServerResponse
}

/** The parts behind `@hono/node-server`; none on other runtimes. */
function nodeOf(c: Context): NodeParts {
  const env: NodeParts | undefined = c.env
  // Elsewhere the environment has the operator's own names.
  return typeof env?.outgoing?.writeHead === 'function' ? env : { incoming: env?.incoming }
}

function socketOf(c: Context): NodeSocket | undefined {
  return nodeOf(c).incoming?.socket
}
