import { FORM_TOKEN_FIELD } from '../../carriers/names.ts'
import type { HeaderLookup } from '../../core/request.ts'
import type { FormField } from './held-form.ts'
import type { Person } from './on-behalf.ts'

/**
 * A request as every adapter hands it to the guard: plain facts, nothing interpreted. This and
 * {@link guard} are all that an adapter for another framework needs.
 */
export interface HttpFacts {
  readonly method: string
  /** As the client wrote it: path and query, or absolute. */
  readonly url: string
  /** The socket's remote address; undefined when the runtime does not say. */
  readonly peer: string | undefined
  /** The connection to this process is TLS. */
  readonly encrypted: boolean
  readonly header: HeaderLookup
  /**
   * The answer can bring a cookie. False where its head has left, or where there is no answer at
   * all: no secret rotates there. Default true.
   */
  readonly deliverable?: boolean
  /**
   * A person waits for a page, whatever the headers say. Default: the headers decide.
   * `returnTo`: where to go on after a login or a step-up, in place of what the request says.
   */
  readonly page?: { readonly returnTo?: string | undefined }
  /**
   * The person for whom a renderer or backend of the application's own asks. Set by the guard
   * alone, from what was sealed.
   */
  readonly person?: Person | undefined
  /** How long ago the request was received, ms; absent where the runtime does not say. */
  waitedMs?(): number
  /** The form token in a parsed body; asked for only when a form needs one. */
  readonly formToken?: (() => string | undefined | Promise<string | undefined>) | undefined
  /**
   * All fields of a form's body in their order; asked for only when a step-up interrupts a form.
   * Undefined: the body cannot be read.
   */
  readonly formFields?:
    | (() => readonly FormField[] | undefined | Promise<readonly FormField[] | undefined>)
    | undefined
}

/** One header line of an answer. */
export type HeaderPair = readonly [name: string, value: string]

/** An answer that the adapter makes by itself. */
export interface WholeAnswer {
  readonly status: number
  readonly headers: readonly HeaderPair[]
  readonly body: string
}

/** A header that may come once only; undefined when it is absent or came several times. */
export function single(facts: Pick<HttpFacts, 'header'>, name: string): string | undefined {
  const value = facts.header(name)
  if (value === undefined || typeof value === 'string') return value
  return value.length === 1 ? value[0] : undefined
}

/** The form token in a body that the framework has parsed. A repeated field counts as none. */
export function parsedField(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, FORM_TOKEN_FIELD)) {
    return undefined
  }
  const value: unknown = Reflect.get(body, FORM_TOKEN_FIELD)
  return typeof value === 'string' ? value : undefined
}

/** The fields of a body that the framework has parsed; undefined for a body with other values. */
export function parsedFields(body: unknown): readonly FormField[] | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const fields: FormField[] = []
  for (const [name, given] of Object.entries(body)) {
    const values: readonly unknown[] = Array.isArray(given) ? given : [given]
    for (const value of values) {
      if (typeof value !== 'string') return undefined
      fields.push([name, value])
    }
  }
  return fields
}
