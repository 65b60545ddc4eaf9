import { CODES, type Code, type FaultCode, SessionError } from '../core/errors.ts'
import { isWellFormed } from '../core/request.ts'
import { boundedText } from './bounded-text.ts'
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
  readonly headers?: Readonly<Record<string, string>>
}

/** HTTP calls to a service, bounded in time and size, with every failure as a coded fault. */
export interface RemoteCalls {
  ask(method: 'GET' | 'POST' | 'PATCH', path: string, ask: Ask): Promise<RemoteAnswer>
  /** What the body says, when status and form are the expected ones; throws otherwise. */
  expect<T>(answer: RemoteAnswer, status: number, read: Reader<T>): T
  /** Throws unless the answer is an empty success. */
  done(answer: RemoteAnswer): void
  fault(answer: RemoteAnswer): SessionError
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

  return {
    async ask(method, path, { query = {}, body, headers }) {
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
            ...(body === undefined ? {} : { 'content-type': type }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        return await answerOf(response)
      } catch (cause) {
        if (cause instanceof SessionError) throw cause
        throw unavailable(`did not answer within ${timeoutMs} ms or could not be reached`, cause)
      }
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
  }
}

/** A URL would carry the same sign for every half of a surrogate pair. */
export function wellFormed(field: string, text: string): string {
  if (isWellFormed(text)) return text
  throw new SessionError('invalid_input', `${field} must be well-formed Unicode.`)
}

async function answerOf(response: Response): Promise<RemoteAnswer> {
  const text = await boundedText(response, MAX_ANSWER_BYTES)
  if (text === undefined) throw unavailable(`answered with more than ${MAX_ANSWER_BYTES} bytes`)
  const body = text === '' ? undefined : jsonOf(text)
  const problem = response.ok || typeof body !== 'object' || body === null ? {} : body
  return {
    status: response.status,
    code: 'code' in problem && typeof problem.code === 'string' ? problem.code : undefined,
    detail: 'detail' in problem && typeof problem.detail === 'string' ? problem.detail : undefined,
    body,
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON is not an answer either: the shape check refuses it
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
