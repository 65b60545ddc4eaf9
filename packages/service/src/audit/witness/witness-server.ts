import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ADD_CHECKPOINT } from './request.ts'
import type { WitnessDesk, WitnessReply } from './witness.ts'

const TEXT = 'text/plain; charset=utf-8'

/** A proof and a checkpoint with sixteen signatures are less. */
const MOST_BYTES = 131_072
const MOST_CONNECTIONS = 256
const REQUEST_MS = 10_000
const IDLE_MS = 5_000

/** The HTTP of a witness: one call, which asks for no key, because what it takes is signed. */
export function witnessServer(desk: WitnessDesk, onFault: (error: unknown) => void): Server {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: IDLE_MS },
    (request, response) => {
      replyTo(request, desk)
        .catch((error: unknown): WitnessReply => {
          onFault(error)
          return { status: 500, body: 'the witness is broken\n' }
        })
        .then((reply) => send(response, reply))
    },
  )
  server.maxConnections = MOST_CONNECTIONS
  return server
}

async function replyTo(request: IncomingMessage, desk: WitnessDesk): Promise<WitnessReply> {
  if (request.url !== `/${ADD_CHECKPOINT}`) return { status: 404, body: 'not found\n' }
  if (request.method !== 'POST') return { status: 405, body: 'POST it\n' }
  const body = await bodyOf(request)
  return body === undefined ? { status: 413, body: 'too long\n' } : desk.add(body)
}

/** Undefined for one that is too long, and for one that breaks off. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request) {
      size += chunk.length
      if (size > MOST_BYTES) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined // nobody is there to read what is answered
  }
  return Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, { status, body, type = TEXT }: WitnessReply): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    // What was too long is not read to its end.
    ...(status === 413 ? { connection: 'close' } : {}),
  })
  response.end(body)
}
