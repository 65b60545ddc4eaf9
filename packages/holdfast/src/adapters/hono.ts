import type { Context, MiddlewareHandler } from 'hono'
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
import { guard, type Passed, type PassedOptionally } from './guard/guard.ts'
import type { HttpFacts } from './guard/http-request.ts'
import type { ChallengeBegun, Delivered, Done, LoginFacts, StepUpProof } from './guard/lifecycle.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import type { Refused } from './guard/refusals.ts'

export * from './public.ts'

/** What the guard takes, and how a runtime names its client. */
export interface HonoOptions extends GuardOptions {
  /** The socket's remote address. Default: what `@hono/node-server` knows; other runtimes have to say. */
  readonly peer?: (c: Context) => string | undefined
  /** The form token of a form's body. Default: field `_form` of `c.req.parseBody()`, which handlers can call again. */
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

/**
 * Hono 4. The calls set their headers on the context: answer with `c.json`, `c.html`, `c.redirect` or `c.body`, because
 * Hono forgets them when a handler makes a `Response` of its own.
 */
export interface HonoHoldfast {
  requireSession(requirements?: RouteRequirements): MiddlewareHandler<SessionVariables>
  optionalSession(requirements?: RouteRequirements): MiddlewareHandler<OptionalSessionVariables>
  /** After the password was right: a new session and its cookie. */
  login(c: Context, login: LoginFacts): Promise<Delivered | Refused>
  /** Ends the session; expires the cookie and clears what the browser keeps. */
  logout(c: Context): Promise<Done | Refused>
  beginStepUp(
    c: Context,
    requirements?: { readonly acr?: string | undefined },
  ): Promise<ChallengeBegun | Refused>
  /** After the factor was right: a new secret and its cookie. */
  completeStepUp(c: Context, proof: StepUpProof): Promise<Delivered | Refused>
  /** The whole of `POST <refresh path>`: takes the refresh token, answers JSON with its successor, or the refusal. */
  refresh(c: Context, requirements?: RefreshRequirements): Promise<Response>
  /** After the factor was wrong. */
  stepUpFailed(c: Context, challenge: string): Promise<Done | Refused>
  /** After the password was wrong. */
  loginFailed(c: Context, subject: SubjectRef): Promise<Done | Refused>
  /** A refusal as the guard would answer it. */
  refuse(refused: Refused): Response
  requestFacts(c: Context): RequestFacts
}

/**
 * Holdfast for Hono 4.
 *
 * @example
 * const { requireSession } = holdfast(sessions)
 * app.post('/orders', requireSession({ sensitivity: 'sensitive' }), (c) => c.json({ buyer: c.get('session').subject }))
 */
export function holdfast(sessions: Sessions, options: HonoOptions = {}): HonoHoldfast {
  const { peer = (c: Context) => socketOf(c)?.remoteAddress } = options
  const { formToken = (c: Context) => ofParsed(() => c.req.parseBody({ all: true })) } = options
  const judge = guard(sessions, options)

  function factsOf(c: Context): HttpFacts {
    const socket = socketOf(c)
    return fetchFacts(c.req.raw, {
      peer: peer(c),
      // With an absolute request target, the scheme in the address is the client's claim.
      ...(socket === undefined ? {} : { encrypted: socket.encrypted === true }),
      formToken: () => formToken(c),
      formFields: () => fieldsOf(() => c.req.parseBody({ all: true })),
    })
  }

  function middleware<Variables extends SessionVariables | OptionalSessionVariables>(
    judgeRequest: (facts: HttpFacts) => Promise<Passed | PassedOptionally | Refused>,
  ): MiddlewareHandler<Variables> {
    return async (c, next) => {
      const judged = await judgeRequest(factsOf(c))
      if (!judged.ok) return refusalResponse(judged)
      c.set('session', judged.session)
      c.set('decision', judged.decision)
      await next()
      // After the handler: a cookie that it has set itself is newer than the rotated one.
      const answer = withHeaders(c.res, judged.headers())
      if (answer !== c.res) replace(c, answer)
      return undefined
    }
  }

  return {
    refuse: refusalResponse,
    requestFacts: (c) => judge.requestFacts(factsOf(c)),
    requireSession: (requirements) => middleware<SessionVariables>(judge.require(requirements)),
    optionalSession: (requirements) =>
      middleware<OptionalSessionVariables>(judge.optional(requirements)),
    login: async (c, login) => sent(c, await judge.login(factsOf(c), login)),
    logout: async (c) => sent(c, await judge.logout(factsOf(c))),
    beginStepUp: (c, requirements) => judge.beginStepUp(factsOf(c), requirements),
    completeStepUp: async (c, proof) => sent(c, await judge.completeStepUp(factsOf(c), proof)),
    refresh: async (c, requirements) =>
      answerResponse(await judge.refresh(factsOf(c), requirements)),
    stepUpFailed: (c, challenge) => judge.stepUpFailed(factsOf(c), challenge),
    loginFailed: (c, subject) => judge.loginFailed(factsOf(c), subject),
  }
}

/** What handlers behind `requireAccess` read with `c.get('access')`. */
export interface AccessVariables {
  readonly Variables: { access: AccessClaims }
}

/** Access tokens on Hono 4. */
export interface HonoAccessGuard extends AccessRequests<Context> {
  /** Refuses requests without an access token that meets the requirements. */
  requireAccess(requirements?: AccessRequirements): MiddlewareHandler<AccessVariables>
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
  const judge = accessJudge(verifier, options)
  const { note, accessOf } = accessRequests<Context>()
  return {
    accessOf,
    requireAccess(requirements) {
      const required = judge(requirements)
      return async (c, next) => {
        const facts = fetchFacts(c.req.raw, { peer: undefined, formToken: undefined })
        const judged = await required(facts)
        if (!judged.ok) return refusalResponse(judged)
        note(c, judged.claims)
        c.set('access', judged.claims)
        await next()
        return undefined
      }
    },
  }
}

function sent<Result extends Done | Delivered>(
  c: Context,
  result: Result | Refused,
): Result | Refused {
  if (!result.ok) return result
  for (const [name, value] of result.headers) {
    c.header(name, value, { append: name === 'set-cookie' })
  }
  return result
}

/** Hono merges headers of the old answer into a new one; ours has them already. */
function replace(c: Context, answer: Response): void {
  c.res = undefined
  c.res = answer
}

interface NodeSocket {
  readonly remoteAddress?: string
  readonly encrypted?: boolean
}

/** The socket behind `@hono/node-server`; undefined on other runtimes. */
function socketOf(c: Context): NodeSocket | undefined {
  const env: { readonly incoming?: { readonly socket?: NodeSocket } } | undefined = c.env
  return env?.incoming?.socket
}
