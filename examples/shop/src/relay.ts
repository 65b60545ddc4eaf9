import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { LOOPBACK } from './listen.ts'

/** RFC 9110, section 7.6.1: meant for one hop, not for the next. */
const ONE_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

const TIMEOUT_MS = 15_000

/** A copy without the headers that are for one hop only. */
export function forwardable(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ONE_HOP.includes(name)))
}

/**
 * Passes a request on to another server of this machine, and its answer back, both as streams.
 * 502 when that server cannot be asked, 504 when it takes longer than 15 s to begin its answer.
 */
export function relay(
  from: IncomingMessage,
  answer: ServerResponse,
  to: { readonly port: number; readonly path: string; readonly headers: IncomingHttpHeaders },
): void {
  const onward = request(
    { host: LOOPBACK, port: to.port, method: from.method, path: to.path, headers: to.headers },
    (response) => {
      clearTimeout(timer)
      answer.writeHead(response.statusCode ?? 502, forwardable(response.headers))
      response.pipe(answer)
    },
  )
  const timer = setTimeout(() => fail(504), TIMEOUT_MS)
  onward.once('error', () => fail(502))
  answer.once('close', () => {
    clearTimeout(timer)
    onward.destroy()
  })
  from.pipe(onward)

  function fail(status: number): void {
    clearTimeout(timer)
    onward.destroy()
    if (answer.headersSent) answer.destroy()
    else answer.writeHead(status, { 'cache-control': 'no-store' }).end()
  }
}
