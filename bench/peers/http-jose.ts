import { fastify } from 'fastify'
import { generateSecret, jwtVerify, SignJWT } from 'jose'
import { sessionFacts } from '../facts.ts'
import { servePeer } from '../http/server.ts'

const COOKIE = /__Host-session=([^;]+)/

await servePeer(async () => {
  const secret = await generateSecret('HS256')
  const app = fastify()
  app.get('/orders', async (request, reply) => {
    const token = COOKIE.exec(request.headers.cookie ?? '')?.[1] ?? ''
    try {
      const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'] })
      return { user: payload.sub }
    } catch {
      return reply.code(401).send()
    }
  })
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
  return {
    port,
    async login(user) {
      const { userId, ...facts } = sessionFacts(user)
      const signing = new SignJWT({ ...facts })
      const token = await signing
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(secret)
      return `__Host-session=${token}`
    },
  }
})
