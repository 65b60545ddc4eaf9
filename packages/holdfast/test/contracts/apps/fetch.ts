import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type FetchHoldfast, holdfast } from '../../../src/adapters/fetch.ts'
import { holdfast as nextHoldfast } from '../../../src/adapters/next.ts'
import type { Refused } from '../../../src/adapters/public.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'
import { listening } from './listening.ts'

/** The routes of the adapter contract on fetch. */
export const startFetch: StartAdapter = (sessions, options, slow) => {
  const peers = new WeakMap<Request, string>()
  const peer = (request: Request): string | undefined => peers.get(request)
  return started(holdfast(sessions, { ...options, peer }), slow, peers)
}

/** The same as route handlers of Next. */
export const startNext: StartAdapter = (sessions, options, slow) =>
  started(nextHoldfast(sessions, options), slow, new WeakMap())

/** What handlers of both are written with. */
type Handlers = Omit<FetchHoldfast, 'refuse'> & {
  refuse(refused: Refused & { readonly response: Response }): Response
}

async function started(
  hf: Handlers,
  slow: Parameters<StartAdapter>[2],
  peers: WeakMap<Request, string>,
): ReturnType<StartAdapter> {
  type Handler = (request: Request) => Promise<Response>
  const routes: Readonly<Record<string, Handler>> = {
    '/public': async () => new Response('public'),
    '/maybe': hf.optionalSession()((request, { session }) => {
      if (hf.optionalSessionOf(request) !== session) throw new Error('two answers to one question')
      return Response.json({ subject: session?.subject ?? null })
    }),
    '/me': hf.requireSession()((request, { session, decision }) => {
      const { subject } = hf.sessionOf(request)
      if (session.subject !== subject) throw new Error('two answers to one question')
      if (hf.decisionOf(request) !== decision) throw new Error('two answers to one question')
      return Response.json({ subject, formToken: hf.formToken(request), outcome: decision.outcome })
    }),
    '/transfer': hf.requireSession({ sensitivity: 'sensitive' })((_, { session }) =>
      Response.json({ subject: session.subject }),
    ),
    '/slow': hf.requireSession({ sensitivity: 'sensitive' })(async (_, { session }) => {
      await slow()
      return Response.json({ subject: session.subject })
    }),
    '/theme': hf.requireSession({ sensitivity: 'sensitive' })(
      () => new Response('theme', { headers: { 'set-cookie': THEME } }),
    ),
    '/logo': hf.requireSession({ sensitivity: 'sensitive' })(
      () => new Response('logo', { headers: { 'cache-control': CACHEABLE } }),
    ),
    '/strong': hf.requireSession({ acr: 'aal2', maxAge: 300_000 })((_, { session }) =>
      Response.json({ subject: session.subject }),
    ),
    async '/login'(request) {
      const done = await hf.login(request, await request.json())
      if (!done.ok) return done.response
      const { session, refreshToken } = done
      return done.attach(Response.json({ subject: session.subject, refreshToken }))
    },
    async '/slow/login'(request) {
      const done = await hf.login(request, await request.json())
      if (!done.ok) return done.response
      await slow()
      return done.attach(Response.json({ subject: done.session.subject }))
    },
    async '/slow/step-up'(request) {
      const done = await hf.completeStepUp(request, await request.json())
      if (!done.ok) return done.response
      await slow()
      return done.attach(Response.json({ subject: done.session.subject }))
    },
    async '/refresh'(request) {
      const audience = new URL(request.url).searchParams.get('audience') ?? undefined
      const body = request.method === 'POST' ? await request.clone().json() : {}
      return hf.refresh(request, { audience, token: body.refreshToken })
    },
    async '/logout'(request) {
      const done = await hf.logout(request)
      return done.ok ? done.attach(new Response(null, { status: 204 })) : hf.refuse(done)
    },
    async '/step-up/begin'(request) {
      const { acr } = await request.json()
      const begun = await hf.beginStepUp(request, { acr })
      return begun.ok ? Response.json(begun) : begun.response
    },
    async '/step-up/complete'(request) {
      const done = await hf.completeStepUp(request, await request.json())
      return done.ok ? done.attach(Response.json({ subject: done.session.subject })) : done.response
    },
    '/step-up/in-place': hf.requireSession({ sensitivity: 'sensitive' })(async (request) => {
      const begun = await hf.beginStepUp(request)
      if (!begun.ok) return begun.response
      const { challenge, subject } = begun
      const done = await hf.completeStepUp(request, { challenge, subject, amr: ['otp'] })
      return done.ok ? done.attach(Response.json({ subject })) : done.response
    }),
  }

  const server = await listening(
    createServer(
      getRequestListener(async (request, env) => {
        const peer = 'incoming' in env ? env.incoming.socket.remoteAddress : undefined
        if (peer !== undefined) peers.set(request, peer)
        const handler = routes[new URL(request.url).pathname]
        return handler === undefined ? new Response(null, { status: 404 }) : handler(request)
      }),
    ),
  )
  return { api: hf, ...server }
}
