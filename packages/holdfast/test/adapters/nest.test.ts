import { inspect } from 'node:util'
import {
  type ArgumentsHost,
  Catch,
  type DynamicModule,
  type ExceptionFilter,
  Get,
  HttpException,
  Post,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  Holdfast,
  HoldfastModule,
  holdfast,
  type NestResponse,
  OptionalSession,
  RequestRefused,
  RequireSession,
} from '../../src/adapters/nest.ts'
import { NAVIGATION } from '../../src/contracts/adapters/adapter-answers.ts'
import { type AdapterHarness, engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'
import { type Visitor, visitor } from '../../src/contracts/adapters/visitor.ts'
import { originOf } from '../contracts/apps/listening.ts'
import { controller, PLATFORMS } from '../contracts/apps/nest.ts'

type Routes = ReturnType<typeof controller>

describe.each(PLATFORMS)('%s', (_, platform) => {
  /** An application with these routes, and a login. */
  async function application(
    routes: (routes: Routes, holdfast: () => Holdfast) => void,
    {
      imports = ({ sessions, now }) => [
        HoldfastModule.forRoot({ sessions, now, loginPage: '/login' }),
      ],
      prepare = () => {},
    }: {
      readonly imports?: (engine: AdapterHarness) => DynamicModule[]
      readonly prepare?: (app: Application) => void
    } = {},
  ): Promise<{ readonly client: Visitor; readonly engine: AdapterHarness }> {
    const engine = await engineHarness()
    const added = controller()
    const holdfast = (): Holdfast => app.get(Holdfast)
    added.route<never>(Post('login'), async (request, response) => {
      const done = await holdfast().login(request, response, request.body)
      return done.ok ? {} : holdfast().refuse(response, done)
    })
    routes(added, holdfast)
    class Root {}
    const root = { module: Root, imports: imports(engine), controllers: [added.controller] }
    const app = await NestFactory.create(root, platform(), QUIET)
    prepare(app)
    await app.listen(0, '127.0.0.1')
    onTestFinished(async () => {
      await app.close()
      await engine.close()
    })
    return { client: visitor(originOf(app.getHttpServer().address())), engine }
  }

  test('a session in a parameter that nothing guards is a fault', async () => {
    const { client } = await application(({ guarded }) => {
      guarded(
        () => {},
        Get('open'),
        () => 'open',
      )
    })

    expect((await client.send('/open')).status).toBe(500)
  })

  test('guards of a controller and of its methods add up', async () => {
    const { client } = await application((added) => {
      RequireSession()(added.controller)
      added.guarded(RequireSession({ acr: 'aal2' }), Get('strong'), () => 'strong')
      added.guarded(OptionalSession(), Get('normal'), (_request, _response, session) => ({
        subject: session?.subject,
      }))
    })

    expect((await client.send('/normal')).status).toBe(401)
    expect((await client.post('/login', { subject: 'ada' })).status).toBe(401)
    expect((await client.send('/strong')).json()).toMatchObject({ code: 'token_missing' })
  })

  test('a guard for everything asks every route', async () => {
    const { client } = await application(({ route }) => route(Get('any'), () => 'any'), {
      prepare: (app) => app.useGlobalGuards(app.get(Holdfast).requireSession()),
    })

    const answer = await client.send('/any')

    expect(answer.status).toBe(401)
    expect(answer.header('content-type')).toMatch(/^application\/problem\+json/)
  })

  test('options may come from other providers', async () => {
    const { client } = await application(
      ({ guarded }) => guarded(RequireSession(), Get('me'), (_, __, session) => session?.subject),
      {
        imports: ({ sessions, now }) => [
          HoldfastModule.forRootAsync({
            imports: [{ module: Other, providers: [], exports: [] }],
            useFactory: async () => ({ sessions, now }),
          }),
        ],
      },
    )

    await client.post('/login', { subject: 'ada' })

    expect((await client.send('/me')).body).toBe('ada')
  })

  test("an application's own filter words the body, and no more", async () => {
    const { client, engine } = await application(
      ({ guarded }) => guarded(RequireSession(), Get('me'), () => 'me'),
      { prepare: (app) => app.useGlobalFilters(new EveryFault()) },
    )
    await client.post('/login', { subject: 'ada' })
    await engine.sessions.revokeSubject({ subject: 'ada' }, { reason: 'test' })

    const program = await client.stolenBy().send('/me')
    const person = await client.send('/me', { headers: NAVIGATION })

    expect([program.status, program.json()]).toEqual([401, { own: 'session_unknown' }])
    expect(program.header('www-authenticate')).toContain('invalid_token')
    expect(person.status).toBe(303)
    expect(person.header('location')).toBe('/login?return=%2Fme&reason=session_unknown')
    expect(person.setCookies).toEqual([expect.stringContaining('__Host-session=;')])
  })
})

test('a refusal that ends in a log says nothing of the cookie that it sets', () => {
  const refused = new RequestRefused({
    status: 403,
    headers: [['set-cookie', '__Host-session=secret']],
    body: '',
  })

  expect(inspect(refused, { showHidden: true, depth: 9 })).not.toContain('secret')
  expect(JSON.stringify(refused)).not.toContain('secret')
})

test('what is no HTTP request has no session, and does not pass', async () => {
  const engine = await engineHarness()
  onTestFinished(() => engine.close())
  const guard = holdfast(engine.sessions).requireSession()
  const context = new ExecutionContextHost([{}, {}])
  context.setType('ws')

  await expect(guard.canActivate(context)).rejects.toMatchObject({ code: 'internal_error' })
})

test('requirements that no session could meet end the start', async () => {
  const engine = await engineHarness()
  onTestFinished(() => engine.close())
  const { controller: routes, guarded } = controller()
  guarded(RequireSession({ acr: '' }), Get('me'), () => 'me')
  class Root {}
  const imports = [HoldfastModule.forRoot({ sessions: engine.sessions })]
  const [[, platform] = []] = PLATFORMS
  if (platform === undefined) throw new Error('there are no platforms')

  const started = NestFactory.create({ module: Root, imports, controllers: [routes] }, platform(), {
    logger: false,
    abortOnError: false,
  })

  await expect(started).rejects.toMatchObject({ code: 'config_invalid' })
})

type Application = Awaited<ReturnType<typeof NestFactory.create>>

const QUIET = { logger: false, abortOnError: false, forceCloseConnections: true } as const

class Other {}

/** What many applications have: one filter for everything. */
class EveryFault implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost): void {
    const status = exception instanceof HttpException ? exception.getStatus() : 500
    const content = exception instanceof HttpException ? exception.getResponse() : {}
    const code = typeof content === 'object' && 'code' in content ? content.code : undefined
    const response: NestResponse = host.switchToHttp().getResponse()
    const body = JSON.stringify({ own: code })
    if ('raw' in response) {
      response.code(status)
      response.send(body)
    } else {
      response.statusCode = status
      response.end(body)
    }
  }
}
Catch()(EveryFault)
