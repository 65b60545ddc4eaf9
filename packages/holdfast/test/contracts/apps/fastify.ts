import { fastify } from 'fastify'
import { holdfast, type LoginFacts, type StepUpProof } from '../../../src/adapters/fastify.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'

/** The routes of the adapter contract on fastify. */
export const startFastify: StartAdapter = async (sessions, options, slow) => {
  const hf = holdfast(sessions, options)
  const app = fastify()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, formOf(String(body))),
  )

  app.get('/public', async () => 'public')
  app.get('/maybe', { preHandler: hf.optionalSession() }, async (request) => ({
    subject: hf.optionalSessionOf(request)?.subject ?? null,
  }))
  app.route({
    method: ['GET', 'POST'],
    url: '/me',
    preHandler: hf.requireSession(),
    handler: async (request) => ({
      subject: hf.sessionOf(request).subject,
      formToken: hf.formToken(request),
      outcome: hf.decisionOf(request)?.outcome,
    }),
  })
  app.post(
    '/transfer',
    { preHandler: hf.requireSession({ sensitivity: 'sensitive' }) },
    async (request) => ({ subject: hf.sessionOf(request).subject }),
  )
  app.get(
    '/slow',
    { preHandler: hf.requireSession({ sensitivity: 'sensitive' }) },
    async (request) => {
      await slow()
      return { subject: hf.sessionOf(request).subject }
    },
  )
  app.get(
    '/theme',
    { preHandler: hf.requireSession({ sensitivity: 'sensitive' }) },
    async (_, reply) => reply.header('set-cookie', THEME).send('theme'),
  )
  app.get(
    '/logo',
    { preHandler: hf.requireSession({ sensitivity: 'sensitive' }) },
    async (_, reply) => reply.header('cache-control', CACHEABLE).send('logo'),
  )
  app.get(
    '/strong',
    { preHandler: hf.requireSession({ acr: 'aal2', maxAge: 300_000 }) },
    async (request) => ({ subject: hf.sessionOf(request).subject }),
  )
  app.post<{ Body: LoginFacts }>('/login', async (request, reply) => {
    const done = await hf.login(request, reply, request.body)
    if (done.ok) return { subject: done.session.subject, refreshToken: done.refreshToken }
    hf.refuse(reply, done)
    return reply
  })
  app.post<{ Body: LoginFacts }>('/slow/login', async (request, reply) => {
    const done = await hf.login(request, reply, request.body)
    if (!done.ok) return hf.refuse(reply, done)
    await slow()
    return { subject: done.session.subject }
  })
  app.post<{ Body: StepUpProof }>('/slow/step-up', async (request, reply) => {
    const done = await hf.completeStepUp(request, reply, request.body)
    if (!done.ok) return hf.refuse(reply, done)
    await slow()
    return { subject: done.session.subject }
  })
  app.route<{ Querystring: { audience?: string }; Body?: { refreshToken?: string } }>({
    method: ['GET', 'POST'],
    url: '/refresh',
    handler: (request, reply) =>
      hf.refresh(request, reply, {
        audience: request.query.audience,
        token: request.body?.refreshToken,
      }),
  })
  app.post('/logout', async (request, reply) => {
    const done = await hf.logout(request, reply)
    if (done.ok) return reply.code(204).send()
    hf.refuse(reply, done)
    return reply
  })
  app.post<{ Body: { acr?: string } }>('/step-up/begin', async (request, reply) => {
    const begun = await hf.beginStepUp(request, { acr: request.body.acr })
    if (begun.ok) return begun
    hf.refuse(reply, begun)
    return reply
  })
  app.post<{ Body: StepUpProof }>('/step-up/complete', async (request, reply) => {
    const done = await hf.completeStepUp(request, reply, request.body)
    if (done.ok) return { subject: done.session.subject }
    hf.refuse(reply, done)
    return reply
  })
  app.post(
    '/step-up/in-place',
    { preHandler: hf.requireSession({ sensitivity: 'sensitive' }) },
    async (request, reply) => {
      const begun = await hf.beginStepUp(request)
      if (!begun.ok) return hf.refuse(reply, begun)
      const { challenge, subject } = begun
      const done = await hf.completeStepUp(request, reply, { challenge, subject, amr: ['otp'] })
      return done.ok ? { subject } : hf.refuse(reply, done)
    },
  )

  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    api: hf,
    origin,
    async close() {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

/** As form parsers do: a repeated field is an array. */
function formOf(body: string): Record<string, string | readonly string[]> {
  const form = new URLSearchParams(body)
  return Object.fromEntries(
    [...form.keys()].map((name) => {
      const [value = '', ...more] = form.getAll(name)
      return [name, more.length === 0 ? value : [value, ...more]]
    }),
  )
}
