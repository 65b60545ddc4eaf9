import { createServer, Server } from 'node:http'
import { createAdaptorServer, getRequestListener } from '@hono/node-server'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { accessGuard as onExpress } from '../../../src/adapters/express.ts'
import { accessGuard as onFastify } from '../../../src/adapters/fastify.ts'
import { accessGuard as onFetch } from '../../../src/adapters/fetch.ts'
import { accessGuard as onHono } from '../../../src/adapters/hono.ts'
import { accessGuard as onKoa } from '../../../src/adapters/koa.ts'
import { accessGuard as onNode } from '../../../src/adapters/node.ts'
import type { AccessGuardOptions, AccessVerifier } from '../../../src/adapters/public.ts'
import { EXPRESSES } from './express.ts'
import { type Listening, listening } from './listening.ts'
import { PLATFORMS, serveNest } from './nest.ts'

/**
 * Starts a service whose every route needs an access token; `/strong` needs `aal3`, proved within a
 * minute.
 */
export type StartService = (
  verifier: AccessVerifier,
  options: AccessGuardOptions,
) => Promise<Listening>

const STRONG = { acr: 'aal3', maxAge: 60_000 }

export const SERVICES: readonly (readonly [name: string, start: StartService])[] = [
  ...EXPRESSES.map(([name, express]): readonly [string, StartService] => [
    name,
    (verifier, options) => {
      const { requireAccess, accessOf } = onExpress(verifier, options)
      const app = express()
      app.use(requireAccess())
      app.get('/strong', requireAccess(STRONG), (_, response) => void response.end())
      app.all('/me', (request, response) => void response.json(accessOf(request)))
      return listening(createServer(app))
    },
  ]),
  [
    'fastify',
    async (verifier, options) => {
      const { requireAccess, accessOf } = onFastify(verifier, options)
      const app = fastify()
      app.addHook('onRequest', requireAccess())
      app.get('/strong', { preHandler: requireAccess(STRONG) }, async () => '')
      app.all('/me', async (request) => accessOf(request))
      return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
    },
  ],
  [
    'fetch',
    (verifier, options) => {
      const { requireAccess, accessOf } = onFetch(verifier, options)
      const strong = requireAccess(STRONG)(() => new Response())
      const me = requireAccess()((request, claims) => {
        if (accessOf(request) !== claims) throw new Error('two answers to one question')
        return Response.json(claims)
      })
      const route = (request: Request): Promise<Response> =>
        new URL(request.url).pathname === '/strong' ? strong(request) : me(request)
      return listening(createServer(getRequestListener(route)))
    },
  ],
  [
    'hono',
    (verifier, options) => {
      const { requireAccess, accessOf } = onHono(verifier, options)
      const app = new Hono()
      app.use(requireAccess())
      app.get('/strong', requireAccess(STRONG), (c) => c.body(null))
      app.all('/me', requireAccess(), (c) => {
        if (accessOf(c) !== c.get('access')) throw new Error('two answers to one question')
        return c.json(c.get('access'))
      })
      const server = createAdaptorServer({ fetch: app.fetch })
      if (!(server instanceof Server)) throw new Error('An HTTP/1.1 server was expected.')
      return listening(server)
    },
  ],
  [
    'koa',
    (verifier, options) => {
      const { requireAccess, accessOf } = onKoa(verifier, options)
      const app = new Koa()
      app.silent = true
      app.use(requireAccess())
      app.use((ctx, next) => (ctx.path === '/strong' ? requireAccess(STRONG)(ctx, next) : next()))
      app.use((ctx) => {
        ctx.body = accessOf(ctx)
      })
      return listening(createServer(app.callback()))
    },
  ],
  ...PLATFORMS.map(([name, platform]): readonly [string, StartService] => [
    name,
    (verifier, options) => serveNest(platform, verifier, options),
  ]),
  [
    'node',
    (verifier, options) => {
      const { requireAccess, accessOf } = onNode(verifier, options)
      const everywhere = requireAccess()
      const strong = requireAccess(STRONG)
      return listening(
        createServer(async (request, response) => {
          const required = request.url === '/strong' ? strong : everywhere
          try {
            const claims = await required(request, response)
            if (claims !== undefined) response.end(JSON.stringify(accessOf(request)))
          } catch {
            response.writeHead(500).end()
          }
        }),
      )
    },
  ],
]
