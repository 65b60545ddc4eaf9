import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SessionView } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import type { AccessRequirements } from '../tokens/requirements.ts'
import {
  type AccessGuardOptions,
  type AccessRequests,
  type AccessVerifier,
  accessJudge,
  accessRequests,
} from './access.ts'
import { guard, type Passed, type PassedOptionally } from './guard/guard.ts'
import type { FormField } from './guard/held-form.ts'
import type { HttpFacts } from './guard/http-request.ts'
import type { GuardOptions, RouteRequirements } from './guard/options.ts'
import type { Refused } from './guard/refusals.ts'
import {
  arrivals,
  headFacts,
  nodeFacts,
  sendAnswer,
  sendRefusal,
  setAnswerHeaders,
} from './node-http.ts'
import { type Answering, answering } from './request-api.ts'

export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface NodeOptions extends GuardOptions {
  /** The form token of a form's body; asked for only when a form needs one. Default: the header `x-form-token` alone. */
  readonly formToken?: (
    request: IncomingMessage,
  ) => string | undefined | Promise<string | undefined>
  /** The fields of a form's body, for `heldForms`; asked for only when a step-up interrupts it. Default: none. */
  readonly formFields?: (
    request: IncomingMessage,
  ) => readonly FormField[] | undefined | Promise<readonly FormField[] | undefined>
}

/** `node:http`, `node:https` and the compatibility interface of `node:http2`. */
export interface NodeHoldfast extends Answering<IncomingMessage, ServerResponse> {
  /** The session, or undefined: then the request is refused and the response has ended. */
  requireSession(
    requirements?: RouteRequirements,
  ): (request: IncomingMessage, response: ServerResponse) => Promise<SessionView | undefined>
  /** True: go on, with or without a session. False: the response has ended. */
  optionalSession(
    requirements?: RouteRequirements,
  ): (request: IncomingMessage, response: ServerResponse) => Promise<boolean>
}

/**
 * Holdfast for plain Node servers.
 *
 * @example
 * const { requireSession } = holdfast(sessions)
 * const account = requireSession({ sensitivity: 'sensitive' })
 * createServer(async (request, response) => {
 *   const session = await account(request, response)
 *   if (session !== undefined) response.end(`Hello ${session.subject}`)
 * })
 */
export function holdfast(sessions: Sessions, options: NodeOptions = {}): NodeHoldfast {
  const { formToken, formFields } = options
  const judge = guard(sessions, options)
  const waited = arrivals()

  function factsOf(request: IncomingMessage): HttpFacts {
    return nodeFacts(request, {
      url: request.url ?? '/',
      waited,
      formToken: formToken === undefined ? undefined : () => formToken(request),
      formFields: formFields === undefined ? undefined : () => formFields(request),
    })
  }
  const { note, ...methods } = answering(judge, {
    factsOf,
    setHeaders: setAnswerHeaders,
    send: sendAnswer,
  })

  function handsOn(
    request: IncomingMessage,
    response: ServerResponse,
    judged: Passed | PassedOptionally | Refused,
  ): boolean {
    if (!judged.ok) {
      sendRefusal(response, judged)
      return false
    }
    note(request, judged)
    setAnswerHeaders(response, judged.headers)
    return true
  }

  return {
    ...methods,

    requireSession(requirements) {
      const required = judge.require(requirements)
      return async (request, response) => {
        const judged = await required(factsOf(request))
        return handsOn(request, response, judged) && judged.ok ? judged.session : undefined
      }
    },

    optionalSession(requirements) {
      const optional = judge.optional(requirements)
      return async (request, response) =>
        handsOn(request, response, await optional(factsOf(request)))
    },
  }
}

/** Access tokens on `node:http`, `node:https` and the compatibility interface of `node:http2`. */
export interface NodeAccessGuard extends AccessRequests<IncomingMessage> {
  /** The claims, or undefined: then the request is refused and the response has ended. */
  requireAccess(
    requirements?: AccessRequirements,
  ): (request: IncomingMessage, response: ServerResponse) => Promise<AccessClaims | undefined>
  /** For the event `upgrade` (WebSocket). The claims, or undefined: then the refusal is written and the socket closed. */
  requireAccessToUpgrade(
    requirements?: AccessRequirements,
  ): (request: IncomingMessage, socket: Duplex) => Promise<AccessClaims | undefined>
}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const access = accessGuard(verifier({ issuer, audience: 'orders', authority }))
 * const orders = access.requireAccess()
 * createServer(async (request, response) => {
 *   const claims = await orders(request, response)
 *   if (claims !== undefined) response.end(`Hello ${claims.sub}`)
 * })
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): NodeAccessGuard {
  const judge = accessJudge(verifier, options)
  const { note, accessOf } = accessRequests<IncomingMessage>()

  return {
    accessOf,

    requireAccess(requirements) {
      const required = judge(requirements)
      return async (request, response) => {
        const judged = await required(headFacts(request, request.url ?? '/'))
        if (!judged.ok) {
          sendRefusal(response, judged)
          return undefined
        }
        note(request, judged.claims)
        return judged.claims
      }
    },

    requireAccessToUpgrade(requirements) {
      const required = judge(requirements)
      return async (request, socket) => {
        const end = (): void => void socket.destroy()
        // Node has taken its own listener away: without one, a client that resets now would end the process
        socket.on('error', end)
        const judged = await required(headFacts(request, request.url ?? '/'))
        if (!judged.ok) {
          socket.end(headOf(judged), end)
          return undefined
        }
        socket.off('error', end)
        note(request, judged.claims)
        return judged.claims
      }
    },
  }
}

/** A refusal as the bytes of an answer, for a socket that has no response any more. */
function headOf({ refusal: { status, headers, body } }: Refused): string {
  const length = Buffer.byteLength(body)
  const lines = [...headers, ['content-length', String(length)], ['connection', 'close']]
  const head = lines.map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...head, '', body].join('\r\n')
}
