import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast, ownPath } from 'holdfast/hono'
import { memoryStore } from 'holdfast/memory'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { listen, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/** Hono 4 on Node. */
export function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page). Runtimes
  // other than Node need `peer`, too.
  const hf = holdfast(sessions, { loginPage: '/login' })
  const notes = new Map<string, string>()
  const app = new Hono()

  // Before the guards: they look for the form token in the body.
  app.use(bodyLimit({ maxSize: 8192 }))

  app.get('/login', (c) => c.html(loginPage()))

  app.post('/login', async (c) => {
    const { right, user } = checkLogin(await formOf(c))
    if (!right) {
      // Failed tries are part of what speaks for or against a later session of this user.
      if (user !== undefined) await hf.loginFailed(c, { subject: user })
      return c.html(loginPage('Name or password is wrong.'), 401)
    }
    const done = await hf.login(c, { subject: user, amr: ['pwd'] })
    if (!done.ok) return hf.refuse(c, done)
    return c.redirect(ownPath(c.req.query('return')), 303)
  })

  // A browser without a session is sent to the login page, a program gets 401.
  app.get('/', hf.requireSession(), (c) => {
    const { subject: user, formToken } = hf.sessionOf(c)
    return c.html(homePage({ user, note: notes.get(user) ?? '', formToken }))
  })

  // Changes the secret before it answers, and asks more of the place that the request comes from.
  app.get('/api-key', hf.requireSession({ sensitivity: 'sensitive' }), (c) =>
    c.text(`The API key of ${hf.sessionOf(c).subject}\n`),
  )

  // A form without the form token of this session is refused before the handler sees it.
  app.post('/note', hf.requireSession(), async (c) => {
    notes.set(hf.sessionOf(c).subject, fieldOf(await formOf(c), 'note'))
    return c.redirect('/', 303)
  })

  // No guard: a session that may do nothing else may still end.
  app.post('/logout', async (c) => {
    const done = await hf.logout(c)
    return done.ok ? c.redirect('/login', 303) : hf.refuse(c, done)
  })

  return listen(createServer(getRequestListener(app.fetch)), port)
}

/** A body that is not the form that it claims to be has no fields. */
async function formOf(c: Context): Promise<unknown> {
  return c.req.parseBody().catch((error: unknown) => {
    if (error instanceof TypeError) return {}
    throw error
  })
}

await runAsProgram(import.meta.url, start)
