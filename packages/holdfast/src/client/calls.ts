import { CODES, type Code, type FaultCode, SessionError } from '../core/errors.ts'
import { isWellFormed } from '../core/request.ts'
import { LINES_TYPE } from '../wire/lines.ts'
import { boundedText, eachLine } from './bounded-text.ts'
import type { ConnectOptions } from './options.ts'
import type { Reader } from './readers.ts'
import { serviceAddress } from './service-address.ts'

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
}

const DEFAULT_TIMEOUT_MS = 2_000
const MAX_TIMEOUT_MS = 60_000
const MAX_ANSWER_BYTES = 8 * 1_048_576

/** Throws `config_invalid` for an address or key that can never work. */
export function remoteCalls({
  url,
  key,
  timeoutMs = DEFAULT_TIMEOUT_MS,
  fetch: fetcher = fetch,
}: ConnectOptions): RemoteCalls {
  const base = serviceAddress({ url, key })
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
    throw new SessionError('config_invalid', `timeoutMs must be 1 to ${MAX_TIMEOUT_MS}.`)
  }

  async function answered<T>(
    method: string,
    path: string,
    { query = {}, text, headers = {} }: Omit<Ask, 'body'>,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const target = new URL(`${base}${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, wellFormed(name, value))
    }
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    try {
      const response = await fetcher(target, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          authorization: `Bearer ${key}`,
          accept: 'application/json',
          ...(text === undefined ? {} : { 'content-type': type }),
          ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
      })
      return await read(response)
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
      const sent = body === undefined ? ask : { ...ask, text: textOf(body) }
      return answered(method, path, sent, answerOf)
    },

    askLines(path, { text, take }) {
      const headers = { accept: LINES_TYPE }
      return answered('POST', path, { text, headers }, async (response) => {
        const type = response.headers.get('content-type') ?? ''
        if (!response.ok || !type.startsWith(LINES_TYPE)) return answerOf(response)
        if (!(await eachLine(response, MAX_ANSWER_BYTES, take))) throw tooLong()
        return undefined
      })
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
  }
}

/** A URL would carry the same sign for every half of a surrogate pair. */
export function wellFormed(field: string, text: string): string {
  if (isWellFormed(text)) return text
  throw new SessionError('invalid_input', `${field} must be well-formed Unicode.`)
}

async function answerOf(response: Response): Promise<RemoteAnswer> {
  const text = await boundedText(response, MAX_ANSWER_BYTES)
  if (text === undefined) throw tooLong()
  const body = text === '' ? undefined : jsonOf(text)
  const problem = response.ok || typeof body !== 'object' || body === null ? {} : body
  return {
    status: response.status,
    code: 'code' in problem && typeof problem.code === 'string' ? problem.code : undefined,
    detail: 'detail' in problem && typeof problem.detail === 'string' ? problem.detail : undefined,
    body,
  }
}

function tooLong(): SessionError {
  return unavailable(`answered with more than ${MAX_ANSWER_BYTES} bytes`)
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
