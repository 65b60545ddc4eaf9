import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { REQUEST, type SessionFacts } from '../facts.ts'

/** A request as a handler behind express-session has it. */
export interface Keeping {
  readonly session: { facts?: SessionFacts }
}

/** What of Express's middleware is asked of it here. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

export type Exchange = <T>(
  cookie: string,
  handle: (request: Keeping) => T,
) => Promise<readonly [T, ServerResponse]>

/**
 * One request without a server: the middleware gets a real request and response that no socket is
 * behind. Over when the response has ended, before which the session is saved or touched.
 */
export function exchangeThrough(middleware: Middleware): Exchange {
  const socket = new Socket()

  return <T>(cookie: string, handle: (request: Keeping) => T) =>
    new Promise<readonly [T, ServerResponse]>((resolve, reject) => {
      const request = new IncomingMessage(socket)
      request.method = 'GET'
      request.url = REQUEST.url
      request.headers = { ...REQUEST.headers, cookie } as NodeJS.Dict<string>
      const response = new ServerResponse(request)
      let handled: T
      response.end = () => {
        resolve([handled, response])
        return response
      }
      middleware(request, response, (error) => {
        if (error !== undefined) return reject(error)
        handled = handle(request as unknown as Keeping)
        response.end()
      })
    })
}

/** What the exchange costs by itself, and no session is to blame for. */
export const nothing: Middleware = (_request, response, next) => {
  response.writeHead(200)
  next()
}
