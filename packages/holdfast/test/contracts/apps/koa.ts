import { createServer } from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa, { type Context } from 'koa'
import { holdfast, type LoginFacts, type StepUpProof } from '../../../src/adapters/koa.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'
import { listening } from './listening.ts'

/** The routes of the adapter contract on koa. */
export const startKoa: StartAdapter = async (sessions, options, slow) => {
  const hf = holdfast(sessions, options)
  const sensitive = hf.requireSession({ sensitivity: 'sensitive' })
  const app = new Koa()
  const router = new Router()
  app.use(bodyParser())

  router.get('/public', (ctx) => {
    ctx.body = 'public'
  })
  router.get('/maybe', hf.optionalSession(), (ctx) => {
    ctx.body = { subject: hf.optionalSessionOf(ctx)?.subject ?? null }
  })
  router.all('/me', hf.requireSession(), (ctx) => {
    const { subject } = hf.sessionOf(ctx)
    const outcome = hf.decisionOf(ctx)?.outcome
    ctx.body = { subject, formToken: hf.formToken(ctx), outcome }
  })
  router.post('/transfer', sensitive, (ctx) => {
    ctx.body = { subject: hf.sessionOf(ctx).subject }
  })
  router.get('/slow', sensitive, async (ctx) => {
    await slow()
    ctx.body = { subject: hf.sessionOf(ctx).subject }
  })
  router.get('/theme', sensitive, (ctx) => {
    ctx.set('set-cookie', THEME)
    ctx.body = 'theme'
  })
  router.get('/logo', sensitive, (ctx) => {
    ctx.set('cache-control', CACHEABLE)
    ctx.body = 'logo'
  })
  router.get('/strong', hf.requireSession({ acr: 'aal2', maxAge: 300_000 }), (ctx) => {
    ctx.body = { subject: hf.sessionOf(ctx).subject }
  })
  router.post('/login', async (ctx) => {
    const done = await hf.login(ctx, posted<LoginFacts>(ctx))
    if (!done.ok) return hf.refuse(ctx, done)
    ctx.body = { subject: done.session.subject, refreshToken: done.refreshToken }
  })
  router.post('/slow/login', async (ctx) => {
    const done = await hf.login(ctx, posted<LoginFacts>(ctx))
    if (!done.ok) return hf.refuse(ctx, done)
    await slow()
    ctx.body = { subject: done.session.subject }
  })
  router.post('/slow/step-up', async (ctx) => {
    const done = await hf.completeStepUp(ctx, posted<StepUpProof>(ctx))
    if (!done.ok) return hf.refuse(ctx, done)
    await slow()
    ctx.body = { subject: done.session.subject }
  })
  router.all('/refresh', (ctx) =>
    hf.refresh(ctx, {
      audience: ctx.query.audience?.toString(),
      token: posted<{ refreshToken?: string } | undefined>(ctx)?.refreshToken,
    }),
  )
  router.post('/logout', async (ctx) => {
    const done = await hf.logout(ctx)
    if (!done.ok) return hf.refuse(ctx, done)
    ctx.status = 204
  })
  router.post('/step-up/begin', async (ctx) => {
    const begun = await hf.beginStepUp(ctx, { acr: posted<{ acr?: string }>(ctx).acr })
    if (!begun.ok) return hf.refuse(ctx, begun)
    ctx.body = begun
  })
  router.post('/step-up/complete', async (ctx) => {
    const done = await hf.completeStepUp(ctx, posted<StepUpProof>(ctx))
    if (!done.ok) return hf.refuse(ctx, done)
    ctx.body = { subject: done.session.subject }
  })
  router.post('/step-up/in-place', sensitive, async (ctx) => {
    const begun = await hf.beginStepUp(ctx)
    if (!begun.ok) return hf.refuse(ctx, begun)
    const { challenge, subject } = begun
    const done = await hf.completeStepUp(ctx, { challenge, subject, amr: ['otp'] })
    if (!done.ok) return hf.refuse(ctx, done)
    ctx.body = { subject }
  })

  app.use(router.routes())
  return { api: hf, ...(await listening(createServer(app.callback()))) }
}

/** The body that was parsed, as a route expects it. */
function posted<Body>({ request }: Pick<Context, 'request'>): Body {
  return request.body as Body
}
