import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { bodyParser } from '@koa/bodyparser'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { fastify, type RouteShorthandOptions } from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import Koa from 'koa'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  holdfast as onExpress,
  accessGuard as tokensOnExpress,
} from '../../src/adapters/express.ts'
import {
  holdfast as onFastify,
  accessGuard as tokensOnFastify,
} from '../../src/adapters/fastify.ts'
import { holdfast as onHono, accessGuard as tokensOnHono } from '../../src/adapters/hono.ts'
import { holdfast as onKoa, accessGuard as tokensOnKoa } from '../../src/adapters/koa.ts'
import type {
  AccessGuardOptions,
  AccessVerifier,
  GuardOptions,
  RouteRequirements,
} from '../../src/adapters/public.ts'
import { type RawRequest, rawRequest } from '../../src/contracts/adapters/raw-http.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import { EXPRESSES } from '../contracts/apps/express.ts'
import { type Listening, listening } from '../contracts/apps/listening.ts'
import { ED, ours, tokenBy } from '../support/access-tokens.ts'
import { harness, inMemory } from '../support/harness.ts'

/** Frameworks take an error that is nothing, or such a word, for the word to go on. */
const THROWN = [new Error('a bug'), undefined, null, 'route', 'router', false]

/** What became of the requests to a route. */
interface Seen {
  passed: number
  readonly errors: unknown[]
}

/** What goes wrong at a route of sessions. */
interface SessionFault {
  readonly options?: GuardOptions & { readonly formToken?: () => Promise<undefined> }
  readonly requirements?: RouteRequirements
  readonly verify?: Sessions['verify']
}

/** Serves one route of all methods behind one guard; its own error handling answers 500. */
interface Framework {
  sessions(sessions: Sessions, fault: SessionFault, seen: Seen): Promise<Listening>
  tokens(verifier: AccessVerifier, options: AccessGuardOptions, seen: Seen): Promise<Listening>
}

const FRAMEWORKS: readonly (readonly [name: string, Framework])[] = [
  ...EXPRESSES.map(([name, express]): readonly [string, Framework] => {
    function serve(guard: RequestHandler, seen: Seen): Promise<Listening> {
      const failed: ErrorRequestHandler = (error, _request, response, _next) => {
        seen.errors.push(error)
        response.sendStatus(500)
      }
      const app = express()
      app.use(express.urlencoded({ extended: false }))
      app.use(guard)
      app.use((_, response) => {
        seen.passed++
        response.end()
      })
      app.use(failed)
      return listening(createServer(app))
    }
    return [
      name,
      {
        sessions: (sessions, { options, requirements }, seen) =>
          serve(onExpress(sessions, options).requireSession(requirements), seen),
        tokens: (verifier, options, seen) =>
          serve(tokensOnExpress(verifier, options).requireAccess(), seen),
      },
    ]
  }),
  [
    'fastify',
    {
      sessions: (sessions, { options, requirements }, seen) =>
        serveFastify(
          { preHandler: onFastify(sessions, options).requireSession(requirements) },
          seen,
        ),
      tokens: (verifier, options, seen) =>
        serveFastify({ onRequest: tokensOnFastify(verifier, options).requireAccess() }, seen),
    },
  ],
  [
    'hono',
    {
      sessions: (sessions, { options, requirements }, seen) =>
        serveHono(onHono(sessions, options).requireSession(requirements), seen),
      tokens: (verifier, options, seen) =>
        serveHono(tokensOnHono(verifier, options).requireAccess(), seen),
    },
  ],
  [
    'koa',
    {
      sessions: (sessions, { options, requirements }, seen) =>
        serveKoa(onKoa(sessions, options).requireSession(requirements), seen),
      tokens: (verifier, options, seen) =>
        serveKoa(tokensOnKoa(verifier, options).requireAccess(), seen),
    },
  ],
]

async function serveFastify(guard: RouteShorthandOptions, seen: Seen): Promise<Listening> {
  const app = fastify()
  const type = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(type, { parseAs: 'string' }, (_, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.setErrorHandler((error, _, reply) => {
    seen.errors.push(error)
    return reply.code(500).send()
  })
  app.all('/', guard, async () => {
    seen.passed++
    return ''
  })
  return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
}

function serveHono(guard: MiddlewareHandler, seen: Seen): Promise<Listening> {
  const app = new Hono()
  app.use(guard)
  app.all('/', (c) => {
    seen.passed++
    return c.body(null)
  })
  app.onError((error, c) => {
    seen.errors.push(error)
    return c.body(null, 500)
  })
  return listening(createServer(getRequestListener(app.fetch)))
}

function serveKoa(guard: Koa.Middleware, seen: Seen): Promise<Listening> {
  const app = new Koa()
  app.on('error', (error) => void seen.errors.push(error))
  app.use(bodyParser())
  app.use(guard)
  app.use((ctx) => {
    seen.passed++
    ctx.body = ''
  })
  return listening(createServer(app.callback()))
}

/** Throws what it is given, wherever somebody's own code is called. */
function thrower(thrown: unknown): () => never {
  return () => {
    throw thrown
  }
}

const FORM: RawRequest = {
  method: 'POST',
  headers: [
    ['content-type', 'application/x-www-form-urlencoded'],
    ['sec-fetch-site', 'same-origin'],
    ['sec-fetch-mode', 'navigate'],
    ['sec-fetch-dest', 'document'],
  ],
  body: 'a=b',
}

/** Where the application's own code, or a store of its own, can throw on the way to a handler. */
const SESSION_FAULTS: readonly {
  readonly name: string
  readonly request?: RawRequest
  readonly anonymous?: boolean
  faultOf(thrown: unknown): SessionFault
}[] = [
  {
    name: 'a wording',
    anonymous: true,
    faultOf: (thrown) => ({ options: { onRefusal: thrower(thrown) } }),
  },
  { name: 'the engine', faultOf: (thrown) => ({ verify: async () => thrower(thrown)() }) },
  {
    name: 'the engine, at once',
    faultOf: (thrown) => ({
      verify: Object.assign(async () => thrower(thrown)(), { now: thrower(thrown) }),
    }),
  },
  {
    name: 'the form token',
    request: FORM,
    faultOf: (thrown) => ({ options: { formToken: async () => thrower(thrown)() } }),
  },
  {
    name: 'the form token, at once',
    request: FORM,
    faultOf: (thrown) => ({ options: { formToken: thrower(thrown) } }),
  },
  {
    name: 'a place for forms',
    request: FORM,
    faultOf: (thrown) => ({
      requirements: { acr: 'aal2' },
      options: {
        stepUpPage: '/step-up',
        heldForms: { hold: async () => thrower(thrown)(), take: async () => undefined },
      },
    }),
  },
]

describe.each(FRAMEWORKS)('on %s', (_, framework) => {
  describe.each(SESSION_FAULTS)('$name that throws', ({ faultOf, request = {}, anonymous }) => {
    test.each(THROWN)('%j reaches the error handling, and nobody passes', async (thrown) => {
      const { sessions, login } = await harness(inMemory, { acrOrder: ['aal1', 'aal2'] })
      const from = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
      const token = await login({ request: from, acr: 'aal1' })
      const fault = faultOf(thrown)
      const { verify = sessions.verify } = fault
      const seen: Seen = { passed: 0, errors: [] }
      const { origin, close } = await framework.sessions({ ...sessions, verify }, fault, seen)
      onTestFinished(close)
      const cookie = anonymous ? [] : [['cookie', `__Host-session=${token}`] as const]

      const { status } = await rawRequest(`${origin}/`, {
        ...request,
        headers: [...(request.headers ?? []), ...cookie],
      })

      expect(status).toBe(500)
      expect(seen).toEqual({ passed: 0, errors: [expect.any(Error)] })
    })
  })

  test.each(THROWN)('a log of refused access that throws %j lets nobody pass', async (thrown) => {
    const seen: Seen = { passed: 0, errors: [] }
    const options = { onRefused: thrower(thrown) }
    const { origin, close } = await framework.tokens(ours(), options, seen)
    onTestFinished(close)

    const { status } = await rawRequest(`${origin}/`)

    expect(status).toBe(500)
    expect(seen).toEqual({ passed: 0, errors: [expect.any(Error)] })
  })

  test.each(THROWN)('keys of access tokens that throw %j let nobody pass', async (thrown) => {
    const seen: Seen = { passed: 0, errors: [] }
    const verifier = ours({ keys: { find: async () => thrower(thrown)() } })
    const { origin, close } = await framework.tokens(verifier, {}, seen)
    onTestFinished(close)

    const headers = [['authorization', `Bearer ${tokenBy(ED)}`]] as const
    const { status } = await rawRequest(`${origin}/`, { headers })

    expect(status).toBe(500)
    expect(seen).toEqual({ passed: 0, errors: [expect.any(Error)] })
  })
})

test.each(EXPRESSES)('on %s an answer that has begun is a fault, too', async (_, express) => {
  const { sessions } = await harness(inMemory)
  const errors: unknown[] = []
  const heard: ErrorRequestHandler = (error, _request, response, _next) => {
    errors.push(error)
    response.destroy()
  }
  const app = express()
  app.use((_, response, next) => {
    response.write('It has begun.')
    next()
  })
  app.get('/session', onExpress(sessions).requireSession())
  app.get('/access', tokensOnExpress(ours()).requireAccess())
  app.use(heard)
  const { origin, close } = await listening(createServer(app))
  onTestFinished(close)

  for (const path of ['/session', '/access']) {
    await expect(rawRequest(`${origin}${path}`)).rejects.toThrow()
  }

  expect(errors).toEqual([expect.any(Error), expect.any(Error)])
})

test.each(EXPRESSES)(
  'on %s a wrapper hands on what a call of a handler throws',
  async (_, express) => {
    const { sessions } = await harness(inMemory)
    const bug = async () => thrower(undefined)()
    const { login } = onExpress({ ...sessions, create: bug })
    const errors: unknown[] = []
    const heard: ErrorRequestHandler = (error, _request, response, _next) => {
      errors.push(error)
      response.sendStatus(500)
    }
    const app = express()
    app.post('/login', (request, response, next) => {
      login(request, response, { subject: 'ada' }).then(() => response.end(), next)
    })
    app.use(heard)
    const { origin, close } = await listening(createServer(app))
    onTestFinished(close)

    const headers = [['sec-fetch-site', 'same-origin']] as const
    const { status, setCookies } = await rawRequest(`${origin}/login`, { method: 'POST', headers })

    expect([status, setCookies]).toEqual([500, []])
    expect(errors).toEqual([expect.any(Error)])
  },
)
