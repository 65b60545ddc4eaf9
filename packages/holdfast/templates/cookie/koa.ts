import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { ownPath } from 'holdfast/koa'
import Koa from 'koa'
import { homePage, loginPage } from './pages.js'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = new Koa()
const router = new Router()

// Before the guards: they look for the form token in the parsed body.
app.use(bodyParser({ enableTypes: ['form'], formLimit: '8kb' }))

router.get('/login', (ctx) => {
  ctx.body = loginPage()
})

router.post('/login', async (ctx) => {
  const user = checkLogin(ctx.request.body)
  if (user === undefined) {
    ctx.status = 401
    ctx.body = loginPage('Name or password is wrong.')
    return
  }
  const done = await login(ctx, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(ctx, done)
  ctx.status = 303
  ctx.redirect(ownPath(ctx.query.return))
})

// Guarded: a browser without a session is sent to the login page, a program gets 401.
router.get('/', requireSession(), (ctx) => {
  const { subject, formToken } = sessionOf(ctx)
  ctx.body = homePage(subject, formToken)
})

// Sensitive: it asks more of the place that the request comes from. A copied cookie is not enough.
router.post('/orders', requireSession({ sensitivity: 'sensitive' }), (ctx) => {
  ctx.status = 201
  ctx.body = { buyer: sessionOf(ctx).subject, item: fieldOf(ctx.request.body, 'item') }
})

router.post('/logout', async (ctx) => {
  const done = await logout(ctx)
  if (!done.ok) return refuse(ctx, done)
  ctx.status = 303
  ctx.redirect('/login')
})

app.use(router.routes())
