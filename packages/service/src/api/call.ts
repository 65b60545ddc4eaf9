import type { IncomingMessage } from 'node:http'
import { type JsonValue, SessionError } from 'holdfast'
import { z } from 'zod'
import type { Role } from '../config/api-keys.ts'
import { isForm, MAX_BODY_BYTES, readForm, readJson } from './body.ts'
import type { Caller } from './callers.ts'
import { type Fault, faultOfIssues } from './problem.ts'

/** One call of the API: what the document says about it, and what it does. */
export interface Call extends Described {
  /** Checks the request against the schemas and answers it. Throws coded faults. */
  answer(raw: RawRequest): Promise<Answer>
}

interface Described {
  /** Names the call in the document and in clients that are generated from it. */
  readonly id: string
  readonly method: 'get' | 'post' | 'patch'
  /** With `{name}` for parameters, as OpenAPI writes them. */
  readonly path: string
  /** Any one of them suffices. Empty: no key is needed. */
  readonly roles: readonly Role[]
  readonly summary: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** The body may be a form with these fields, too. */
  readonly form?: readonly string[]
  /** Most bytes of the body (default 64 KiB). */
  readonly bodyBytes?: number
  /** Headers that the call reads, for the document. */
  readonly headers?: readonly {
    readonly name: string
    readonly about: string
    readonly required: boolean
  }[]
  readonly answers: Readonly<Record<number, AnswerFacts>>
}

export interface AnswerFacts {
  readonly about: string
  readonly schema?: z.ZodType
  readonly type?: string
}

export type Answer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | Response

export interface RawRequest {
  readonly request: Request
  /** What the request came by: its body is read from here. */
  readonly incoming: IncomingMessage
  readonly params: Readonly<Record<string, string>>
  readonly caller: Caller
  readonly requestId: string
}

/** What parsing JSON gives: a field is there with a value or is not there at all. */
export type Exact<T> = T extends JsonValue ? T : { [K in keyof T]: Exact<Exclude<T[K], undefined>> }

export interface Asked<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly headers: Headers
  /** Aborts when the caller goes away. Costly: for calls that last. */
  readonly gone: () => AbortSignal
  /** Ends the connection, whatever it has not taken yet. */
  readonly cut: () => void
  readonly caller: Caller
  readonly requestId: string
}

/** A fault that names fields; thrown by {@link call} for what the schemas refuse. */
export function isInputFault(error: unknown): error is Error & { readonly fault: Fault } {
  return error instanceof SessionError && 'fault' in error
}

/** Joins a description and a typed handler into a {@link Call}. */
export function call<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
>(
  spec: Described & {
    readonly params?: P
    readonly query?: Q
    readonly body?: B
    handle(
      asked: Asked<Exact<z.output<P>>, Exact<z.output<Q>>, Exact<z.output<B>>>,
    ): Promise<Answer>
  },
): Call {
  const { handle, ...described } = spec
  return {
    ...described,
    async answer({ request, incoming, params, caller, requestId }) {
      return handle({
        params: checked(spec.params, 'path', params),
        query: checked(spec.query, 'query', queryOf(request)),
        body: checked(spec.body, 'body', await bodyOf(spec, request.headers, incoming)),
        headers: request.headers,
        gone: () => request.signal,
        cut: () => void incoming.destroy(),
        caller,
        requestId,
      })
    },
  }
}

async function bodyOf(
  { body, form, bodyBytes: maxBytes = MAX_BODY_BYTES }: Described,
  headers: Headers,
  incoming: IncomingMessage,
): Promise<unknown> {
  if (body === undefined) return {}
  return form !== undefined && isForm(headers)
    ? readForm(headers, incoming, { names: form, maxBytes })
    : readJson(headers, incoming, maxBytes)
}

/** What a schema makes of a value. Throws a fault that names the fields which are not as it says. */
export function checked<T extends z.ZodType>(
  schema: T | undefined,
  where: string,
  value: unknown,
): Exact<z.output<T>>
export function checked(schema: z.ZodType | undefined, where: string, value: unknown): unknown {
  const parsed = (schema ?? NOTHING).safeParse(value, { reportInput: true })
  if (parsed.success) return parsed.data
  const fault = faultOfIssues(where, parsed.error.issues)
  throw Object.assign(new SessionError('invalid_input', fault.detail), { fault })
}

/** What was not described must not be there. */
const NOTHING = z.strictObject({})

/** A parameter that comes twice is refused: two readers could believe different ones. */
function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of new URL(request.url).searchParams) {
    if (Object.hasOwn(query, name)) {
      throw new SessionError('invalid_input', `${name.slice(0, 64)} is there twice`)
    }
    query[name] = value
  }
  return query
}
