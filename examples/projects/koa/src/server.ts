import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { createSessions, newKeyring } from 'holdfast'
import { holdfast } from 'holdfast/koa'
import { memoryStore } from 'holdfast/memory'
import Koa from 'koa'
import { proverOf, textOf, userOf } from './users.js'

// For development: in this process alone, with new keys at every start. In production,
// `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
const hf = holdfast(sessions, {
  // The reverse proxy on this machine says who the client is.
  address: { trust: { proxies: ['127.0.0.0/8', '::1/128'] } },
})

const router = new Router()

router.post('/login', async (ctx) => {
  const user = userOf(ctx.request.body)
  if (user === undefined) return ctx.throw(401)
  const done = await hf.login(ctx, { subject: user, amr: ['pwd'], factors: ['otp'] })
  if (!done.ok) return hf.refuse(ctx, done)
  ctx.body = { user }
})

router.get('/account', hf.requireSession(), (ctx) => {
  ctx.body = { user: hf.sessionOf(ctx).subject }
})

// From a place that this user has not confirmed, the answer is 401 `step_up_required`.
router.post('/orders', hf.requireSession({ sensitivity: 'sensitive' }), (ctx) => {
  ctx.status = 201
  ctx.body = { buyer: hf.sessionOf(ctx).subject }
})

router.post('/step-up/begin', async (ctx) => {
  const begun = await hf.beginStepUp(ctx, { sensitivity: 'sensitive' })
  if (!begun.ok) return hf.refuse(ctx, begun)
  ctx.body = { challenge: begun.challenge, factors: begun.factors }
})

router.post('/step-up/complete', async (ctx) => {
  const challenge = textOf(ctx.request.body, 'challenge')
  const subject = proverOf(ctx.request.body)
  if (subject === undefined) {
    const noted = await hf.stepUpFailed(ctx, challenge)
    if (!noted.ok) return hf.refuse(ctx, noted)
    return ctx.throw(401)
  }
  const done = await hf.completeStepUp(ctx, { challenge, subject, amr: ['otp'] })
  if (!done.ok) return hf.refuse(ctx, done)
  ctx.body = { user: subject }
})

router.post('/logout', async (ctx) => {
  const done = await hf.logout(ctx)
  if (!done.ok) return hf.refuse(ctx, done)
  ctx.status = 204
})

new Koa()
  .use(bodyParser())
  .use(router.routes())
  .listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
