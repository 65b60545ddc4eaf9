import type { IncomingMessage, ServerResponse } from 'node:http'
import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
import type { Sessions } from '../core/sessions.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import type { Argument } from './guard/arguments.ts'
import { isSetCookie, setCookiesOver } from './guard/cookies.ts'
import {
  guard,
  type OptionallyVerifiedRequest,
  type RequestVerifier,
  type VerifiedRequest,
} from './guard/guard.ts'
import {
  type HttpFacts,
  parsedField,
  parsedFields,
  type WholeAnswer,
} from './guard/http-request.ts'
import { adapterOptions, type GuardOptions } from './guard/options.ts'
import { setAnswerHeaders, setCookiesOf } from './node-head.ts'
import { arrivals, headFacts, nodeFacts } from './node-http.ts'
import { type ContextApi, contextApi, type SessionGuard } from './request-api.ts'

export * from './public.ts'

/**
 * A context of Koa, as far as the adapter uses it. Those of routers and those with an application's
 * own types are such contexts, too.
 */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly request: object
  readonly originalUrl: string
  status: number
  body: unknown
  set(name: string, value: string | string[]): void
  remove(name: string): void
}

/** Middleware of Koa. */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>

/** What the guard takes, and where a form token may be. */
export interface KoaOptions extends GuardOptions {
  /**
   * The form token of a form's body. Default: field `_form` of the body that an earlier middleware
   * parsed into `ctx.request.body`.
   */
  readonly formToken?: (ctx: KoaContext) => string | undefined | Promise<string | undefined>
}

const OPTIONS = adapterOptions<KoaOptions>({
  formToken: func<NonNullable<KoaOptions['formToken']>>('it gives the form token'),
})

/** Koa 3: middleware for routes, and the calls for handlers. */
export interface KoaHoldfast extends ContextApi<KoaContext>, SessionGuard<KoaMiddleware> {}

/** Access tokens on Koa 3. */
export interface KoaAccessGuard extends AccessGuard<KoaContext, KoaMiddleware> {}

/**
 * Holdfast for Koa 3. Put what parses bodies (`@koa/bodyparser`, `koa-bodyparser`) before it.
 *
 * @example
 * const { requireSession, sessionOf } = holdfast(sessions, { loginPage: '/login' })
 * app.use(bodyParser())
 * router.post('/orders', requireSession({ sensitivity: 'sensitive' }), (ctx) => {
 *   ctx.body = { buyer: sessionOf(ctx).subject }
 * })
 */
export function holdfast(sessions: Sessions, options: KoaOptions = {}): KoaHoldfast {
  checked(OPTIONS, options)
  const { formToken = (ctx: KoaContext) => parsedField(bodyOf(ctx)) } = options
  const sessionGuard = guard(sessions, options)
  const waited = arrivals()

  function factsOf(ctx: KoaContext): HttpFacts {
    return nodeFacts(ctx.req, {
      url: ctx.originalUrl,
      response: ctx.res,
      waited,
      formToken: () => formToken(ctx),
      formFields: () => parsedFields(bodyOf(ctx)),
    })
  }
  const { api, goOn } = contextApi(sessionGuard, {
    takes: { request: CONTEXT, response: CONTEXT },
    factsOf,
    setHeaders: (ctx: KoaContext, headers) => setAnswerHeaders(ctx.res, headers),
    send,
  })

  function middleware(
    verify: RequestVerifier<VerifiedRequest | OptionallyVerifiedRequest>,
  ): KoaMiddleware {
    return async (ctx, next) => {
      if (goOn(ctx, ctx, await verify(factsOf(ctx)))) await next()
    }
  }

  return {
    ...api,
    requireSession: (requirements) => middleware(sessionGuard.require(requirements)),
    optionalSession: (requirements) => middleware(sessionGuard.optional(requirements)),
  }
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const orders = verifier({ issuer, audience: 'orders', authority })
 * const { requireAccess, accessOf } = accessGuard(orders)
 * app.use(requireAccess())
 * router.get('/orders', (ctx) => {
 *   ctx.body = { buyer: accessOf(ctx).sub }
 * })
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): KoaAccessGuard {
  const { accessOf, requiring } = accessGuardOf<KoaContext>(verifier, options, (ctx) =>
    headFacts(ctx.req, ctx.originalUrl),
  )
  return {
    accessOf,
    requireAccess: requiring(
      (verify): KoaMiddleware =>
        async (ctx, next) => {
          const verified = await verify(ctx)
          if (verified.ok) await next()
          else send(ctx, verified.refusal)
        },
    ),
  }
}

const CONTEXT: Argument = { name: 'ctx', fits: (value) => 'req' in value && 'res' in value }

/** The body that an earlier middleware parsed. */
function bodyOf({ request }: KoaContext): unknown {
  return 'body' in request ? request.body : undefined
}

function send(ctx: KoaContext, { status, headers, body }: WholeAnswer): void {
  ctx.status = status
  ctx.body = body
  // Koa has guessed a type, also for an empty body.
  ctx.remove('content-type')
  for (const header of headers) if (!isSetCookie(header)) ctx.set(...header)
  if (headers.some(isSetCookie)) {
    ctx.set('set-cookie', [...setCookiesOver(setCookiesOf(ctx.res), headers)])
  }
}
