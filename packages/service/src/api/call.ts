import type { IncomingMessage } from 'node:http'
import { SessionError, type Traced } from 'holdfast'
import { type Checker, checker, object, problemDetails, type Shape, type Wire } from 'holdfast/wire'
import type { Role } from '../config/api-keys.ts'
import { checkShape, isForm, MAX_BODY_BYTES, readForm, readJson } from './body.ts'
import type { Caller } from './callers.ts'
import { type Fault, faultOfProblems } from './problem.ts'

/** One call of the API: what the document says about it, and what it does. */
export interface Call extends Described {
  /** Checks the request against its descriptions and answers it. Throws coded faults. */
  answer(raw: RawRequest): Promise<Answer>
}

/** What the document says of a call. */
export interface Described {
  /** Names the call in the document and in clients that are generated from it. */
  readonly id: string
  readonly method: 'get' | 'post' | 'patch'
  /** With `{name}` for parameters, as OpenAPI writes them. */
  readonly path: string
  /** Any one of them suffices. Empty: no key is needed. */
  readonly roles: readonly Role[]
  readonly summary: string
  readonly params?: Shape
  readonly query?: Shape
  readonly body?: Shape
  /** The body may be a form with these fields, too. */
  readonly form?: readonly string[]
  /** Its clients know OAuth: problems have an `error`, too. */
  readonly oauth?: true
  /** Most bytes of the body (default 256 KiB). */
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
  readonly body?: Shape
  /** The form of each line, for those who accept lines of JSON. */
  readonly lines?: Shape
  /** The forms that a problem of this status can have. */
  readonly refused?: readonly Shape[]
  /** There is a stream of events for those who accept one. */
  readonly stream?: true
}

/** An answer that is a problem. */
export function problemFacts(about: string): AnswerFacts {
  return { about, refused: [problemDetails] }
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

export interface Asked<P, Q, B> extends Asker {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly headers: Headers
  /** Ends the connection, whatever it has not taken yet. */
  readonly cut: () => void
}

/** Who asks, and how the request is named among others. */
export interface Asker {
  readonly caller: Caller
  readonly requestId: string
  /** For the event log, where a body does not say it itself. */
  readonly traced: Traced
}

/** How a request to the API is named in the event log: by its own id, and its place in a trace. */
export function tracedAs(requestId: string, traceparent: string | null | undefined): Traced {
  return typeof traceparent === 'string'
    ? { correlation: requestId, trace: traceparent }
    : { correlation: requestId }
}

/** A fault that names fields; thrown by {@link call} for what is not as described. */
export function isInputFault(error: unknown): error is Error & { readonly fault: Fault } {
  return error instanceof SessionError && 'fault' in error
}

/** Joins a description and a typed handler into a {@link Call}. */
export function call<P = Nothing, Q = Nothing, B = Nothing>(
  spec: Described & {
    readonly params?: Wire<P>
    readonly query?: Wire<Q>
    readonly body?: Wire<B>
    handle(asked: Asked<P, Q, B>): Promise<Answer>
  },
): Call {
  const { handle, ...described } = spec
  const params = reader(spec.params, 'path')
  const query = reader(spec.query, 'query')
  const body = reader(spec.body, 'body')
  return {
    ...described,
    async answer({ request, incoming, params: given, caller, requestId }) {
      checkSpelling(request.url)
      return handle({
        params: params(given),
        query: query(withNumbers(spec.query, queryOf(request))),
        body: body(await bodyOf(spec, request.headers, incoming)),
        headers: request.headers,
        cut: () => void incoming.destroy(),
        caller,
        requestId,
        traced: tracedAs(requestId, request.headers.get('traceparent')),
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

type Nothing = Record<never, never>

/** What was not described must not be there. */
const NOTHING = checker<Nothing>(object<Nothing>('Nothing', {}), 'request')

function reader<T>(wire: Wire<T> | undefined, where: string): (value: unknown) => T
function reader(wire: Shape | undefined, where: string): (value: unknown) => unknown {
  const check: Checker<unknown> = wire === undefined ? NOTHING : checker(wire, 'request')
  return (value) => checked(check, where, value)
}

/** The value, if it is as described. Throws a fault that names the fields which are not. */
function checked<T>(check: Checker<T>, where: string, value: unknown): T {
  if (check.accepts(value)) return value
  const fault = faultOfProblems(where, check.problems(value))
  throw Object.assign(new SessionError('invalid_input', fault.detail), { fault })
}

/**
 * As {@link checked}, for JSON of any depth with any names. What is as described is neither deep
 * nor full of strange names: only the rest is looked at.
 */
export function asDescribed<T>(check: Checker<T>, where: string, value: unknown): T {
  if (check.accepts(value)) return value
  checkShape(value)
  return checked(check, where, value)
}

/**
 * Percent signs that spell no UTF-8 are refused: one reader takes them as they stand, another one
 * for U+FFFD, and either could be the name of somebody else.
 */
function checkSpelling(url: string): void {
  if (!url.includes('%')) return
  try {
    decodeURIComponent(url)
  } catch {
    throw new SessionError('invalid_input', 'path or query is not UTF-8 in percent-encoding')
  }
}

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

const WHOLE = /^(?:0|[1-9]\d{0,15})$/

/** A query is text. Where a number is described and its digits are there, it becomes one. */
function withNumbers(
  shape: Shape | undefined,
  query: Readonly<Record<string, string>>,
): Readonly<Record<string, string | number>> {
  const fields = shape?.form.kind === 'object' ? shape.form.fields : {}
  const isNumber = (name: string): boolean =>
    Object.hasOwn(fields, name) && fields[name]?.of.form.kind === 'number'
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      isNumber(name) && WHOLE.test(value) ? Number(value) : value,
    ]),
  )
}
