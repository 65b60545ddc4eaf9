import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { withSetCookie } from './guard/cookies.ts'
import type { AnswerHeaders } from './guard/guard.ts'
import type { HeaderPair, HttpFacts, WholeAnswer } from './guard/http-request.ts'
import type { Refused } from './guard/refusals.ts'

/**
 * How long ago each request of this process was received, ms: its head, that is; guards often run after its body was
 * read. Node itself tells of every request (not of those of HTTP/2: for them it is 0).
 */
export function arrivals(): (request: IncomingMessage) => number {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: Arrived }
    request[ARRIVED_AT] = performance.now()
  })
  return (request: Arrived) => {
    const now = performance.now()
    return Math.round(now - (request[ARRIVED_AT] ?? now))
  }
}

/** On the request itself: a WeakMap of every request costs garbage collection more than all else here. */
const ARRIVED_AT = Symbol('arrived at')

interface Arrived extends IncomingMessage {
  [ARRIVED_AT]?: number
}

/** The facts of a Node request. `url`: as the client wrote it, where a framework rewrites `request.url`. */
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
      // Of several, Node keeps the first in `headers` and says nothing about the others.
      name === 'authorization' ? linesOf(request, name) : request.headers[name],
    waitedMs: () => waited(request),
    ...(formToken === undefined ? {} : { formToken }),
    ...(formFields === undefined ? {} : { formFields }),
  }
}

/** The facts of a request's head, for those who ask nothing about its body or its age. */
export function headFacts(request: IncomingMessage, url: string): HttpFacts {
  return nodeFacts(request, { url, formToken: undefined, waited: () => 0 })
}

interface NodeRequest {
  readonly url: string
  readonly formToken: HttpFacts['formToken']
  readonly formFields?: HttpFacts['formFields']
  readonly waited: ReturnType<typeof arrivals>
}

/** All lines of a header, as requests of HTTP/2 have them, too: those know no `headersDistinct`. */
function linesOf({ rawHeaders }: IncomingMessage, name: string): readonly string[] | undefined {
  const lines = rawHeaders.filter(
    (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name,
  )
  return lines.length === 0 ? undefined : lines
}

/** Sets the guard's headers on an answer that has not begun. */
function setHeaders(response: ServerResponse, headers: readonly HeaderPair[]): void {
  for (const [name, value] of headers) {
    if (name !== 'set-cookie') response.setHeader(name, value)
    else response.setHeader(name, withSetCookie(setCookiesOf(response), value))
  }
}

/** Sets the headers of an answer that brings a token, and holds the head to them when it leaves at last. */
export function setAnswerHeaders(response: ServerResponse, headers: AnswerHeaders): void {
  setHeaders(response, headers())
  holdHead(response, headers)
}

/**
 * Looks once more as the head is written. A cookie that must not leave any more is taken out of it; one that leaves goes
 * with `no-store`, whatever the handler said of its answer: nobody on the way may keep a token (ASVS 14.3.2).
 */
export function holdHead(response: ServerResponse, headers: AnswerHeaders): void {
  const cookie = cookieOf(headers)
  if (cookie === undefined) return
  const writeHead = response.writeHead
  const looking = (...args: unknown[]): ServerResponse => {
    response.writeHead = writeHead
    const given = args.at(-1)
    const own = typeof given === 'object' && given !== null ? given : undefined
    if (own !== undefined) setGiven(response, own)
    const cookies = setCookiesOf(response)
    const left = cookieOf(headers) === undefined ? cookies.filter((one) => one !== cookie) : cookies
    if (left.length === 0) response.removeHeader('set-cookie')
    else response.setHeader('set-cookie', left)
    if (left.includes(cookie)) response.setHeader('cache-control', 'no-store')
    return Reflect.apply(writeHead, response, own === undefined ? args : args.slice(0, -1))
  }
  response.writeHead = looking
}

function cookieOf(headers: AnswerHeaders): string | undefined {
  return headers().find(([name]) => name === 'set-cookie')?.[1]
}

/** Headers that a handler or a framework hands to `writeHead` itself: an object, pairs, or names and values by turns. */
function setGiven(response: ServerResponse, given: object): void {
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries(given)) response.setHeader(name, value)
    return
  }
  const pairs = Array.isArray(given[0]) ? given : pairsOf(given)
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) response.appendHeader(name, value)
}

function pairsOf(turns: readonly string[]): readonly (readonly string[])[] {
  return turns.flatMap((name, at) => (at % 2 === 0 ? [[name, ...turns.slice(at + 1, at + 2)]] : []))
}

/** Answers a refusal and ends the response. */
export function sendRefusal(response: ServerResponse, { refusal }: Refused): void {
  sendAnswer(response, refusal)
}

/** Sends a whole answer and ends the response. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  response.statusCode = status
  setHeaders(response, headers)
  response.end(body)
}

function setCookiesOf(response: ServerResponse): readonly string[] {
  const value = response.getHeader('set-cookie')
  if (value === undefined) return []
  return Array.isArray(value) ? value : [String(value)]
}
