import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer } from 'node:http2'
import { fastify } from 'fastify'
import { createSessions, newKeyring, type Sessions } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { expect, test } from 'vitest'
import { holdfast as onFastify } from '../../src/adapters/fastify.ts'
import { cookie, holdfast as onNode } from '../../src/adapters/node.ts'
import { bearer } from '../../src/carriers/bearer.ts'

const options = { carriers: [cookie(), bearer()] }

type Start = (sessions: Sessions) => Promise<{ readonly port: number; close(): Promise<void> }>

const node: Start = async (sessions) => {
  const account = onNode(sessions, options).requireSession()
  const server = createServer(async (request, response) => {
    // The compatibility interface, which the types of Node keep apart from that of HTTP/1.
    const session = await account(
      request as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    )
    if (session !== undefined) response.end(session.subject)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: portOf(server.address()), close: async () => void server.close() }
}

const onHttp2: Start = async (sessions) => {
  const { requireSession, sessionOf } = onFastify(sessions, options)
  // The types of Fastify keep HTTP/2 apart as well.
  const http2: object = { http2: true }
  const app = fastify(http2)
  app.get('/', { preHandler: requireSession() }, async (request) => sessionOf(request).subject)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: portOf(app.server.address()), close: () => app.close() }
}

test.each([
  ['node', node],
  ['fastify', onHttp2],
])('over HTTP/2 %s takes a bearer token, a cookie, and refuses two tokens', async (_, start) => {
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
  const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
  const created = await sessions.create({ subject: 'ada', request })
  const token = created.ok ? created.token : ''
  const { port, close } = await start(sessions)
  const client = connect(`http://127.0.0.1:${port}`)
  const get = async (headers: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
    const stream = client.request({ ':path': '/', ...headers })
    const [answered] = await once(stream, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    return [answered[':status'], Buffer.concat(chunks).toString()]
  }

  const byBearer = await get({ authorization: `Bearer ${token}` })
  const byCookie = await get({ cookie: `__Host-session=${token}` })
  const [both] = await get({
    authorization: `Bearer ${token}`,
    cookie: `__Host-session=${token}`,
  })
  client.close()
  await close()

  expect(byBearer).toEqual([200, 'ada'])
  expect(byCookie).toEqual([200, 'ada'])
  expect(both).toBe(401)
})

function portOf(address: unknown): number {
  if (typeof address === 'object' && address !== null && 'port' in address) {
    return Number(address.port)
  }
  throw new Error('The server has no port.')
}
