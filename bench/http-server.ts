import { createServer } from 'node:http'
import { createSessions, newKeyring, RELEVANT_HEADERS } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { REQUEST } from './subjects.ts'

/**
 * Runs as a process of its own, so that its CPU is counted apart from the client's. `/bare` does what an empty
 * handler does, `/verify` judges the bearer token first, `/cpu` tells the CPU µs so far.
 */
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })
const created = await sessions.create({ subject: 'ada', request: REQUEST, factors: ['otp'] })
if (!created.ok) throw new Error(`The login was refused: ${created.code}`)

const server = createServer(async (request, response) => {
  if (request.url === '/cpu') {
    const { user, system } = process.cpuUsage()
    response.end(String(user + system))
    return
  }
  if (request.url === '/verify') {
    const headers: Record<string, string | readonly string[]> = {}
    for (const name of RELEVANT_HEADERS) {
      const value = request.headers[name]
      if (value !== undefined) headers[name] = value
    }
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    const answer = await sessions.verify({
      token,
      request: {
        ip: REQUEST.ip,
        method: 'GET',
        url: '/verify',
        headers,
        client: REQUEST.client ?? {},
      },
    })
    if (!answer.ok) response.statusCode = 401
  }
  response.setHeader('content-type', 'application/json')
  response.end('{"ok":true}')
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  process.send?.({ port: address.port, token: created.token })
})
process.on('disconnect', () => process.exit())
