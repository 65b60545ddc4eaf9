import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { holdfast } from '../../../src/adapters/node.ts'
import {
  CACHEABLE,
  type StartAdapter,
  THEME,
} from '../../../src/contracts/adapters/adapter-contract.ts'
import { listening } from './listening.ts'

/** The routes of the adapter contract on node. */
export const startNode: StartAdapter = async (sessions, options, slow) => {
  const hf = holdfast(sessions, {
    ...options,
    formToken: async (request) => {
      const fields = new URLSearchParams(await bodyOf(request)).getAll('_form')
      return fields.length === 1 ? fields[0] : undefined
    },
    formFields: async (request) => [...new URLSearchParams(await bodyOf(request))],
  })
  const required = hf.requireSession()
  const sensitive = hf.requireSession({ sensitivity: 'sensitive' })
  const strong = hf.requireSession({ acr: 'aal2', maxAge: 300_000 })
  const optional = hf.optionalSession()

  type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void
  const routes: Readonly<Record<string, Handler>> = {
    '/public': (_, response) => void response.end('public'),

    async '/maybe'(request, response) {
      if (!(await optional(request, response))) return
      answer(response, { subject: hf.optionalSessionOf(request)?.subject ?? null })
    },
    async '/me'(request, response) {
      const session = await required(request, response)
      if (session === undefined) return
      const { subject, formToken } = session
      answer(response, { subject, formToken, outcome: hf.decisionOf(request)?.outcome })
    },
    async '/transfer'(request, response) {
      const session = await sensitive(request, response)
      if (session !== undefined) answer(response, { subject: session.subject })
    },
    async '/slow'(request, response) {
      const session = await sensitive(request, response)
      if (session === undefined) return
      await slow()
      answer(response, { subject: session.subject })
    },
    async '/theme'(request, response) {
      if ((await sensitive(request, response)) === undefined) return
      response.writeHead(200, { 'Set-Cookie': THEME }).end('theme')
    },
    async '/logo'(request, response) {
      if ((await sensitive(request, response)) === undefined) return
      response.writeHead(200, { 'Cache-Control': CACHEABLE }).end('logo')
    },
    async '/strong'(request, response) {
      const session = await strong(request, response)
      if (session !== undefined) answer(response, { subject: session.subject })
    },
    async '/login'(request, response) {
      const done = await hf.login(request, response, JSON.parse(await bodyOf(request)))
      if (!done.ok) return hf.refuse(response, done)
      answer(response, { subject: done.session.subject, refreshToken: done.refreshToken })
    },
    async '/slow/login'(request, response) {
      const done = await hf.login(request, response, JSON.parse(await bodyOf(request)))
      if (!done.ok) return hf.refuse(response, done)
      await slow()
      answer(response, { subject: done.session.subject })
    },
    async '/slow/step-up'(request, response) {
      const proof = JSON.parse(await bodyOf(request))
      const done = await hf.completeStepUp(request, response, proof)
      if (!done.ok) return hf.refuse(response, done)
      await slow()
      answer(response, { subject: done.session.subject })
    },
    async '/refresh'(request, response) {
      const query = new URL(request.url ?? '/', 'http://localhost').searchParams
      const body = JSON.parse((await bodyOf(request)) || '{}')
      const audience = query.get('audience') ?? undefined
      await hf.refresh(request, response, { audience, token: body.refreshToken })
    },
    async '/logout'(request, response) {
      const done = await hf.logout(request, response)
      if (!done.ok) return hf.refuse(response, done)
      response.writeHead(204).end()
    },
    async '/step-up/begin'(request, response) {
      const { acr } = JSON.parse(await bodyOf(request))
      const begun = await hf.beginStepUp(request, { acr })
      if (!begun.ok) return hf.refuse(response, begun)
      answer(response, begun)
    },
    async '/step-up/complete'(request, response) {
      const proof = JSON.parse(await bodyOf(request))
      const done = await hf.completeStepUp(request, response, proof)
      if (!done.ok) return hf.refuse(response, done)
      answer(response, { subject: done.session.subject })
    },
    async '/step-up/in-place'(request, response) {
      if ((await sensitive(request, response)) === undefined) return
      const begun = await hf.beginStepUp(request)
      if (!begun.ok) return hf.refuse(response, begun)
      const { challenge, subject } = begun
      const done = await hf.completeStepUp(request, response, { challenge, subject, amr: ['otp'] })
      if (!done.ok) return hf.refuse(response, done)
      answer(response, { subject })
    },
  }

  const server = await listening(
    createServer(async (request, response) => {
      const [path = ''] = (request.url ?? '/').split('?', 1)
      const handler = routes[path]
      try {
        if (handler === undefined) response.writeHead(404).end()
        else await handler(request, response)
      } catch {
        response.writeHead(500).end()
      }
    }),
  )
  return { api: hf, ...server }
}

function answer(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
