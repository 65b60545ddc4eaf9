import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnswerHeaders } from './guard.ts'
import type { HeaderPair, HttpFacts } from './http-facts.ts'
import type { Refused } from './refuse.ts'
import { withSetCookie } from './set-cookies.ts'

/** The facts of a Node request. `url`: as the client wrote it, where a framework rewrites `request.url`. */
export function nodeFacts(
  request: IncomingMessage,
  { url, formToken }: { readonly url: string; readonly formToken: HttpFacts['formToken'] },
): HttpFacts {
  const { socket } = request
  return {
    method: request.method ?? 'GET',
    url,
    peer: socket.remoteAddress,
    encrypted: 'encrypted' in socket && socket.encrypted === true,
    header: (name) =>
      // Of several, Node keeps the first in `headers` and says nothing about the others.
      name === 'authorization' ? request.headersDistinct[name] : request.headers[name],
    ...(formToken === undefined ? {} : { formToken }),
  }
}

/** Sets the guard's headers on an answer that has not begun. */
export function setHeaders(response: ServerResponse, headers: readonly HeaderPair[]): void {
  for (const [name, value] of headers) {
    if (name !== 'set-cookie') response.setHeader(name, value)
    else response.setHeader(name, withSetCookie(setCookiesOf(response), value))
  }
}

/** Sets the headers of a request that passed, and takes back what is out of date when the answer leaves at last. */
export function setPassedHeaders(response: ServerResponse, headers: AnswerHeaders): void {
  setHeaders(response, headers())
  withdrawLate(response, headers)
}

/** Looks once more as the head is written: a cookie that must not leave any more is taken out of it. */
export function withdrawLate(response: ServerResponse, headers: AnswerHeaders): void {
  const cookie = cookieOf(headers)
  if (cookie === undefined) return
  const writeHead = response.writeHead
  const looking = (...args: unknown[]): ServerResponse => {
    response.writeHead = writeHead
    if (cookieOf(headers) !== undefined) return Reflect.apply(writeHead, response, args)
    const others = setCookiesOf(response).filter((value) => value !== cookie)
    if (others.length > 0) response.setHeader('set-cookie', others)
    else response.removeHeader('set-cookie')
    return Reflect.apply(
      writeHead,
      response,
      args.map((given) => withoutValue(given, cookie)),
    )
  }
  response.writeHead = looking
}

function cookieOf(headers: AnswerHeaders): string | undefined {
  return headers().find(([name]) => name === 'set-cookie')?.[1]
}

/** Headers that a framework hands to `writeHead` itself, less one cookie. */
function withoutValue(given: unknown, cookie: string): unknown {
  if (typeof given !== 'object' || given === null || !('set-cookie' in given)) return given
  const { 'set-cookie': cookies, ...others } = given
  const left = [cookies].flat().filter((value) => value !== cookie)
  return left.length === 0 ? others : { ...others, 'set-cookie': left }
}

/** Answers a refusal and ends the response. */
export function sendRefusal(response: ServerResponse, { refusal }: Refused): void {
  response.statusCode = refusal.status
  setHeaders(response, refusal.headers)
  response.end(refusal.body)
}

function setCookiesOf(response: ServerResponse): readonly string[] {
  const value = response.getHeader('set-cookie')
  if (value === undefined) return []
  return Array.isArray(value) ? value : [String(value)]
}
