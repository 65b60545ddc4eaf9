import { serve } from '@hono/node-server'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast } from 'holdfast/hono'
import { memoryStore } from 'holdfast/memory'
import { Hono } from 'hono'
import { proverOf, textOf, userOf } from './users.js'

// For development: in this process alone, with new keys at every start. In production,
// `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
const hf = holdfast(sessions, {
  // The reverse proxy on this machine says who the client is.
  address: { trust: { proxies: ['127.0.0.0/8', '::1/128'] } },
})

const app = new Hono()

app.post('/login', async (c) => {
  const user = userOf(await c.req.json())
  if (user === undefined) return c.body(null, 401)
  const done = await hf.login(c, { subject: user, amr: ['pwd'], factors: ['otp'] })
  return done.ok ? c.json({ user }) : hf.refuse(c, done)
})

app.get('/account', hf.requireSession(), (c) => c.json({ user: hf.sessionOf(c).subject }))

// From a place that this user has not confirmed, the answer is 401 `step_up_required`.
app.post('/orders', hf.requireSession({ sensitivity: 'sensitive' }), (c) =>
  c.json({ buyer: hf.sessionOf(c).subject }, 201),
)

app.post('/step-up/begin', async (c) => {
  const begun = await hf.beginStepUp(c, { sensitivity: 'sensitive' })
  if (!begun.ok) return hf.refuse(c, begun)
  return c.json({ challenge: begun.challenge, factors: begun.factors })
})

app.post('/step-up/complete', async (c) => {
  const body: unknown = await c.req.json()
  const challenge = textOf(body, 'challenge')
  const subject = proverOf(body)
  if (subject === undefined) {
    const noted = await hf.stepUpFailed(c, challenge)
    return noted.ok ? c.body(null, 401) : hf.refuse(c, noted)
  }
  const done = await hf.completeStepUp(c, { challenge, subject, amr: ['otp'] })
  return done.ok ? c.json({ user: subject }) : hf.refuse(c, done)
})

app.post('/logout', async (c) => {
  const done = await hf.logout(c)
  return done.ok ? c.body(null, 204) : hf.refuse(c, done)
})

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' })
