import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { StringDecoder } from 'node:string_decoder'
import { SessionError } from '../core/errors.ts'
import { eachPiece } from './bounded-text.ts'
import { fetchUntil } from './fetch-until.ts'

/** One request to a service, as it is sent. */
export interface Outgoing {
  readonly method: string
  /** Path and query, below the address of the service. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string | undefined
}

/** Hears an answer as it comes: its head once, then its body in pieces. */
export interface Hearing {
  head(status: number, type: string): void
  piece(text: string): void
}

/**
 * Sends a request and hands on its answer, of at most 8 MiB. Follows no redirect. Rejects for
 * whatever keeps the answer from being whole in time.
 */
export type Transport = (outgoing: Outgoing, hearing: Hearing) => Promise<void>

interface Where {
  /** Where paths of the service begin. */
  readonly base: string
  readonly timeoutMs: number
}

const MAX_ANSWER_BYTES = 8 * 1_048_576

/** A connection that nobody uses is closed before a service closes it, which takes 5 s or more. */
const FREE_MS = 4_000

/** By Node's own HTTP client, which costs a third of its `fetch`; elsewhere by `fetch`. */
export function platformTransport(where: Where): Transport {
  return nodeTransport(where) ?? fetchTransport(where, fetch)
}

export function fetchTransport({ base, timeoutMs }: Where, fetcher: typeof fetch): Transport {
  return async ({ method, path, headers, text }, { head, piece }) => {
    const response = await fetchUntil(fetcher, new URL(`${base}${path}`), {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers,
      ...(text === undefined ? {} : { body: text }),
    })
    head(response.status, response.headers.get('content-type') ?? '')
    if (!(await eachPiece(response, MAX_ANSWER_BYTES, piece))) throw tooLong()
  }
}

/** Undefined where the platform is not Node, nor like it. */
function nodeTransport({ base, timeoutMs }: Where): Transport | undefined {
  const { protocol, hostname, port, pathname } = new URL(base)
  const http = builtIn<Http>(protocol === 'https:' ? 'node:https' : 'node:http')
  const strings = builtIn<Strings>('node:string_decoder')
  if (http === undefined || strings === undefined) return undefined
  const agent = new http.Agent({ keepAlive: true, timeout: FREE_MS })
  const prefix = pathname === '/' ? '' : pathname
  const place = { agent, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port }

  return ({ method, path, headers, text }, hearing) =>
    new Promise((resolve, reject) => {
      // No list of names and values: OpenTelemetry's instrumentation of HTTP takes none.
      const all =
        text === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(text) }
      const request = http.request({ ...place, method, path: `${prefix}${path}`, headers: all })
      const late = setTimeout(() => request.destroy(new Error('timed out')), timeoutMs)
      const failed = (error: unknown): void => {
        clearTimeout(late)
        request.destroy()
        reject(error)
      }
      const done = (): void => {
        clearTimeout(late)
        resolve()
      }
      request.on('error', failed)
      request.on('response', (response) => {
        // It reads UTF-8 at an eighth of what a TextDecoder costs on Node 20.
        const decoder = new strings.StringDecoder('utf8')
        hear(response, { ...hearing, decoder }, { done, failed })
      })
      request.end(text)
    })
}

/** A module of Node. Asked for, and not imported, as bundles for others lack it. */
function builtIn<Module>(name: string): Module | undefined {
  const { process }: { readonly process?: BuiltIns } = globalThis
  return process?.getBuiltinModule?.(name) as Module | undefined
}

interface BuiltIns {
  readonly getBuiltinModule?: (name: string) => unknown
}

interface Http {
  readonly Agent: new (options: { readonly keepAlive: true; readonly timeout: number }) => Agent
  readonly request: (options: RequestOptions) => ClientRequest
}

interface Strings {
  readonly StringDecoder: new (encoding: 'utf8') => StringDecoder
}

function hear(
  response: IncomingMessage,
  { head, piece, decoder }: Hearing & { readonly decoder: StringDecoder },
  { done, failed }: { readonly done: () => void; readonly failed: (error: unknown) => void },
): void {
  let size = 0

  function take(chunk: Buffer): void {
    size += chunk.length
    try {
      if (size > MAX_ANSWER_BYTES) throw tooLong()
      piece(decoder.write(chunk))
    } catch (error) {
      response.off('data', take)
      failed(error)
    }
  }
  function end(): void {
    try {
      piece(decoder.end())
      done()
    } catch (error) {
      failed(error)
    }
  }

  response.on('error', failed).on('end', end)
  response.on('close', () => {
    if (!response.complete) failed(new Error('the answer broke off'))
  })
  try {
    head(response.statusCode ?? 0, response.headers['content-type'] ?? '')
    response.on('data', take)
  } catch (error) {
    failed(error)
  }
}

function tooLong(): SessionError {
  return new SessionError(
    'store_unavailable',
    `The Holdfast service answered with more than ${MAX_ANSWER_BYTES} bytes.`,
  )
}
