import { fastify } from 'fastify'
import { holdfast } from 'holdfast/fastify'
import { NOBODY, serve } from './shop.ts'

await serve(async (sessions) => {
  const app = fastify()
  if (sessions === undefined) {
    app.get('/orders', async () => ({ user: NOBODY }))
  } else {
    const { requireSession, sessionOf } = holdfast(sessions)
    app.get('/orders', { preHandler: requireSession() }, async (request) => ({
      user: sessionOf(request).subject,
    }))
  }
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
