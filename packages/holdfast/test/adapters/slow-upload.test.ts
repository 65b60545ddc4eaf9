import { EventEmitter, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import { Module, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { createSessions, newKeyring, type Presented, type Sessions, systemHost } from 'holdfast'
import { holdfast as forExpress } from 'holdfast/express'
import { holdfast as forFastify } from 'holdfast/fastify'
import { holdfast as forKoa } from 'holdfast/koa'
import { memoryStore } from 'holdfast/memory'
import { HoldfastModule, RequireSession } from 'holdfast/nest'
import { holdfast as forNode } from 'holdfast/node'
import Koa from 'koa'
import { expect, onTestFinished, test, vi } from 'vitest'
import { controller, PLATFORMS } from '../contracts/apps/nest.ts'

const WAITED_MS = 65_000

const SERVERS: readonly (readonly [name: string, serve: Serve])[] = [
  ['Express', onExpress(express)],
  ['Express 4', onExpress(express4)],
  ['Fastify', onFastify],
  ['Koa', onKoa],
  ...PLATFORMS.map(([name, platform]) => [name, onNest(platform)] as const),
  ['Node', onNode],
]

test.each(SERVERS)(
  '%s tells how long ago a request was received whose body came late',
  async (_name, serve) => {
    // The login was before the request was received.
    let ago = 2 * WAITED_MS
    const host = { ...systemHost(), now: () => Date.now() - ago }
    const engine = createSessions({ store: memoryStore(), keyring: newKeyring(), host })
    const shown: Presented[] = []
    const sessions: Sessions = {
      ...engine,
      async verify(presented) {
        shown.push(presented)
        return engine.verify(presented)
      },
    }
    const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
    const created = await engine.create({ subject: 'ada', request })
    if (!created.ok) throw new Error(created.code)
    ago = 0
    let late = 0
    const real = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => real() + late)
    onTestFinished(() => void vi.restoreAllMocks())
    const started = new EventEmitter()
    const { port, close } = await serve(sessions, () => void started.emit('request'))
    onTestFinished(close)
    const received = once(started, 'request')

    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST /up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ` +
        `application/json\r\nContent-Length: 9\r\nCookie: ` +
        `__Host-session=${created.token}\r\nSec-Fetch-Site: same-origin\r\n\r\n{"a":`,
    )
    await received
    late = WAITED_MS
    socket.write('"b"}')
    let answer = ''
    for await (const chunk of socket) answer += chunk

    expect(answer).toMatch(/^HTTP\/1.1 200 /)
    expect(shown).toHaveLength(1)
    expect(shown[0]?.waitedMs).toBeGreaterThanOrEqual(WAITED_MS)
    expect(shown[0]?.waitedMs).toBeLessThan(2 * WAITED_MS)
  },
)

interface Served {
  readonly port: number
  close(): Promise<void>
}

type Serve = (sessions: Sessions, started: () => void) => Promise<Served>

function onExpress(version: typeof express): Serve {
  return (sessions, started) => {
    const { requireSession } = forExpress(sessions)
    const app = version()
    app.use((_request, _response, next) => {
      started()
      next()
    })
    app.use(version.json())
    app.post('/up', requireSession(), (_request, response) => void response.end('done'))
    return listening(createServer(app))
  }
}

function onKoa(sessions: Sessions, started: () => void): Promise<Served> {
  const app = new Koa()
  app.use((_, next) => {
    started()
    return next()
  })
  app.use(bodyParser())
  app.use(forKoa(sessions).requireSession())
  app.use((ctx) => {
    ctx.body = 'done'
  })
  return listening(createServer(app.callback()))
}

function onNest(platform: (typeof PLATFORMS)[number][1]): Serve {
  return async (sessions, started) => {
    const { controller: Routes, guarded } = controller()
    guarded(RequireSession(), Post('up'), () => 'done')
    class App {}
    Module({ imports: [HoldfastModule.forRoot({ sessions })], controllers: [Routes] })(App)
    const app = await NestFactory.create(App, platform(), { logger: false, abortOnError: false })
    app.use((_request: unknown, _response: unknown, next: () => void) => {
      started()
      next()
    })
    await app.listen(0, '127.0.0.1')
    const { port } = app.getHttpServer().address() as AddressInfo
    return { port, close: () => app.close() }
  }
}

async function onFastify(sessions: Sessions, started: () => void): Promise<Served> {
  const { requireSession } = forFastify(sessions)
  const app = fastify()
  app.addHook('onRequest', async () => started())
  app.post('/up', { preHandler: requireSession() }, async () => 'done')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { port, close: () => app.close() }
}

async function onNode(sessions: Sessions, started: () => void): Promise<Served> {
  const required = forNode(sessions).requireSession()
  return listening(
    createServer(async (request, response) => {
      started()
      for await (const _ of request);
      if ((await required(request, response)) !== undefined) response.end('done')
    }),
  )
}

async function listening(server: Server): Promise<Served> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) }
}
