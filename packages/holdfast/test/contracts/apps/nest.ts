import {
  All,
  Controller,
  Get,
  Header,
  HttpCode,
  Module,
  Post,
  Req,
  Res,
  type Type,
  UseGuards,
} from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import {
  accessGuard,
  Holdfast,
  HoldfastModule,
  type LoginFacts,
  type NestRequest,
  type NestResponse,
  OptionalSession,
  RequireSession,
  Session,
  type StepUpProof,
} from '../../../src/adapters/nest.ts'
import type { AccessGuardOptions, AccessVerifier } from '../../../src/adapters/public.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'
import type { SessionView } from '../../../src/core/session.ts'
import { type Listening, originOf } from './listening.ts'

/** What Nest runs on. */
export const PLATFORMS: readonly (readonly [name: string, adapter: () => AbstractHttpAdapter])[] = [
  ['nest on express', () => new ExpressAdapter()],
  ['nest on fastify', () => new FastifyAdapter()],
]

/** A request with the parsed body that a route expects. */
type Posted<Body> = NestRequest & { readonly body: Body }

type Handler<Body> = (
  request: Posted<Body>,
  response: NestResponse,
  session: SessionView | undefined,
) => unknown

/** A controller whose routes are added one by one; decorators are called as functions. */
export function controller(): {
  readonly controller: Type
  route<Body>(verb: MethodDecorator, handler: Handler<Body>, ...more: MethodDecorator[]): void
  guarded<Body>(
    guard: MethodDecorator,
    verb: MethodDecorator,
    handler: Handler<Body>,
    ...more: MethodDecorator[]
  ): void
} {
  class Routes {}
  Controller()(Routes)
  let routes = 0

  function add(handler: unknown, parameters: ParameterDecorator[], decorators: MethodDecorator[]) {
    const name = `route${++routes}`
    const method = { value: handler, configurable: true, writable: true }
    Object.defineProperty(Routes.prototype, name, method)
    for (const [at, decorate] of parameters.entries()) decorate(Routes.prototype, name, at)
    for (const decorate of decorators) decorate(Routes.prototype, name, method)
  }

  return {
    controller: Routes,
    route: (verb, handler, ...more) =>
      add(handler, [Req(), Res({ passthrough: true })], [verb, HttpCode(200), ...more]),
    guarded: (guard, verb, handler, ...more) =>
      add(
        handler,
        [Req(), Res({ passthrough: true }), Session()],
        [verb, HttpCode(200), guard, ...more],
      ),
  }
}

/** The routes of the adapter contract on one platform of Nest. */
export const startNest =
  (platform: () => AbstractHttpAdapter): StartAdapter =>
  async (sessions, options, slow) => {
    const { controller: Routes, route, guarded } = controller()
    class App {}
    Module({
      imports: [HoldfastModule.forRoot({ sessions, ...options })],
      controllers: [Routes],
    })(App)
    const sensitive = RequireSession({ sensitivity: 'sensitive' })

    route(Get('public'), () => 'public')
    guarded(OptionalSession(), Get('maybe'), (_, __, session) => ({
      subject: session?.subject ?? null,
    }))
    guarded(RequireSession(), All('me'), (request, _, session) => ({
      subject: session?.subject,
      formToken: hf.formToken(request),
      outcome: hf.decisionOf(request)?.outcome,
    }))
    guarded(sensitive, Post('transfer'), (request) => ({ subject: hf.sessionOf(request).subject }))
    guarded(sensitive, Get('slow'), async (_, __, session) => {
      await slow()
      return { subject: session?.subject }
    })
    guarded(sensitive, Get('theme'), () => 'theme', Header('set-cookie', THEME))
    guarded(sensitive, Get('logo'), () => 'logo', Header('cache-control', CACHEABLE))
    guarded(RequireSession({ acr: 'aal2', maxAge: 300_000 }), Get('strong'), (_, __, session) => ({
      subject: session?.subject,
    }))
    route<LoginFacts>(Post('login'), async (request, response) => {
      const done = await hf.login(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      return { subject: done.session.subject, refreshToken: done.refreshToken }
    })
    route<LoginFacts>(Post('slow/login'), async (request, response) => {
      const done = await hf.login(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      await slow()
      return { subject: done.session.subject }
    })
    route<StepUpProof>(Post('slow/step-up'), async (request, response) => {
      const done = await hf.completeStepUp(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      await slow()
      return { subject: done.session.subject }
    })
    route<{ refreshToken?: string } | undefined>(All('refresh'), (request, response) =>
      hf.refresh(request, response, {
        audience:
          new URL(request.originalUrl, 'http://localhost').searchParams.get('audience') ??
          undefined,
        token: request.body?.refreshToken,
      }),
    )
    route(
      Post('logout'),
      async (request, response) => {
        const done = await hf.logout(request, response)
        if (!done.ok) hf.refuse(response, done)
      },
      HttpCode(204),
    )
    route<{ acr?: string }>(Post('step-up/begin'), async (request, response) => {
      const begun = await hf.beginStepUp(request, { acr: request.body.acr })
      return begun.ok ? begun : hf.refuse(response, begun)
    })
    route<StepUpProof>(Post('step-up/complete'), async (request, response) => {
      const done = await hf.completeStepUp(request, response, request.body)
      return done.ok ? { subject: done.session.subject } : hf.refuse(response, done)
    })
    guarded(sensitive, Post('step-up/in-place'), async (request, response) => {
      const begun = await hf.beginStepUp(request)
      if (!begun.ok) return hf.refuse(response, begun)
      const { challenge, subject } = begun
      const done = await hf.completeStepUp(request, response, { challenge, subject, amr: ['otp'] })
      return done.ok ? { subject } : hf.refuse(response, done)
    })

    const app = await NestFactory.create(App, platform(), QUIET)
    const hf = app.get(Holdfast)
    await app.listen(0, '127.0.0.1')
    return {
      api: hf,
      origin: originOf(app.getHttpServer().address()),
      close: () => app.close(),
    }
  }

/** A service behind access tokens, on one platform of Nest. */
export async function serveNest(
  platform: () => AbstractHttpAdapter,
  verifier: AccessVerifier,
  options: AccessGuardOptions,
): Promise<Listening> {
  const { requireAccess, accessOf } = accessGuard(verifier, options)
  const { controller: Routes, route } = controller()
  const strong = UseGuards(requireAccess({ acr: 'aal3', maxAge: 60_000 }))
  route(Get('strong'), () => '', strong)
  route(All('me'), (request) => accessOf(request))
  class App {}
  Module({ controllers: [Routes] })(App)
  const app = await NestFactory.create(App, platform(), QUIET)
  app.useGlobalGuards(requireAccess())
  await app.listen(0, '127.0.0.1')
  return { origin: originOf(app.getHttpServer().address()), close: () => app.close() }
}

const QUIET = { logger: false, abortOnError: false, forceCloseConnections: true } as const
