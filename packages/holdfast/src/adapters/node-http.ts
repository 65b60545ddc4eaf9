import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSetCookie, setCookieIn, withSetCookie } from './guard/cookies.ts'
import type { AnswerHeaders } from './guard/guard.ts'
import type { HeaderPair, HttpFacts, WholeAnswer } from './guard/http-request.ts'

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
  { url, formToken, formFields, waited }: NodeRequest,
): HttpFacts {
  const { socket } = request
  return {
    method: request.method ?? 'GET',
    url,
    peer: socket.remoteAddress,
    encrypted: 'encrypted' in socket && socket.encrypted === true,
    header: (name) =>
      // Of several lines Node keeps the first in `headers` and drops the others.
      name === 'authorization' ? linesOf(request, name) : request.headers[name],
    waitedMs: () => waited(request),
    ...(formToken === undefined ? {} : { formToken }),
    ...(formFields === undefined ? {} : { formFields }),
  }
}

/** The facts of a request's head, where nobody asks about its body or its age. */
export function headFacts(request: IncomingMessage, url: string): HttpFacts {
  return nodeFacts(request, { url, formToken: undefined, waited: () => 0 })
}

interface NodeRequest {
  /** As the client wrote it, where a framework rewrites `request.url`. */
  readonly url: string
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

/** Sets headers now, and checks their cookie once more when the head is written. */
export function setAnswerHeaders(response: ServerResponse, headers: AnswerHeaders): void {
  setHeaders(response, headers())
  holdHead(response, headers)
}

/**
 * Checks the cookie once more when the head is written. A cookie that must not leave any more is
 * taken out. A cookie that leaves goes with `no-store`, whatever the handler said of its answer:
 * nobody on the way may keep a token (ASVS 14.3.2).
 */
export function holdHead(response: ServerResponse, headers: AnswerHeaders): void {
  const cookie = setCookieIn(headers())
  if (cookie === undefined) return
  const writeHead = response.writeHead
  const checked = (...args: unknown[]): ServerResponse => {
    response.writeHead = writeHead
    const given = args.at(-1)
    const own = typeof given === 'object' && given !== null ? given : undefined
    if (own !== undefined) setGiven(response, own)
    const cookies = setCookiesOf(response)
    const isOvertaken = setCookieIn(headers()) === undefined
    const left = isOvertaken ? cookies.filter((one) => one !== cookie) : cookies
    if (left.length === 0) response.removeHeader('set-cookie')
    else response.setHeader('set-cookie', left)
    if (left.includes(cookie)) response.setHeader('cache-control', 'no-store')
    return Reflect.apply(writeHead, response, own === undefined ? args : args.slice(0, -1))
  }
  response.writeHead = checked
}

/** Sends a whole answer and ends the response. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  response.statusCode = status
  setHeaders(response, headers)
  response.end(body)
}

function setHeaders(response: ServerResponse, headers: readonly HeaderPair[]): void {
  for (const header of headers) {
    const [name, value] = header
    if (!isSetCookie(header)) response.setHeader(name, value)
    else response.setHeader(name, withSetCookie(setCookiesOf(response), value))
  }
}

/**
 * Headers that a handler or a framework gives to `writeHead` itself: an object, pairs, or a list of
 * names and values by turns.
 */
function setGiven(response: ServerResponse, given: object): void {
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries(given)) response.setHeader(name, value)
    return
  }
  const pairs = Array.isArray(given[0]) ? given : pairsOf(given)
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) response.appendHeader(name, value)
}

function pairsOf(flat: readonly string[]): readonly (readonly string[])[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, ...flat.slice(at + 1, at + 2)]] : []))
}

function setCookiesOf(response: ServerResponse): readonly string[] {
  const value = response.getHeader('set-cookie')
  if (value === undefined) return []
  return Array.isArray(value) ? value : [String(value)]
}
