import type { Decision } from '../core/decision.ts'
import { SessionError } from '../core/errors.ts'
import type { SessionView } from '../core/session.ts'

/** What handlers ask for after the guard let a request pass. */
export interface PassedRequests<Request> {
  /** Throws `internal_error` where no session was required: a route without a guard must not look like a guarded one. */
  sessionOf(request: Request): SessionView
  /** Undefined for a request that passed without a session. */
  optionalSessionOf(request: Request): SessionView | undefined
  /** With its reasons; undefined when nothing was judged. */
  decisionOf(request: Request): Decision | undefined
  /** What forms of this session send in the field `_form`, or scripts in the header `x-form-token`. */
  formToken(request: Request): string
}

interface Judged {
  readonly session: SessionView | undefined
  readonly decision: Decision | undefined
}

/** Remembers under a name that nobody else can have, so that frameworks' own types and fields stay as they are. */
export function passedRequests<Request extends object>(): PassedRequests<Request> & {
  note(request: Request, judged: Judged): void
} {
  const judgedHere = Symbol('judged')
  const judgedOf = (request: Request & { [judgedHere]?: Judged }): Judged | undefined =>
    request[judgedHere]

  function sessionOf(request: Request): SessionView {
    const session = judgedOf(request)?.session
    if (session !== undefined) return session
    throw new SessionError(
      'internal_error',
      'This request has no session. Put requireSession() before the handler, or ask optionalSessionOf().',
    )
  }

  return {
    note(request: Request & { [judgedHere]?: Judged }, judged) {
      request[judgedHere] = judged
    },
    sessionOf,
    optionalSessionOf: (request) => judgedOf(request)?.session,
    decisionOf: (request) => judgedOf(request)?.decision,
    formToken: (request) => sessionOf(request).formToken,
  }
}
