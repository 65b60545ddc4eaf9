import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpFacts } from './guard/http-request.ts'

/**
 * How long ago the head of a request was received, ms. Guards often run after the body was read.
 * Node itself reports the start of every request, except those of HTTP/2: for them it is 0.
 */
export function arrivals(): (request: IncomingMessage) => number {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: ArrivedMessage }
    request[ARRIVED_AT] = performance.now()
  })
  return (request: ArrivedMessage) => {
    const now = performance.now()
    return Math.round(now - (request[ARRIVED_AT] ?? now))
  }
}

/**
 * On the request itself, because a WeakMap of every request costs garbage collection more than
 * everything else here.
 */
const ARRIVED_AT = Symbol('arrived at')

interface ArrivedMessage extends IncomingMessage {
  [ARRIVED_AT]?: number
}

/** The facts of a Node request. */
export function nodeFacts(
  request: IncomingMessage,
  { url, response, formToken, formFields, waited }: NodeRequest,
): HttpFacts {
  const { socket, headers } = request
  return {
    method: request.method ?? 'GET',
    url,
    peer: socket.remoteAddress,
    encrypted: 'encrypted' in socket && socket.encrypted === true,
    header: (name) => {
      const value = headers[name]
      // Of several lines Node keeps the first in `headers` and drops the others.
      return name === 'authorization' && value !== undefined ? linesOf(request, name) : value
    },
    deliverable: response?.headersSent !== true && !isUpgraded(request),
    waitedMs: () => waited(request),
    formToken,
    formFields,
  }
}

/** The facts of a request's head, where nobody asks about its body or its age. */
export function headFacts(request: IncomingMessage, url: string): HttpFacts {
  return nodeFacts(request, { url, formToken: undefined, waited: () => 0 })
}

/** Node hands the socket of an upgrade to the application. No response object writes to it. */
function isUpgraded(request: IncomingMessage): boolean {
  return 'upgrade' in request && request.upgrade === true
}

interface NodeRequest {
  /** As the client wrote it, where a framework rewrites `request.url`. */
  readonly url: string
  /** Absent where the request is only read. */
  readonly response?: Pick<ServerResponse, 'headersSent'> | undefined
  readonly formToken: HttpFacts['formToken']
  readonly formFields?: HttpFacts['formFields']
  readonly waited: ReturnType<typeof arrivals>
}

/**
 * All lines of a header. Requests of HTTP/2 have no `headersDistinct`, so the raw ones are read.
 */
function linesOf({ rawHeaders }: IncomingMessage, name: string): readonly string[] | undefined {
  const lines = rawHeaders.filter(
    (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name,
  )
  return lines.length === 0 ? undefined : lines
}
