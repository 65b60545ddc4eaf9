import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HeaderLookup, HeaderPair } from 'holdfast/gateway'
import type { Logger } from 'pino'
import type { GuessLimits } from '../main/guess-limits.ts'
import type { Tracing } from '../main/tracing.ts'
import { authRequest } from './auth-request.ts'
import type { GatewayOf } from './callers.ts'
import { type Decide, type GateAnswer, refused, tooOften } from './decide.ts'
import type { Dialect } from './dialect.ts'
import { extAuthz } from './ext-authz.ts'
import { forwardAuth } from './forward-auth.ts'
import type { ReadOptions } from './options.ts'
import type { GateReports } from './reports.ts'

export interface GateParts {
  readonly decide: Decide
  readonly gatewayOf: GatewayOf
  readonly readOptions: ReadOptions
  readonly guesses: Pick<GuessLimits, 'key'>
  readonly cookieName: string
  readonly reports: GateReports
  readonly log: Logger
  readonly tracing?: Pick<Tracing, 'answered'> | undefined
  /** Whether there is too much to do; undefined where a guard in front of it knows. */
  readonly sheds?: (() => boolean) | undefined
}

const HOME = '/v1/gate/'

/**
 * Answers gateways, each dialect at an endpoint of its own. Bodies and methods of their requests
 * are ignored. There is no listener for upgrades: a handshake that a gateway passes on is answered
 * like any request.
 */
export function gateHandler(
  parts: GateParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { decide, gatewayOf, readOptions, reports } = parts
  const dialects = [forwardAuth, authRequest, extAuthz(parts.cookieName)]

  async function answer(request: IncomingMessage, startedAt: number): Promise<Wire> {
    const found = endpointOf(dialects, request.url ?? '/')
    if (found === undefined) {
      return wireOf(refused('not_found', 'docs/gateways lists the addresses of each gateway.'))
    }
    const { dialect, options, rest } = found
    const { headers, socket } = request
    const gateway = gatewayOf({ key: headers['holdfast-key'], address: socket.remoteAddress })
    const header = headerOf(request)
    const ask = { method: request.method ?? 'GET', rest, header }
    const judged =
      gateway === undefined
        ? stranger(parts, socket.remoteAddress, 'Send Holdfast-Key, or be one of gatePeers.')
        : await decide({
            gateway,
            forwarded: dialect.read(ask),
            header,
            options: readOptions(options),
          })
    const wire = wireOf(judged, { dialect, more: judged.ok ? dialect.allow?.(ask) : undefined })
    parts.tracing?.answered({ method: ask.method, route: `${HOME}${dialect.name}` })
    reports.answered({
      dialect: dialect.name,
      status: wire.status,
      ms: performance.now() - startedAt,
      address: socket.remoteAddress,
      judged,
    })
    return wire
  }

  return (request, response) => {
    answer(request, performance.now()).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      (error: unknown) => {
        parts.log.error({ err: error }, 'a gate failed')
        response.writeHead(500, ['cache-control', 'no-store', 'content-length', '0']).end()
      },
    )
  }
}

/** Who asks and is no gateway, or guesses keys. */
export function stranger(
  { guesses }: Pick<GateParts, 'guesses'>,
  address: string | undefined,
  advice: string,
): GateAnswer {
  const waitS = guesses.key(address ?? null)
  if (waitS > 0) return tooOften(waitS, 'caller_unknown')
  return refused('caller_unauthenticated', advice, 'caller_unknown')
}

interface Wire {
  readonly status: number
  /** Names and values alternate. */
  readonly headers: string[]
  readonly body: string
}

function wireOf(
  judged: GateAnswer,
  { dialect, more = [] }: { dialect?: Dialect; more?: readonly HeaderPair[] | undefined } = {},
): Wire {
  if (judged.ok) return { status: 200, headers: flat([...judged.headers, ...more], ''), body: '' }
  const { status, headers, body } = dialect?.refuse?.(judged.refusal) ?? judged.refusal
  return { status, headers: flat(headers, body), body }
}

function flat(headers: readonly HeaderPair[], body: string): string[] {
  return [...headers.flat(), 'content-length', String(Buffer.byteLength(body))]
}

/** The dialect of a URL, its options, and the client's path where the dialect appends it. */
function endpointOf(
  dialects: readonly Dialect[],
  url: string,
): { readonly dialect: Dialect; readonly options: string; readonly rest: string } | undefined {
  if (!url.startsWith(HOME)) return undefined
  for (const dialect of dialects) {
    const { name, prefix } = dialect
    if (!url.startsWith(name, HOME.length)) continue
    const tail = url.slice(HOME.length + name.length)
    if (prefix === undefined) {
      if (tail === '' || tail.startsWith('?')) return { dialect, options: tail.slice(1), rest: '' }
      continue
    }
    const end = tail.indexOf('/', 1)
    // Without options, the first segment of the client's path would be read as options.
    if (!tail.startsWith('/') || end <= 1) return undefined
    return { dialect, options: tail.slice(1, end), rest: tail.slice(end) }
  }
  return undefined
}

/** Headers of which Node keeps only the first line. All their lines are read here. */
const ONCE = new Set(['authorization', 'host', 'user-agent', 'content-type', 'referer'])

function headerOf(request: IncomingMessage): HeaderLookup {
  return (name) => {
    const value = request.headers[name]
    if (value === undefined || !ONCE.has(name)) return value
    return linesOf(request, name)
  }
}

function linesOf({ rawHeaders }: IncomingMessage, name: string): string | readonly string[] {
  const lines: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) lines.push(rawHeaders[at + 1] ?? '')
  }
  const [only = ''] = lines
  return lines.length === 1 ? only : lines
}
