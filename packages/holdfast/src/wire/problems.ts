import type { Code } from '../core/errors.ts'
import { type Fields, integer, list, object, optional, text } from './describe.ts'
import { code } from './words.ts'

/** An answer that is not what was asked for (RFC 9457). */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: Code
  readonly detail: string
  /** The first of `errors`. */
  readonly field?: string
  readonly errors?: readonly FieldProblem[]
  readonly requestId: string
  /** The code of RFC 6749, section 5.2, where the call is one of OAuth's. */
  readonly error?: string
}

/** What is wrong with one field of a request. */
export interface FieldProblem {
  readonly field: string
  readonly problem: string
}

/** All but the code, which tells what it is about. */
export const problemFields: Fields<Omit<ProblemDetails, 'code'>> = {
  type: text(),
  title: text(),
  status: integer(),
  detail: text(),
  field: optional(text()),
  errors: optional(list(object<FieldProblem>('FieldProblem', { field: text(), problem: text() }))),
  requestId: text(),
  error: optional(text()),
}

/** Answer of every call that did not do what it was asked for. */
export const problemDetails = object<ProblemDetails>('Problem', { ...problemFields, code })
