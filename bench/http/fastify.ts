import { fastify } from 'fastify'
import { holdfast } from 'holdfast/fastify'
import type { FloorHeaders } from '../floor.ts'
import { BEHIND_PROXY, serve } from './server.ts'
import { NOBODY } from './visitors.ts'

await serve(async (door) => {
  const app = fastify()
  switch (door.who) {
    case 'bare':
      app.get('/orders', async () => ({ user: NOBODY }))
      break
    case 'floor':
      app.get('/orders', async (request, reply) => {
        const user = await door.floor.batched(request.headers as FloorHeaders)
        return user === null ? reply.code(401).send() : { user }
      })
      break
    case 'ours': {
      const { requireSession, sessionOf } = holdfast(door.sessions, BEHIND_PROXY)
      app.get('/orders', { preHandler: requireSession() }, async (request) => ({
        user: sessionOf(request).subject,
      }))
    }
  }
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
