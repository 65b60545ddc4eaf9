import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { FloorParts } from '../floor.ts'
import { type Door, serve } from './server.ts'
import { NOBODY } from './visitors.ts'

/** About as long as what the service answers about a session. */
const REST = `"rest":"${'x'.repeat(420)}"`

/** As long as what a gate lets pass with. */
const BEARER = `Bearer ${'x'.repeat(620)}`

/** A bare server that takes what the service takes, and answers as much. */
await serve(async (door) => {
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { authorization: BEARER, 'content-length': 0 }).end()
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void answer(door, { request, response, body: JSON.parse(Buffer.concat(chunks).toString()) })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
})

interface Presented {
  readonly token: string
  readonly request: { readonly ip: string; readonly headers: Readonly<Record<string, string>> }
}

type Body = Presented | { readonly presented: readonly Presented[] }

async function answer(
  door: Door,
  {
    request,
    response,
    body,
  }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly body: Body },
): Promise<void> {
  if (request.url === undefined || door.who === 'ours') throw new Error('This is no service.')
  const judge = (presented: Presented): string | Promise<string> =>
    door.who === 'bare' ? sessionOf(NOBODY) : judged(door.floor, presented)
  const text =
    'presented' in body
      ? `{"results":[${(await Promise.all(body.presented.map(judge))).join(',')}]}`
      : await judge(body)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

async function judged(floor: FloorParts, { token, request }: Presented): Promise<string> {
  const headers = { ...request.headers, 'x-forwarded-for': request.ip }
  const user = await floor.batched({ ...headers, cookie: `__Host-sid=${token}` })
  return user === null ? '{"ok":false}' : sessionOf(user)
}

function sessionOf(user: string): string {
  return `{"ok":true,"session":{"subject":"${user}",${REST}}}`
}
