import type { IncomingMessage, ServerResponse } from 'node:http'
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
