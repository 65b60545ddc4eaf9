import { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { holdfast } from '../../../src/adapters/hono.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'
import { listening } from './listening.ts'

/** The routes of the adapter contract on hono. */
export const startHono: StartAdapter = async (sessions, options, slow) => {
  const hf = holdfast(sessions, options)
  const app = new Hono()

  app.get('/public', (c) => c.text('public'))
  app.get('/maybe', hf.optionalSession(), (c) => {
    const session = hf.optionalSessionOf(c)
    if (session !== c.get('session')) throw new Error('two answers to one question')
    return c.json({ subject: session?.subject ?? null })
  })
  app.on(['GET', 'POST'], '/me', hf.requireSession(), (c) => {
    const { subject } = hf.sessionOf(c)
    if (c.get('session').subject !== subject) throw new Error('two answers to one question')
    if (c.get('decision') !== hf.decisionOf(c)) throw new Error('two answers to one question')
    return c.json({ subject, formToken: hf.formToken(c), outcome: hf.decisionOf(c)?.outcome })
  })
  app.post('/transfer', hf.requireSession({ sensitivity: 'sensitive' }), (c) =>
    // An answer of the handler's own making carries the rotated secret, too.
    Response.json({ subject: c.get('session').subject }),
  )
  app.get('/slow', hf.requireSession({ sensitivity: 'sensitive' }), async (c) => {
    await slow()
    return c.json({ subject: c.get('session').subject })
  })
  app.get(
    '/theme',
    hf.requireSession({ sensitivity: 'sensitive' }),
    () => new Response('theme', { headers: { 'set-cookie': THEME } }),
  )
  app.get('/logo', hf.requireSession({ sensitivity: 'sensitive' }), (c) =>
    c.text('logo', 200, { 'cache-control': CACHEABLE }),
  )
  app.get('/strong', hf.requireSession({ acr: 'aal2', maxAge: 300_000 }), (c) =>
    c.json({ subject: c.get('session').subject }),
  )
  app.post('/login', async (c) => {
    const done = await hf.login(c, await c.req.json())
    if (!done.ok) return hf.refuse(c, done)
    return c.json({ subject: done.session.subject, refreshToken: done.refreshToken })
  })
  app.post('/slow/login', async (c) => {
    const done = await hf.login(c, await c.req.json())
    if (!done.ok) return hf.refuse(c, done)
    await slow()
    return Response.json({ subject: done.session.subject })
  })
  app.post('/slow/step-up', async (c) => {
    const done = await hf.completeStepUp(c, await c.req.json())
    if (!done.ok) return hf.refuse(c, done)
    await slow()
    return c.json({ subject: done.session.subject })
  })
  app.on(['GET', 'POST'], '/refresh', async (c) => {
    const body = c.req.method === 'POST' ? await c.req.json() : {}
    return hf.refresh(c, { audience: c.req.query('audience'), token: body.refreshToken })
  })
  app.post('/logout', async (c) => {
    const done = await hf.logout(c)
    return done.ok ? c.body(null, 204) : hf.refuse(c, done)
  })
  app.post('/step-up/begin', async (c) => {
    const { acr } = await c.req.json()
    const begun = await hf.beginStepUp(c, { acr })
    return begun.ok ? c.json(begun) : hf.refuse(c, begun)
  })
  app.post('/step-up/complete', async (c) => {
    const done = await hf.completeStepUp(c, await c.req.json())
    return done.ok ? c.json({ subject: done.session.subject }) : hf.refuse(c, done)
  })
  app.post('/step-up/in-place', hf.requireSession({ sensitivity: 'sensitive' }), async (c) => {
    const begun = await hf.beginStepUp(c)
    if (!begun.ok) return hf.refuse(c, begun)
    const { challenge, subject } = begun
    const done = await hf.completeStepUp(c, { challenge, subject, amr: ['otp'] })
    return done.ok ? c.json({ subject }) : hf.refuse(c, done)
  })

  const server = createAdaptorServer({ fetch: app.fetch })
  if (!(server instanceof Server)) throw new Error('An HTTP/1.1 server was expected.')
  return { api: hf, ...(await listening(server)) }
}
