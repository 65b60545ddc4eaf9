import { createServer } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { Get, Header, HttpCode, Module, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import * as onExpress from '../../src/adapters/express.ts'
import * as onFastify from '../../src/adapters/fastify.ts'
import * as onFetch from '../../src/adapters/fetch.ts'
import * as onHono from '../../src/adapters/hono.ts'
import * as onKoa from '../../src/adapters/koa.ts'
import { Holdfast, HoldfastModule, RequireSession } from '../../src/adapters/nest.ts'
import * as onNode from '../../src/adapters/node.ts'
import type { GuardOptions } from '../../src/adapters/public.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import type { Application } from '../../src/testing/index.ts'
import { controller } from '../contracts/apps/nest.ts'

/**
 * A small application as its author would write it: `POST /login` takes any name, `GET /account`
 * and `POST /note` need a session, `POST /orders` is sensitive, `POST /unguarded` should be.
 */
export type AppUnderTest = (
  sessions: Sessions,
  options?: GuardOptions,
) => Application | Promise<Application>

const SENSITIVE = { sensitivity: 'sensitive' } as const

export const expressApp = (sessions: Sessions, options: GuardOptions = {}): express.Express => {
  const { requireSession, sessionOf, login, refuse } = onExpress.holdfast(sessions, options)
  const app = express()
  app.use(express.json(), express.urlencoded({ extended: false }))
  app.post('/login', async (request, response) => {
    const done = await login(request, response, { subject: request.body.name, factors: ['otp'] })
    if (!done.ok) return refuse(response, done)
    response.redirect(303, '/account')
  })
  app.get('/account', requireSession(), (request, response) => {
    response.json({ user: sessionOf(request).subject, from: request.ip })
  })
  app.post('/note', requireSession(), (request, response) => {
    response.status(201).json({ note: request.body.note })
  })
  app.post('/orders', requireSession(SENSITIVE), (request, response) => {
    response.status(201).json({ buyer: sessionOf(request).subject, item: request.body.item })
  })
  app.post('/unguarded', requireSession(), (_, response) => {
    response.status(201).end()
  })
  return app
}

export const fastifyApp = (sessions: Sessions, options: GuardOptions = {}) => {
  const { requireSession, sessionOf, login, refuse } = onFastify.holdfast(sessions, options)
  const app = fastify()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.post<{ Body: { name: string } }>('/login', async (request, reply) => {
    const done = await login(request, reply, { subject: request.body.name, factors: ['otp'] })
    if (!done.ok) return refuse(reply, done)
    return reply.redirect('/account', 303)
  })
  app.get('/account', { preHandler: requireSession() }, async (request) => ({
    user: sessionOf(request).subject,
    from: request.ip,
  }))
  app.post<{ Body: { note: string } }>(
    '/note',
    { preHandler: requireSession() },
    async (request, reply) => reply.code(201).send({ note: request.body.note }),
  )
  app.post<{ Body: { item: number } }>(
    '/orders',
    { preHandler: requireSession(SENSITIVE) },
    async (request, reply) =>
      reply.code(201).send({ buyer: sessionOf(request).subject, item: request.body.item }),
  )
  app.post('/unguarded', { preHandler: requireSession() }, async (_, reply) =>
    reply.code(201).send(),
  )
  return app
}

export const honoApp = (sessions: Sessions, options: GuardOptions = {}) => {
  const { requireSession, login, refuse } = onHono.holdfast(sessions, options)
  const app = new Hono()
  app.post('/login', async (c) => {
    const { name } = await c.req.parseBody()
    const done = await login(c, { subject: String(name), factors: ['otp'] })
    return done.ok ? c.redirect('/account', 303) : refuse(c, done)
  })
  app.get('/account', requireSession(), (c) => c.json({ user: c.get('session').subject }))
  app.post('/note', requireSession(), async (c) =>
    c.json({ note: (await c.req.parseBody()).note }, 201),
  )
  app.post('/orders', requireSession(SENSITIVE), async (c) =>
    c.json({ buyer: c.get('session').subject, item: (await c.req.json()).item }, 201),
  )
  app.post('/unguarded', requireSession(), (c) => c.body(null, 201))
  return app
}

/** A bare handler, which its runtime tells the address. */
const fetchApp = (sessions: Sessions, options: GuardOptions = {}): Application => {
  const peers = new WeakMap<Request, string>()
  const { requireSession, login } = onFetch.holdfast(sessions, {
    ...options,
    peer: (request) => peers.get(request),
  })
  const routes: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    async '/login'(request) {
      const form = new URLSearchParams(await request.text())
      const done = await login(request, { subject: form.get('name') ?? '', factors: ['otp'] })
      if (!done.ok) return done.response
      return done.attach(new Response(null, { status: 303, headers: { location: '/account' } }))
    },
    '/account': requireSession()((_, { session }) => Response.json({ user: session.subject })),
    '/note': requireSession()(async (request) => {
      const note = new URLSearchParams(await request.text()).get('note')
      return Response.json({ note }, { status: 201 })
    }),
    '/orders': requireSession(SENSITIVE)(async (request, { session }) => {
      const { item } = await request.json()
      return Response.json({ buyer: session.subject, item }, { status: 201 })
    }),
    '/unguarded': requireSession()(() => new Response(null, { status: 201 })),
  }
  return {
    async fetch(request: Request, env: { incoming: { socket: { remoteAddress: string } } }) {
      peers.set(request, env.incoming.socket.remoteAddress)
      const route = routes[new URL(request.url).pathname]
      return route === undefined ? new Response(null, { status: 404 }) : route(request)
    },
  }
}

const nodeApp = (sessions: Sessions, options: GuardOptions = {}): Application => {
  const bodies = new WeakMap<object, string>()
  const { requireSession, login, refuse } = onNode.holdfast(sessions, {
    ...options,
    formToken: (request) =>
      new URLSearchParams(bodies.get(request) ?? '').get('_form') ?? undefined,
  })
  return createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    bodies.set(request, text)
    const form = new URLSearchParams(text)
    if (request.url === '/login') {
      const facts = { subject: form.get('name') ?? '', factors: ['otp'] }
      const done = await login(request, response, facts)
      if (!done.ok) return refuse(response, done)
      response.writeHead(303, { location: '/account' }).end()
      return
    }
    const required = requireSession(request.url === '/orders' ? SENSITIVE : {})
    const session = await required(request, response)
    if (session === undefined) return
    const { subject } = session
    response.statusCode = request.method === 'GET' ? 200 : 201
    response.setHeader('content-type', 'application/json')
    if (request.url === '/account') response.end(JSON.stringify({ user: subject }))
    else if (request.url === '/note') response.end(JSON.stringify({ note: form.get('note') }))
    else if (request.url === '/unguarded') response.end()
    else response.end(JSON.stringify({ buyer: subject, item: JSON.parse(text).item }))
  })
}

const koaApp = (sessions: Sessions, options: GuardOptions = {}): Application => {
  const { requireSession, sessionOf, login, refuse } = onKoa.holdfast(sessions, options)
  const app = new Koa()
  const router = new Router()
  app.use(bodyParser())
  router.post('/login', async (ctx) => {
    const { name } = ctx.request.body as { name: string }
    const done = await login(ctx, { subject: name, factors: ['otp'] })
    if (!done.ok) return refuse(ctx, done)
    ctx.status = 303
    ctx.redirect('/account')
  })
  router.get('/account', requireSession(), (ctx) => {
    ctx.body = { user: sessionOf(ctx).subject }
  })
  router.post('/note', requireSession(), (ctx) => {
    ctx.status = 201
    ctx.body = { note: Reflect.get(Object(ctx.request.body), 'note') }
  })
  router.post('/orders', requireSession(SENSITIVE), (ctx) => {
    ctx.status = 201
    const item: unknown = Reflect.get(Object(ctx.request.body), 'item')
    ctx.body = { buyer: sessionOf(ctx).subject, item }
  })
  router.post('/unguarded', requireSession(), (ctx) => {
    ctx.status = 201
  })
  app.use(router.routes())
  return app.callback()
}

const nestApp: AppUnderTest = async (sessions, options = {}) => {
  const { controller: Routes, route, guarded } = controller()
  class App {}
  Module({
    imports: [HoldfastModule.forRoot({ sessions, ...options })],
    controllers: [Routes],
  })(App)
  const created = HttpCode(201)
  route<{ name: string }>(
    Post('login'),
    async (request, response) => {
      const done = await hf.login(request, response, {
        subject: request.body.name,
        factors: ['otp'],
      })
      return done.ok ? '' : hf.refuse(response, done)
    },
    HttpCode(303),
    Header('location', '/account'),
  )
  guarded(RequireSession(), Get('account'), (_, __, session) => ({ user: session?.subject }))
  guarded<{ note: string }>(
    RequireSession(),
    Post('note'),
    (request) => ({ note: request.body.note }),
    created,
  )
  guarded<{ item: number }>(
    RequireSession(SENSITIVE),
    Post('orders'),
    (request, _, session) => ({ buyer: session?.subject, item: request.body.item }),
    created,
  )
  guarded(RequireSession(), Post('unguarded'), () => '', created)

  const app = await NestFactory.create(App, { logger: false })
  const hf = app.get(Holdfast)
  await app.init()
  return app.getHttpServer()
}

export const APPS: readonly (readonly [name: string, app: AppUnderTest])[] = [
  ['express', expressApp],
  ['fastify', fastifyApp],
  ['hono', honoApp],
  ['fetch', fetchApp],
  ['koa', koaApp],
  ['nest', nestApp],
  ['node', nodeApp],
]
