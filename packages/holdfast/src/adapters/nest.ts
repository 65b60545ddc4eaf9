import {
  type CanActivate,
  createParamDecorator,
  type DynamicModule,
  type ExecutionContext,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  mixin,
  type Type,
  UseGuards,
} from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import { SessionError } from '../core/errors.ts'
import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import { setReplyHeaders } from './fastify-http.ts'
import { type Arguments, checkedCalls, hasHeaders } from './guard/arguments.ts'
import {
  guard,
  type OptionallyVerifiedRequest,
  type RequestVerifier,
  type VerifiedRequest,
} from './guard/guard.ts'
import { type HttpFacts, parsedField, parsedFields } from './guard/http-request.ts'
import { adapterOptions, type GuardOptions, type RouteRequirements } from './guard/options.ts'
import type { RefreshRequirements } from './guard/refresh.ts'
import {
  httpOf,
  type NestExchange,
  type NestRequest,
  type NestResponse,
  put,
  RefusalFilter,
  rawRequest,
  rawResponse,
  throwRefusal,
} from './nest-http.ts'
import { setAnswerHeaders } from './node-head.ts'
import { arrivals, headFacts, nodeFacts } from './node-http.ts'
import {
  type RequestApi,
  requestApi,
  type SessionGuard,
  type SessionLookup,
} from './request-api.ts'

export { type NestRequest, type NestResponse, RequestRefused } from './nest-http.ts'
export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface NestOptions extends GuardOptions {
  /** The form token of a form's body. Default: field `_form` of the parsed body. */
  readonly formToken?: (request: NestRequest) => string | undefined | Promise<string | undefined>
}

const OPTIONS = adapterOptions<NestOptions>({
  formToken: func<NonNullable<NestOptions['formToken']>>('it gives the form token'),
})

/** What the module takes: the sessions, and the options of the guard. */
export interface HoldfastModuleOptions extends NestOptions {
  readonly sessions: Sessions
}

/** What the module takes where its options come from other providers. */
export interface HoldfastModuleAsyncOptions
  extends Pick<ModuleMetadata, 'imports'>,
    Pick<FactoryProvider<HoldfastModuleOptions>, 'inject' | 'useFactory'> {}

type Api = RequestApi<NestRequest, NestResponse, never> & SessionGuard<CanActivate>

/**
 * Nest 11 or newer, on Express or Fastify: what controllers call. Inject it by its class, and ask
 * for the response with `@Res({ passthrough: true })`, so that Nest still answers what a handler
 * returns.
 *
 * @example
 * constructor(private readonly holdfast: Holdfast) {}
 */
export abstract class Holdfast implements SessionLookup<NestRequest>, SessionGuard<CanActivate> {
  abstract readonly sessionOf: Api['sessionOf']
  abstract readonly optionalSessionOf: Api['optionalSessionOf']
  abstract readonly decisionOf: Api['decisionOf']
  abstract readonly formToken: Api['formToken']
  abstract readonly login: Api['login']
  abstract readonly loginFailed: Api['loginFailed']
  abstract readonly logout: Api['logout']
  abstract readonly beginStepUp: Api['beginStepUp']
  abstract readonly completeStepUp: Api['completeStepUp']
  abstract readonly stepUpFailed: Api['stepUpFailed']
  abstract readonly requestFacts: Api['requestFacts']
  abstract readonly forwardedFacts: Api['forwardedFacts']
  /** A guard for `app.useGlobalGuards()`. Controllers have the decorator `@RequireSession()`. */
  abstract readonly requireSession: Api['requireSession']
  /** A guard for `app.useGlobalGuards()`. Controllers have the decorator `@OptionalSession()`. */
  abstract readonly optionalSession: Api['optionalSession']
  /** Throws the refusal: the module's filter answers it as the guard would. */
  abstract readonly refuse: Api['refuse']
  /**
   * The whole of `POST <refresh path>`: takes the refresh token, and gives what the handler
   * returns: `accessToken` and `expiresIn`. Throws the refusal.
   */
  abstract readonly refresh: (
    request: NestRequest,
    response: NestResponse,
    requirements?: RefreshRequirements,
  ) => Promise<unknown>
}

/** Refuses requests without a session that meets the requirements. For methods and controllers. */
export function RequireSession(requirements?: RouteRequirements): MethodDecorator & ClassDecorator {
  return UseGuards(guardClass((holdfast) => holdfast.requireSession(requirements)))
}

/** Lets requests pass with or without a session. For methods and controllers. */
export function OptionalSession(
  requirements?: RouteRequirements,
): MethodDecorator & ClassDecorator {
  return UseGuards(guardClass((holdfast) => holdfast.optionalSession(requirements)))
}

/**
 * The session of the request, for a parameter of a method behind `@RequireSession()`. Behind
 * `@OptionalSession()` it may be undefined.
 */
export const Session: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext) => sessionIn(httpOf(context).request),
)

/**
 * Makes {@link Holdfast} and the decorators known to the whole application, with a filter that
 * answers refusals.
 *
 * @example
 * HoldfastModule.forRoot({ sessions, loginPage: '/login' })
 * HoldfastModule.forRootAsync({
 *   inject: [Database],
 *   useFactory: (database) => ({ sessions: sessionsIn(database), loginPage: '/login' }),
 * })
 */
export const HoldfastModule: {
  forRoot(options: HoldfastModuleOptions): DynamicModule
  forRootAsync(options: HoldfastModuleAsyncOptions): DynamicModule
} = {
  forRoot: (options) => HoldfastModule.forRootAsync({ useFactory: () => options }),

  forRootAsync({ imports = [], inject = [], useFactory }) {
    async function make(...injected: unknown[]): Promise<Holdfast> {
      const { sessions, ...options } = await useFactory(...injected)
      return holdfast(sessions, options)
    }
    return {
      module: HoldfastRootModule,
      global: true,
      imports,
      providers: [
        { provide: Holdfast, inject, useFactory: make },
        { provide: APP_FILTER, useClass: RefusalFilter },
      ],
      exports: [Holdfast],
    }
  },
}

/** Requests and responses of either platform. */
const TAKES: Arguments = {
  request: { name: 'request', fits: (value) => hasHeaders(value) && !('send' in value) },
  response: { name: 'response', fits: (value) => 'setHeader' in value || 'send' in value },
}

/** What {@link HoldfastModule} provides, for applications that provide it themselves. */
export function holdfast(sessions: Sessions, options: NestOptions = {}): Holdfast {
  checked(OPTIONS, options)
  const { formToken = (request: NestRequest) => parsedField(request.body) } = options
  const sessionGuard = guard(sessions, options)
  const waited = arrivals()

  function factsOf(request: NestRequest, response?: NestResponse): HttpFacts {
    return nodeFacts(rawRequest(request), {
      url: request.originalUrl,
      response: response === undefined ? undefined : rawResponse(response),
      waited,
      formToken: () => formToken(request),
      formFields: () => parsedFields(request.body),
    })
  }
  const { api, goOn } = requestApi(sessionGuard, {
    takes: TAKES,
    factsOf,
    setHeaders(response: NestResponse, headers) {
      if ('raw' in response) setReplyHeaders(response, headers)
      else setAnswerHeaders(response, headers)
    },
    send: throwRefusal,
  })

  function canActivate(
    verify: RequestVerifier<VerifiedRequest | OptionallyVerifiedRequest>,
  ): CanActivate {
    return {
      async canActivate(context) {
        const { request, response }: NestExchange & { readonly request: Guarded } = httpOf(context)
        request[LOOKUP] = api
        return goOn(request, response, await verify(factsOf(request, response)))
      },
    }
  }

  const refresh: Holdfast['refresh'] = async (request, response, requirements) => {
    const answer = await sessionGuard.refresh(factsOf(request), requirements)
    if (answer.status !== 200) throwRefusal(response, answer)
    put(response, answer)
    return JSON.parse(answer.body)
  }

  return {
    ...api,
    requireSession: (requirements) => canActivate(sessionGuard.require(requirements)),
    optionalSession: (requirements) => canActivate(sessionGuard.optional(requirements)),
    refresh: checkedCalls({ refresh }, TAKES).refresh,
  }
}

/** Access tokens on Nest: guards for `@UseGuards()` and `app.useGlobalGuards()`. */
export interface NestAccessGuard extends AccessGuard<NestRequest, CanActivate> {}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const orders = verifier({ issuer, audience: 'orders', authority })
 * const { requireAccess, accessOf } = accessGuard(orders)
 * app.useGlobalGuards(requireAccess())
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): NestAccessGuard {
  const { accessOf, requiring } = accessGuardOf<NestRequest>(verifier, options, (request) =>
    headFacts(rawRequest(request), request.originalUrl),
  )
  return {
    accessOf,
    requireAccess: requiring(
      (verify): CanActivate => ({
        async canActivate(context) {
          const { request, response } = httpOf(context)
          const verified = await verify(request)
          return verified.ok || throwRefusal(response, verified.refusal)
        },
      }),
    ),
  }
}

class HoldfastRootModule {}
Module({})(HoldfastRootModule)

/** A guard that Nest makes itself, once it has made {@link Holdfast}. */
function guardClass(guardOf: (holdfast: Holdfast) => CanActivate): Type<CanActivate> {
  class RouteGuard implements CanActivate {
    readonly canActivate: CanActivate['canActivate']

    constructor(holdfast: Holdfast) {
      this.canActivate = guardOf(holdfast).canActivate
    }
  }
  Inject(Holdfast)(RouteGuard, undefined, 0)
  return mixin(RouteGuard)
}

/** On the request: who guards it. Decorators of parameters get nothing injected. */
const LOOKUP = Symbol('guarded by')

interface Guarded {
  [LOOKUP]?: SessionLookup<NestRequest>
}

function sessionIn(request: NestRequest & Guarded): SessionView | undefined {
  const lookup = request[LOOKUP]
  if (lookup !== undefined) return lookup.optionalSessionOf(request)
  throw new SessionError(
    'internal_error',
    'This request has no session. Put @RequireSession() or @OptionalSession() on the method.',
  )
}
