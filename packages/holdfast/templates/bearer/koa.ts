import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import { login, logout, refuse, requireSession, sessionOf } from './sessions.js'
import { checkLogin, fieldOf } from './users.js'

export const app = new Koa()
const router = new Router()
app.use(bodyParser({ enableTypes: ['json'], jsonLimit: '8kb' }))

router.post('/login', async (ctx) => {
  const user = checkLogin(ctx.request.body)
  if (user === undefined) {
    ctx.status = 401
    ctx.body = { problem: 'Name or password is wrong.' }
    return
  }
  const done = await login(ctx, { subject: user, amr: ['pwd'] })
  if (!done.ok) return refuse(ctx, done)
  ctx.body = { token: done.token }
})

// Guarded: without `Authorization: Bearer <token>` the answer is 401.
router.get('/', requireSession(), (ctx) => {
  ctx.body = { user: sessionOf(ctx).subject }
})

// Sensitive: it asks more of the place that the request comes from. A copied token is not enough.
router.post('/orders', requireSession({ sensitivity: 'sensitive' }), (ctx) => {
  ctx.status = 201
  ctx.body = { buyer: sessionOf(ctx).subject, item: fieldOf(ctx.request.body, 'item') }
})

router.post('/logout', async (ctx) => {
  const done = await logout(ctx)
  if (!done.ok) return refuse(ctx, done)
  ctx.status = 204
})

app.use(router.routes())
