import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
import type { SessionView } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import { NODE_REQUEST, NODE_RESPONSE } from './guard/arguments.ts'
import { guard } from './guard/guard.ts'
import type { FormField } from './guard/held-form.ts'
import type { HttpFacts, WholeAnswer } from './guard/http-request.ts'
import { adapterOptions, type GuardOptions, type RouteRequirements } from './guard/options.ts'
import { sendAnswer, setAnswerHeaders } from './node-head.ts'
import { arrivals, headFacts, nodeFacts } from './node-http.ts'
import { type RequestApi, requestApi } from './request-api.ts'

export * from './public.ts'

/** What the guard takes, and where a form token may be. */
export interface NodeOptions extends GuardOptions {
  /**
   * The form token of a form's body; asked for only when a form needs one. Default: none, and the
   * header `x-form-token` alone counts.
   */
  readonly formToken?: (
    request: IncomingMessage,
  ) => string | undefined | Promise<string | undefined>
  /**
   * The fields of a form's body, for `heldForms`; asked for only when a step-up interrupts the
   * form. Default: none.
   */
  readonly formFields?: (
    request: IncomingMessage,
  ) => readonly FormField[] | undefined | Promise<readonly FormField[] | undefined>
}

const OPTIONS = adapterOptions<NodeOptions>({
  formToken: func<NonNullable<NodeOptions['formToken']>>('it gives the form token'),
  formFields: func<NonNullable<NodeOptions['formFields']>>('it gives the fields of a form'),
})

/** `node:http`, `node:https` and the compatibility interface of `node:http2`. */
export interface NodeHoldfast extends RequestApi<IncomingMessage, ServerResponse> {
  /** Gives the session, or undefined: then the request is refused and the response has ended. */
  requireSession(
    requirements?: RouteRequirements,
  ): (request: IncomingMessage, response: ServerResponse) => Promise<SessionView | undefined>
  /** Gives true to go on, with or without a session. False: the response has ended. */
  optionalSession(
    requirements?: RouteRequirements,
  ): (request: IncomingMessage, response: ServerResponse) => Promise<boolean>
}

/** Gives the claims, or undefined: then the request is refused and the response has ended. */
export type NodeAccessHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<AccessClaims | undefined>

/** Gives the claims, or undefined: then the refusal is written and the socket closed. */
export type NodeUpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
) => Promise<AccessClaims | undefined>

/** Access tokens on `node:http`, `node:https` and the compatibility interface of `node:http2`. */
export interface NodeAccessGuard extends AccessGuard<IncomingMessage, NodeAccessHandler> {
  /** The same for the event `upgrade` (WebSocket). */
  requireAccessToUpgrade: AccessGuard<IncomingMessage, NodeUpgradeHandler>['requireAccess']
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
  checked(OPTIONS, options)
  const { formToken, formFields } = options
  const sessionGuard = guard(sessions, options)
  const waited = arrivals()

  function factsOf(request: IncomingMessage, response?: ServerResponse): HttpFacts {
    return nodeFacts(request, {
      url: request.url ?? '/',
      response,
      waited,
      formToken: formToken === undefined ? undefined : () => formToken(request),
      formFields: formFields === undefined ? undefined : () => formFields(request),
    })
  }
  const { api, goOn } = requestApi(sessionGuard, {
    takes: { request: NODE_REQUEST, response: NODE_RESPONSE },
    factsOf,
    setHeaders: setAnswerHeaders,
    send: sendAnswer,
  })

  return {
    ...api,

    requireSession(requirements) {
      const verify = sessionGuard.require(requirements)
      return async (request, response) => {
        const verified = await verify(factsOf(request, response))
        return goOn(request, response, verified) && verified.ok ? verified.session : undefined
      }
    },

    optionalSession(requirements) {
      const verify = sessionGuard.optional(requirements)
      return async (request, response) =>
        goOn(request, response, await verify(factsOf(request, response)))
    },
  }
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
  const { accessOf, requiring } = accessGuardOf<IncomingMessage>(verifier, options, (request) =>
    headFacts(request, request.url ?? '/'),
  )
  return {
    accessOf,

    requireAccess: requiring(
      (verify): NodeAccessHandler =>
        async (request, response) => {
          const verified = await verify(request)
          if (verified.ok) return verified.claims
          sendAnswer(response, verified.refusal)
          return undefined
        },
    ),

    requireAccessToUpgrade: requiring(
      (verify): NodeUpgradeHandler =>
        async (request, socket) => {
          const close = (): void => void socket.destroy()
          // Node has removed its own error listener: a client that resets now would end the
          // process.
          socket.on('error', close)
          const verified = await verify(request)
          if (!verified.ok) {
            socket.end(bytesOf(verified.refusal), close)
            return undefined
          }
          socket.off('error', close)
          return verified.claims
        },
    ),
  }
}

/** An answer as HTTP/1.1 writes it, for a socket that has no response object any more. */
function bytesOf({ status, headers, body }: WholeAnswer): string {
  const length = Buffer.byteLength(body)
  const lines = [...headers, ['content-length', String(length)], ['connection', 'close']]
  const head = lines.map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...head, '', body].join('\r\n')
}
