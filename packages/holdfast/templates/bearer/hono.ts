import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = new Hono()
app.use(bodyLimit({ maxSize: 8192 }))

app.post('/login', async (c) => {
  const user = checkLogin(await c.req.json().catch(() => ({})))
  if (user === undefined) return c.json({ problem: 'Name or password is wrong.' }, 401)
  const done = await login(c, { subject: user, amr: ['pwd'] })
  return done.ok ? c.json({ token: done.token }) : refuse(c, done)
})

// Guarded: without `Authorization: Bearer <token>` the answer is 401.
app.get('/', requireSession(), (c) => c.json({ user: sessionOf(c).subject }))

// Sensitive: it asks more of the place that the request comes from. A copied token is not enough.
app.post('/orders', requireSession({ sensitivity: 'sensitive' }), async (c) => {
  const item = fieldOf(await c.req.json().catch(() => ({})), 'item')
  return c.json({ buyer: sessionOf(c).subject, item }, 201)
})

app.post('/logout', async (c) => {
  const done = await logout(c)
  return done.ok ? c.body(null, 204) : refuse(c, done)
})
