import { createServer } from 'node:http'
import express from 'express'
import express4 from 'express4'
import { holdfast } from '../../../src/adapters/express.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'
import { listening } from './listening.ts'

/** The versions of Express that the adapter is for. */
export const EXPRESSES: readonly (readonly [name: string, express: typeof express])[] = [
  ['express 5', express],
  ['express 4', express4],
]

/** The routes of the adapter contract on express. */
export const startExpress: StartAdapter = (...args) => startOn(express)(...args)

/** The same on one version of express. */
export const startOn =
  (express: (typeof EXPRESSES)[number][1]): StartAdapter =>
  async (sessions, options, slow) => {
    const hf = holdfast(sessions, options)
    const app = express()
    app.use(express.json())
    app.use(express.urlencoded({ extended: false }))

    app.get('/public', (_, response) => {
      response.send('public')
    })
    app.get('/maybe', hf.optionalSession(), (request, response) => {
      response.json({ subject: hf.optionalSessionOf(request)?.subject ?? null })
    })
    app.all('/me', hf.requireSession(), (request, response) => {
      const { subject } = hf.sessionOf(request)
      const outcome = hf.decisionOf(request)?.outcome
      response.json({ subject, formToken: hf.formToken(request), outcome })
    })
    app.post('/transfer', hf.requireSession({ sensitivity: 'sensitive' }), (request, response) => {
      response.json({ subject: hf.sessionOf(request).subject })
    })
    app.get('/slow', hf.requireSession({ sensitivity: 'sensitive' }), async (request, response) => {
      await slow()
      response.json({ subject: hf.sessionOf(request).subject })
    })
    app.get('/theme', hf.requireSession({ sensitivity: 'sensitive' }), (_, response) => {
      response.setHeader('Set-Cookie', THEME)
      response.send('theme')
    })
    app.get('/logo', hf.requireSession({ sensitivity: 'sensitive' }), (_, response) => {
      response.set('cache-control', CACHEABLE).send('logo')
    })
    app.get('/strong', hf.requireSession({ acr: 'aal2', maxAge: 300_000 }), (request, response) => {
      response.json({ subject: hf.sessionOf(request).subject })
    })
    app.post('/login', async (request, response) => {
      const done = await hf.login(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      response.json({ subject: done.session.subject, refreshToken: done.refreshToken })
    })
    app.post('/slow/login', async (request, response) => {
      const done = await hf.login(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      await slow()
      response.json({ subject: done.session.subject })
    })
    app.post('/slow/step-up', async (request, response) => {
      const done = await hf.completeStepUp(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      await slow()
      response.json({ subject: done.session.subject })
    })
    app.all('/refresh', (request, response) =>
      hf.refresh(request, response, {
        audience: request.query.audience?.toString(),
        token: request.body?.refreshToken,
      }),
    )
    app.post('/logout', async (request, response) => {
      const done = await hf.logout(request, response)
      if (!done.ok) return hf.refuse(response, done)
      response.status(204).end()
    })
    app.post('/step-up/begin', async (request, response) => {
      const begun = await hf.beginStepUp(request, { acr: request.body.acr })
      if (!begun.ok) return hf.refuse(response, begun)
      response.json(begun)
    })
    app.post('/step-up/complete', async (request, response) => {
      const done = await hf.completeStepUp(request, response, request.body)
      if (!done.ok) return hf.refuse(response, done)
      response.json({ subject: done.session.subject })
    })
    app.post(
      '/step-up/in-place',
      hf.requireSession({ sensitivity: 'sensitive' }),
      async (request, response) => {
        const begun = await hf.beginStepUp(request)
        if (!begun.ok) return hf.refuse(response, begun)
        const { challenge, subject } = begun
        const done = await hf.completeStepUp(request, response, {
          challenge,
          subject,
          amr: ['otp'],
        })
        if (!done.ok) return hf.refuse(response, done)
        response.json({ subject })
      },
    )

    return { api: hf, ...(await listening(createServer(app))) }
  }
