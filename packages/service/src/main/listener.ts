import { chmod, lstat, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net'
import type { Listen } from '../config/values.ts'
import type { ProxyProtocol } from './proxy-protocol.ts'

/** One listening HTTP server and its end. */
export interface Listener {
  /** Of a unix socket: `unix:` and its path. */
  readonly url: string
  /** Goes on answering, and asks each caller to connect anew: elsewhere, by then. */
  drain(): void
  /** Takes no new connections and lets requests in flight finish, at most for so long. */
  close(withinMs: number): Promise<void>
}

export interface ListenOptions {
  readonly where: Listen
  readonly requestTimeoutMs: number
  /** How long a connection may be silent, ms. */
  readonly keepAliveMs?: number
  readonly maxHeaderBytes?: number
  /** Undefined: no connection begins with a PROXY header. */
  readonly proxied?: ProxyProtocol | undefined
}

const KEEP_ALIVE_MS = 5_000
const MAX_HEADER_BYTES = 16_384
const MAX_CONNECTIONS = 10_000

/** Listens with every limit set: header size and count, time to arrive, connections. */
export async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  {
    where,
    requestTimeoutMs,
    keepAliveMs = KEEP_ALIVE_MS,
    maxHeaderBytes = MAX_HEADER_BYTES,
    proxied,
  }: ListenOptions,
): Promise<Listener> {
  let draining = false
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(5_000, requestTimeoutMs),
    },
    (request, response) => {
      if (draining) response.shouldKeepAlive = false
      answer(request, response)
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  server.on('clientError', refuseMalformed)
  const endWaiting = proxied?.guard(server)
  await bind(server, where)
  return {
    url: 'path' in where ? `unix:${where.path}` : urlOf(server, where.host),
    drain() {
      draining = true
    },
    close(withinMs) {
      endWaiting?.()
      return stop(server, withinMs)
    },
  }
}

/** Binds a server to where it listens; to a socket so that owner and group alone may connect. */
export async function bind(server: NetServer, where: Listen): Promise<void> {
  if ('path' in where) await removeDeadSocket(where.path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
  if ('path' in where) await restrictSocket(where.path)
}

const SOCKET_MODE = 0o660

/**
 * Lets the owner and the group of a unix socket connect, and nobody else. Before that, the umask
 * decides who may.
 */
export async function restrictSocket(path: string): Promise<void> {
  await chmod(path, SOCKET_MODE)
}

/**
 * Removes the socket of a process that was killed. One on which somebody answers is in use and
 * stays.
 */
export async function removeDeadSocket(path: string): Promise<void> {
  const dead = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
  const isSocket = dead && (await lstat(path)).isSocket()
  if (isSocket) await rm(path)
}

/**
 * A connection that was busy when the stop began is idle after its answer, and would stay open. It
 * is looked for: a listener for the end of each response would cost every request.
 */
const IDLE_EVERY_MS = 20

async function stop(server: Server, withinMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), withinMs)
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_EVERY_MS)
    server.close(() => {
      clearTimeout(timer)
      clearInterval(idle)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const REFUSED: Readonly<Record<string, readonly [number, string, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'headers_too_large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'invalid_input'],
}

/** What is not HTTP never reaches the API; it is answered in the same form all the same. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, phrase, code] = REFUSED[error.code ?? ''] ?? [400, 'Bad Request', 'invalid_input']
  const body = JSON.stringify({ type: `urn:holdfast:code:${code}`, title: phrase, status, code })
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\n` +
      'content-type: application/problem+json\r\n' +
      'cache-control: no-store\r\n' +
      'x-content-type-options: nosniff\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n` +
      'connection: close\r\n' +
      '\r\n' +
      `${body}`,
  )
}
