import { fastify } from 'fastify'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast, ownPath } from 'holdfast/fastify'
import { memoryStore } from 'holdfast/memory'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { HOST, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/** Fastify 5. */
export async function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page).
  const hf = holdfast(sessions, { loginPage: '/login' })
  const notes = new Map<string, string>()
  const app = fastify({ bodyLimit: 8192 })

  // As @fastify/formbody does. The guards look for the form token in the parsed body.
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )

  app.get('/login', (_, reply) => reply.type(HTML).send(loginPage()))

  app.post<{ Querystring: { return?: unknown } }>('/login', async (request, reply) => {
    const { right, user } = checkLogin(request.body)
    if (!right) {
      // Failed tries are part of what speaks for or against a later session of this user.
      if (user !== undefined) await hf.loginFailed(request, { subject: user })
      return reply.code(401).type(HTML).send(loginPage('Name or password is wrong.'))
    }
    const done = await hf.login(request, reply, { subject: user, amr: ['pwd'] })
    if (!done.ok) return hf.refuse(reply, done)
    return reply.redirect(ownPath(request.query.return), 303)
  })

  // A browser without a session is sent to the login page, a program gets 401. Guards belong into
  // `preHandler`.
  app.get('/', { preHandler: hf.requireSession() }, (request, reply) => {
    const { subject: user, formToken } = hf.sessionOf(request)
    reply.type(HTML).send(homePage({ user, note: notes.get(user) ?? '', formToken }))
  })

  // Changes the secret before it answers, and asks more of the place that the request comes from.
  const sensitive = hf.requireSession({ sensitivity: 'sensitive' })
  app.get('/api-key', { preHandler: sensitive }, async (request) => {
    return `The API key of ${hf.sessionOf(request).subject}\n`
  })

  // A form without the form token of this session is refused before the handler sees it.
  app.post('/note', { preHandler: hf.requireSession() }, (request, reply) => {
    notes.set(hf.sessionOf(request).subject, fieldOf(request.body, 'note'))
    reply.redirect('/', 303)
  })

  // No guard: a session that may do nothing else may still end.
  app.post('/logout', async (request, reply) => {
    const done = await hf.logout(request, reply)
    if (!done.ok) return hf.refuse(reply, done)
    return reply.redirect('/login', 303)
  })

  return { url: await app.listen({ host: HOST, port }), close: () => app.close() }
}

const HTML = 'text/html; charset=utf-8'

await runAsProgram(import.meta.url, start)
