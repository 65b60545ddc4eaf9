import type { ServerResponse } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import type { Decision } from '../core/decision.ts'
import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
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
  isShortForm,
  type ParsedForm,
  withHeaders,
} from './fetch-http.ts'
import type { Argument } from './guard/arguments.ts'
import {
  type AnswerHeaders,
  guard,
  type OptionallyVerifiedRequest,
  type VerifiedRequest,
} from './guard/guard.ts'
import type { HttpFacts } from './guard/http-request.ts'
import { adapterOptions, type GuardOptions, type RouteRequirements } from './guard/options.ts'
import type { Refused } from './guard/refusals.ts'
import { setAnswerHeaders } from './node-head.ts'
import { type ContextApi, contextApi } from './request-api.ts'

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

const OPTIONS = adapterOptions<HonoOptions>({
  peer: func<NonNullable<HonoOptions['peer']>>('it gives the remote address'),
  formToken: func<NonNullable<HonoOptions['formToken']>>('it gives the form token'),
})

/**
 * What handlers behind `requireSession` read with `c.get('session')` and `c.get('decision')`.
 * `sessionOf(c)` and `decisionOf(c)` give the same.
 */
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
export interface HonoHoldfast extends ContextApi<Context, Response> {
  requireSession(requirements?: RouteRequirements): MiddlewareHandler<SessionVariables>
  optionalSession(requirements?: RouteRequirements): MiddlewareHandler<OptionalSessionVariables>
}

/** Access tokens on Hono 4. */
export interface HonoAccessGuard extends AccessGuard<Context, MiddlewareHandler<AccessVariables>> {}

/**
 * Holdfast for Hono 4.
 *
 * @example
 * const { requireSession, sessionOf } = holdfast(sessions)
 * app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (c) => {
 *   return c.json({ buyer: sessionOf(c).subject })
 * })
 */
export function holdfast(sessions: Sessions, options: HonoOptions = {}): HonoHoldfast {
  checked(OPTIONS, options)
  const { peer = (c: Context) => socketOf(c)?.remoteAddress } = options
  const { formToken = (c: Context) => postedOf(c, formTokenOf) } = options
  const sessionGuard = guard(sessions, options)

  function factsOf(c: Context): HttpFacts {
    const socket = socketOf(c)
    return fetchFacts(c.req.raw, {
      peer: peer(c),
      // With an absolute request target, the scheme in the address is the client's claim.
      ...(socket === undefined ? {} : { encrypted: socket.encrypted === true }),
      formToken: () => formToken(c),
      formFields: () => postedOf(c, formFieldsOf),
    })
  }

  const { api, note } = contextApi(sessionGuard, {
    takes: { request: CONTEXT, response: CONTEXT },
    factsOf,
    setHeaders,
    send: (_: Context, answer) => answerResponse(answer),
  })

  function middleware<Variables extends SessionVariables | OptionalSessionVariables>(
    verify: (facts: HttpFacts) => Promise<VerifiedRequest | OptionallyVerifiedRequest | Refused>,
  ): MiddlewareHandler<Variables> {
    return async (c, next) => {
      const verified = await verify(factsOf(c))
      if (!verified.ok) return api.refuse(c, verified)
      note(c, verified)
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
    ...api,
    requireSession: (requirements) =>
      middleware<SessionVariables>(sessionGuard.require(requirements)),
    optionalSession: (requirements) =>
      middleware<OptionalSessionVariables>(sessionGuard.optional(requirements)),
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

const CONTEXT: Argument = { name: 'c', fits: (value) => 'req' in value && 'header' in value }

function setHeaders(c: Context, headers: AnswerHeaders): void {
  const { outgoing } = nodeOf(c)
  if (outgoing !== undefined) {
    setAnswerHeaders(outgoing, headers)
    return
  }
  for (const [name, value] of headers()) c.header(name, value, { append: name === 'set-cookie' })
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

/** What was parsed before is known to Hono; a body that the guard itself reads has to be short. */
async function postedOf<Result>(
  c: Context,
  read: (parse: () => Promise<ParsedForm>) => Promise<Result | undefined>,
): Promise<Result | undefined> {
  if (!c.req.raw.bodyUsed && !isShortForm(c.req.raw.headers)) return undefined
  return read(() => c.req.parseBody({ all: true }))
}
