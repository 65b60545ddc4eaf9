import { CODES, type Code, type FaultCode, SessionError } from '../core/errors.ts'
import { checked } from '../core/options.ts'
import { isWellFormed } from '../core/request.ts'
import type { Telemetry } from '../core/telemetry.ts'
import { LINES_TYPE } from '../wire/lines.ts'
import { CONNECT_OPTIONS, type ConnectOptions } from './options.ts'
import type { Reader } from './readers.ts'
import { serviceAddress } from './service-address.ts'
import { fetchTransport, type Hearing, platformTransport } from './transport.ts'

/** What came back: a status, the code of a problem if it was one, and the JSON. */
export interface RemoteAnswer {
  readonly status: number
  readonly code: string | undefined
  readonly detail: string | undefined
  readonly body: unknown
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: object
  /** Instead of `body`: JSON as it is sent. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** HTTP calls to a service, bounded in time and size, with every failure as a coded fault. */
export interface RemoteCalls {
  ask(method: 'GET' | 'POST' | 'PATCH', path: string, ask: Ask): Promise<RemoteAnswer>
  /**
   * Hands on each line of an answer that comes in lines, as it comes. Gives the whole answer where
   * it does not.
   */
  askLines(
    path: string,
    ask: { readonly text: string; take(line: string): void },
  ): Promise<RemoteAnswer | undefined>
  /** What the body says, when status and form are the expected ones; throws otherwise. */
  expect<T>(answer: RemoteAnswer, status: number, read: Reader<T>): T
  /** Throws unless the answer is an empty success. */
  done(answer: RemoteAnswer): void
  fault(answer: RemoteAnswer): SessionError
  /** The fault of a service that did not answer. */
  unreached(cause?: unknown): SessionError
  /** A body as it is sent. */
  textOf(body: object): string
  /** Longest wait for an answer. */
  readonly timeoutMs: number
  /** Tells of the calls. */
  readonly telemetry: Telemetry | undefined
}

/** Throws `config_invalid` for an address or key that can never work. */
export function remoteCalls(options: ConnectOptions): RemoteCalls {
  const {
    url,
    key,
    timeout: timeoutMs,
    fetch: fetcher,
    telemetry,
  } = checked(CONNECT_OPTIONS, options)
  const where = { base: serviceAddress({ url, key }), timeoutMs }
  const send = fetcher === undefined ? platformTransport(where) : fetchTransport(where, fetcher)
  const always = { authorization: `Bearer ${key}`, accept: 'application/json' }

  async function sent(
    method: string,
    path: string,
    { query, text, headers }: Omit<Ask, 'body'>,
    hearing: Hearing,
  ): Promise<void> {
    const target = query === undefined ? path : `${path}${searchOf(query)}`
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const all = {
      ...always,
      ...(text === undefined ? {} : { 'content-type': type }),
      ...headers,
    }
    try {
      await send({ method, path: target, headers: all, text }, hearing)
    } catch (cause) {
      throw cause instanceof SessionError ? cause : unreached(cause)
    }
  }

  function unreached(cause?: unknown): SessionError {
    return unavailable(`did not answer within ${timeoutMs} ms or could not be reached`, cause)
  }

  function textOf(body: object): string {
    try {
      return JSON.stringify(body)
    } catch (cause) {
      throw unreached(cause)
    }
  }

  return {
    async ask(method, path, { body, ...ask }) {
      const given = body === undefined ? ask : { ...ask, text: textOf(body) }
      const whole = wholeAnswer()
      await sent(method, path, given, whole)
      return whole.answer()
    },

    async askLines(path, { text, take }) {
      const whole = wholeAnswer()
      const lines = eachLine(take)
      let inLines = false
      await sent(
        'POST',
        path,
        { text, headers: { accept: LINES_TYPE } },
        {
          head(status, type) {
            inLines = isSuccess(status) && type.startsWith(LINES_TYPE)
            whole.head(status)
          },
          piece: (piece) => (inLines ? lines : whole.piece)(piece),
        },
      )
      return inLines ? undefined : whole.answer()
    },

    expect(answer, status, read) {
      if (answer.status !== status) throw faultOf(answer)
      const parsed = read(answer.body)
      if (parsed !== undefined) return parsed
      throw unavailable('answered something that is not an answer to this call')
    },

    done(answer) {
      if (answer.status !== 204) throw faultOf(answer)
    },

    fault: faultOf,
    unreached,
    textOf,
    timeoutMs,
    telemetry,
  }
}

/** A URL would carry the same sign for every half of a surrogate pair. */
export function wellFormed(field: string, text: string): string {
  if (isWellFormed(text)) return text
  throw new SessionError('invalid_input', `${field} must be well-formed Unicode.`)
}

function searchOf(query: NonNullable<Ask['query']>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, wellFormed(name, value))
  }
  return search.size === 0 ? '' : `?${search}`
}

/** Gathers an answer that counts when it is whole. */
function wholeAnswer(): {
  head(status: number): void
  piece(text: string): void
  answer(): RemoteAnswer
} {
  let status = 0
  let text = ''
  return {
    head(given) {
      status = given
    },
    piece(more) {
      text += more
    },
    answer() {
      const body = text === '' ? undefined : jsonOf(text)
      const isProblem = !isSuccess(status) && typeof body === 'object' && body !== null
      const problem = isProblem ? body : {}
      return {
        status,
        code: 'code' in problem && typeof problem.code === 'string' ? problem.code : undefined,
        detail:
          'detail' in problem && typeof problem.detail === 'string' ? problem.detail : undefined,
        body,
      }
    },
  }
}

/** Takes text in pieces, and hands on each line that has ended. */
function eachLine(take: (line: string) => void): (piece: string) => void {
  let rest = ''
  return (piece) => {
    rest += piece
    if (!piece.includes('\n')) return
    let start = 0
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      take(rest.slice(start, end))
      start = end + 1
    }
    rest = rest.slice(start)
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299
}

/** Undefined for what is not JSON: it is not an answer either. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * A fault by its code. A refused key is `config_invalid`: only the operator of this application
 * can fix it, and its users must not see a 401.
 */
function faultOf({ status, code, detail }: RemoteAnswer): SessionError {
  if (code === 'caller_unauthenticated' || code === 'caller_forbidden') {
    return new SessionError(
      'config_invalid',
      `The service refuses this API key (${code}): ${detail ?? 'check the key and its roles'}`,
    )
  }
  if (code !== undefined && isFault(code)) {
    return new SessionError(code, detail ?? 'The service gave no detail.')
  }
  return unavailable(`answered with status ${status}, which no call expects`)
}

function isFault(code: string): code is FaultCode {
  return Object.hasOwn(CODES, code) && CODES[code as Code].kind === 'fault'
}

function unavailable(what: string, cause?: unknown): SessionError {
  return new SessionError('store_unavailable', `The Holdfast service ${what}.`, { cause })
}
