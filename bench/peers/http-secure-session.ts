import { randomBytes } from 'node:crypto'
import secureSession, { type Decorated } from '@fastify/secure-session'
import { fastify } from 'fastify'
import { sessionFacts } from '../facts.ts'
import { servePeer } from '../http/server.ts'

await servePeer(async () => {
  const app = fastify()
  const options = { key: randomBytes(32), expiry: 7_200, cookieName: '__Host-session' }
  app.register(secureSession as never, options as never)
  app.get('/orders', async (request, reply) => {
    const { session } = request as unknown as { session: { get(name: string): unknown } }
    const user = session.get('userId')
    return user === undefined ? reply.code(401).send() : { user }
  })
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
  const plugin = app as unknown as Decorated
  return {
    port,
    async login(user) {
      const text = plugin.encodeSecureSession(plugin.createSecureSession(sessionFacts(user)))
      return `__Host-session=${encodeURIComponent(text)}`
    },
  }
})
