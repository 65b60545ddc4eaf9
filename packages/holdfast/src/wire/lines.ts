import { described, integer, optional } from './describe.ts'
import { type ProblemDetails, problemDetails } from './problems.ts'

/** Most entries of a batch. */
export const MAX_BATCH = 64

/** The media type of an answer whose lines are JSON documents. */
export const LINES_TYPE = 'application/x-ndjson'

/**
 * One line of the answer to a batch: the result of one entry, or why there is none. Lines come in
 * any order.
 */
export interface Line<Result extends object> {
  readonly at: number
  readonly result?: Result
  readonly problem?: ProblemDetails
}

/** The fields of a line beside its result. */
export const lineFields = {
  at: described(integer({ min: 0 }), 'The place of the entry in the request, from 0'),
  problem: optional(problemDetails),
}
