import { createServer } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast, ownPath } from 'holdfast/koa'
import { memoryStore } from 'holdfast/memory'
import Koa from 'koa'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { listen, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/** Koa 3. */
export function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page).
  const hf = holdfast(sessions, { loginPage: '/login' })
  const notes = new Map<string, string>()
  const app = new Koa()
  const router = new Router()

  // Before the guards: they look for the form token in the parsed body.
  app.use(bodyParser({ enableTypes: ['form'], formLimit: '8kb' }))

  router.get('/login', (ctx) => {
    ctx.body = loginPage()
  })

  router.post('/login', async (ctx) => {
    const { right, user } = checkLogin(ctx.request.body)
    if (!right) {
      // Failed tries are part of what speaks for or against a later session of this user.
      if (user !== undefined) await hf.loginFailed(ctx, { subject: user })
      ctx.status = 401
      ctx.body = loginPage('Name or password is wrong.')
      return
    }
    const done = await hf.login(ctx, { subject: user, amr: ['pwd'] })
    if (!done.ok) return hf.refuse(ctx, done)
    ctx.status = 303
    ctx.redirect(ownPath(ctx.query.return))
  })

  // A browser without a session is sent to the login page, a program gets 401.
  router.get('/', hf.requireSession(), (ctx) => {
    const { subject: user, formToken } = hf.sessionOf(ctx)
    ctx.body = homePage({ user, note: notes.get(user) ?? '', formToken })
  })

  // Changes the secret before it answers, and asks more of the place that the request comes from.
  router.get('/api-key', hf.requireSession({ sensitivity: 'sensitive' }), (ctx) => {
    ctx.body = `The API key of ${hf.sessionOf(ctx).subject}\n`
  })

  // A form without the form token of this session is refused before the handler sees it.
  router.post('/note', hf.requireSession(), (ctx) => {
    notes.set(hf.sessionOf(ctx).subject, fieldOf(ctx.request.body, 'note'))
    ctx.status = 303
    ctx.redirect('/')
  })

  // No guard: a session that may do nothing else may still end.
  router.post('/logout', async (ctx) => {
    const done = await hf.logout(ctx)
    if (!done.ok) return hf.refuse(ctx, done)
    ctx.status = 303
    ctx.redirect('/login')
  })

  app.use(router.routes())
  return listen(createServer(app.callback()), port)
}

await runAsProgram(import.meta.url, start)
