import fastify from 'fastify'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast } from 'holdfast/fastify'
import { memoryStore } from 'holdfast/memory'
import { proverOf, textOf, userOf } from './users.js'

// For development: in this process alone, with new keys at every start. In production,
// `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
const hf = holdfast(sessions, {
  // The reverse proxy on this machine says who the client is.
  address: { trust: { proxies: ['127.0.0.0/8', '::1/128'] } },
})

const app = fastify()

app.post('/login', async (request, reply) => {
  const user = userOf(request.body)
  if (user === undefined) return reply.code(401).send()
  const done = await hf.login(request, reply, { subject: user, amr: ['pwd'], factors: ['otp'] })
  if (!done.ok) return hf.refuse(reply, done)
  return { user }
})

app.get('/account', { preHandler: hf.requireSession() }, async (request) => {
  return { user: hf.sessionOf(request).subject }
})

// From a place that this user has not confirmed, the answer is 401 `step_up_required`.
const sensitive = { preHandler: hf.requireSession({ sensitivity: 'sensitive' }) }
app.post('/orders', sensitive, async (request, reply) => {
  return reply.code(201).send({ buyer: hf.sessionOf(request).subject })
})

app.post('/step-up/begin', async (request, reply) => {
  const begun = await hf.beginStepUp(request, { sensitivity: 'sensitive' })
  if (!begun.ok) return hf.refuse(reply, begun)
  return { challenge: begun.challenge, factors: begun.factors }
})

app.post('/step-up/complete', async (request, reply) => {
  const challenge = textOf(request.body, 'challenge')
  const subject = proverOf(request.body)
  if (subject === undefined) {
    const noted = await hf.stepUpFailed(request, challenge)
    if (!noted.ok) return hf.refuse(reply, noted)
    return reply.code(401).send()
  }
  const done = await hf.completeStepUp(request, reply, { challenge, subject, amr: ['otp'] })
  if (!done.ok) return hf.refuse(reply, done)
  return { user: subject }
})

app.post('/logout', async (request, reply) => {
  const done = await hf.logout(request, reply)
  if (!done.ok) return hf.refuse(reply, done)
  return reply.code(204).send()
})

await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
