import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request as requestHttp,
  Server,
} from 'node:http'
import { request as requestHttps } from 'node:https'
import { type Duplex, duplexPair } from 'node:stream'

/**
 * An application under test. Nothing of it has to listen.
 *
 * - Express, Connect, `app.callback()` of Koa, any Node request listener; a `Server` of `node:http`
 * - Fastify
 * - Hono, and anything else with `fetch(request)`: for a bare handler write `{ fetch: handler }`
 * - the origin of one that runs, as in `http://127.0.0.1:3000`
 */
export type Application = RequestListener | Server | FastifyLike | FetchLike | string

/** Fastify, as far as it is used: its server answers once it is ready. */
export interface FastifyLike {
  readonly server: unknown
  ready(): PromiseLike<unknown>
}

/** Hono, and what other runtimes take for a server. */
export interface FetchLike {
  // Each application has an environment of its own. This one is as @hono/node-server gives it.
  fetch(request: Request, env: never): Response | Promise<Response>
}

/** The proxy that an application trusts: it connects, and says in headers who the client is. */
export interface TrustedProxy {
  /** Its own address. Default `127.0.0.1`. */
  readonly address?: string
  /** Default `X-Forwarded-For` with the address, and `X-Forwarded-Proto: https`. */
  readonly headers?: (client: string) => Readonly<Record<string, string>>
}

/** A request with all of its headers, by lower-case name, and where it comes from. */
export interface WholeRequest {
  readonly origin: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** The address that the connection comes from. */
  readonly peer: string
}

/** Sends one request and follows no redirect. */
export interface Transport {
  send(request: WholeRequest): Promise<Response>
  /** The origin that is asked, where the application has one. */
  readonly origin: string | undefined
  /** Whether requests can come from any address. */
  readonly anyPeer: boolean
}

/** How requests reach an application. */
export function transportTo(app: Application): Transport {
  if (typeof app === 'string') return overNetwork(app)
  if (typeof app === 'function') return inProcess(async () => serverOf(app))
  if (app instanceof Server) return inProcess(async () => app)
  if ('fetch' in app) return byFetch(app)
  if (typeof app.ready === 'function') return inProcess(() => readyServer(app))
  throw new TypeError(
    'The application must be a request listener, an http.Server, a Fastify or Hono application, ' +
      '{ fetch }, or the origin of one that runs.',
  )
}

function inProcess(server: () => Promise<Server>): Transport {
  return {
    origin: undefined,
    anyPeer: true,
    async send(whole) {
      const [near, far] = duplexPair()
      const encrypted = whole.origin.startsWith('https:')
      // What servers and frameworks read of a socket.
      const socket = { remoteAddress: whole.peer, remotePort: 50_000, encrypted }
      const running = await server()
      running.emit('connection', Object.assign(far, socket))
      try {
        return await exchange(requestHttp, whole, near)
      } finally {
        near.destroy()
        far.destroy()
      }
    },
  }
}

const servers = new WeakMap<RequestListener, Server>()

function serverOf(listener: RequestListener): Server {
  const known = servers.get(listener) ?? createServer(listener)
  servers.set(listener, known)
  return known
}

async function readyServer(app: FastifyLike): Promise<Server> {
  await app.ready()
  if (app.server instanceof Server) return app.server
  throw new TypeError('A Fastify application under test must be one of HTTP/1.1.')
}

function overNetwork(origin: string): Transport {
  const own = URL.canParse(origin) ? new URL(origin).origin : 'null'
  if (own === 'null') throw new TypeError('The origin must be one as http://127.0.0.1:3000 is.')
  const send = own.startsWith('https:') ? requestHttps : requestHttp
  return { origin: own, anyPeer: false, send: (whole) => exchange(send, whole) }
}

function exchange(
  send: typeof requestHttp,
  { origin, path, method, headers, body }: WholeRequest,
  stream?: Duplex,
): Promise<Response> {
  const { host, hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const request = send({
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      path,
      method,
      headers: { host, ...lengthOf(body), ...headers, connection: 'close' },
      ...(stream === undefined ? { agent: false } : { createConnection: () => stream }),
    })
    request.on('error', reject)
    request.on('response', (incoming) => responseOf(incoming).then(resolve, reject))
    request.end(body)
  })
}

/** Every HTTP client says how long a body is. */
function lengthOf(body: string | undefined): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
}

async function responseOf(incoming: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const headers = new Headers()
  const { rawHeaders } = incoming
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  }
  const status = incoming.statusCode ?? 500
  const body = BODILESS.has(status) ? null : Buffer.concat(chunks)
  return new Response(body, { status, headers })
}

/** A `Response` with one of them takes no body, not even an empty one (Fetch standard). */
const BODILESS = new Set([204, 205, 304])

function byFetch(app: FetchLike): Transport {
  const answer: (request: Request, env: unknown) => Response | Promise<Response> = (request, env) =>
    Reflect.apply(app.fetch, app, [request, env])

  return {
    origin: undefined,
    anyPeer: true,
    async send({ origin, path, method, headers, body, peer }) {
      const encrypted = origin.startsWith('https:')
      const request = new Request(new URL(path, origin), {
        method,
        headers: { host: new URL(origin).host, ...lengthOf(body), ...headers },
        ...(body === undefined ? {} : { body }),
      })
      return answer(request, { incoming: { socket: { remoteAddress: peer, encrypted } } })
    },
  }
}
