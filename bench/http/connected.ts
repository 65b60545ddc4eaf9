import { fastify } from 'fastify'
import { connect } from 'holdfast/client'
import { holdfast } from 'holdfast/fastify'
import { PATIENCE_MS } from '../redis-server.ts'
import { API_KEY, BEHIND_PROXY, child, say } from './server.ts'

/** An application on Fastify whose sessions are kept by a service. */
await child(async ({ servicePort }: { readonly servicePort: number }) => {
  const url = `http://127.0.0.1:${servicePort}`
  const sessions = connect({ url, key: API_KEY, timeout: PATIENCE_MS })
  const { requireSession, sessionOf } = holdfast(sessions, BEHIND_PROXY)
  const app = fastify()
  app.get('/orders', { preHandler: requireSession() }, async (request) => ({
    user: sessionOf(request).subject,
  }))
  const listening = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  say({ kind: 'ready', port: Number(listening.port) })
})
