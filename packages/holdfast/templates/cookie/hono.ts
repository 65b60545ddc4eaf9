import { ownPath } from 'holdfast/hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { homePage, loginPage } from './pages.js'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = new Hono()

// Before the guards: they look for the form token in the body.
app.use(bodyLimit({ maxSize: 8192 }))

app.get('/login', (c) => c.html(loginPage()))

app.post('/login', async (c) => {
  const user = checkLogin(await c.req.parseBody().catch(() => ({})))
  if (user === undefined) return c.html(loginPage('Name or password is wrong.'), 401)
  const done = await login(c, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(c, done)
  return c.redirect(ownPath(c.req.query('return')), 303)
})

// Guarded: a browser without a session is sent to the login page, a program gets 401.
app.get('/', requireSession(), (c) => {
  const { subject, formToken } = sessionOf(c)
  return c.html(homePage(subject, formToken))
})

// Sensitive: it asks more of the place that the request comes from. A copied cookie is not enough.
app.post('/orders', requireSession({ sensitivity: 'sensitive' }), async (c) => {
  const item = fieldOf(await c.req.parseBody().catch(() => ({})), 'item')
  return c.json({ buyer: sessionOf(c).subject, item }, 201)
})

app.post('/logout', async (c) => {
  const done = await logout(c)
  return done.ok ? c.redirect('/login', 303) : refuse(c, done)
})
