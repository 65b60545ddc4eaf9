import { fastify } from 'fastify'
import { ownPath } from 'holdfast/fastify'
import { homePage, loginPage } from './pages.js'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = fastify({ bodyLimit: 8192 })
const html = 'text/html; charset=utf-8'

// As @fastify/formbody does. The guards look for the form token in the parsed body.
app.addContentTypeParser(
  'application/x-www-form-urlencoded',
  { parseAs: 'string' },
  (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
)

app.get('/login', async (_, reply) => reply.type(html).send(loginPage()))

app.post('/login', async (request, reply) => {
  const user = checkLogin(request.body)
  if (user === undefined) {
    return reply.code(401).type(html).send(loginPage('Name or password is wrong.'))
  }
  const done = await login(request, reply, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(reply, done)
  return reply.redirect(ownPath(fieldOf(request.query, 'return')), 303)
})

// Guarded: a browser without a session is sent to the login page, a program gets 401. Guards belong
// into `preHandler`.
app.get('/', { preHandler: requireSession() }, async (request, reply) => {
  const { subject, formToken } = sessionOf(request)
  return reply.type(html).send(homePage(subject, formToken))
})

// Sensitive: it asks more of the place that the request comes from. A copied cookie is not enough.
const sensitive = requireSession({ sensitivity: 'sensitive' })
app.post('/orders', { preHandler: sensitive }, async (request, reply) =>
  reply.code(201).send({ buyer: sessionOf(request).subject, item: fieldOf(request.body, 'item') }),
)

app.post('/logout', async (request, reply) => {
  const done = await logout(request, reply)
  if (!done.ok) return refuse(reply, done)
  return reply.redirect('/login', 303)
})
