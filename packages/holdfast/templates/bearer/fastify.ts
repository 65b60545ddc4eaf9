import { fastify } from 'fastify'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = fastify({ bodyLimit: 8192 })

app.post('/login', async (request, reply) => {
  const user = checkLogin(request.body)
  if (user === undefined) return reply.code(401).send({ problem: 'Name or password is wrong.' })
  const done = await login(request, reply, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(reply, done)
  return { token: done.token }
})

// Guarded: without `Authorization: Bearer <token>` the answer is 401. Guards belong into
// `preHandler`.
app.get('/', { preHandler: requireSession() }, async (request) => ({
  user: sessionOf(request).subject,
}))

// Sensitive: it asks more of the place that the request comes from. A copied token is not enough.
const sensitive = requireSession({ sensitivity: 'sensitive' })
app.post('/orders', { preHandler: sensitive }, async (request, reply) =>
  reply.code(201).send({ buyer: sessionOf(request).subject, item: fieldOf(request.body, 'item') }),
)

app.post('/logout', async (request, reply) => {
  const done = await logout(request, reply)
  if (!done.ok) return refuse(reply, done)
  return reply.code(204).send()
})
