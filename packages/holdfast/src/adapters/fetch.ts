import { func } from '../core/option-kinds.ts'
import { checked } from '../core/options.ts'
import type { Sessions } from '../core/sessions.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import {
  type AccessGuard,
  type AccessGuardOptions,
  type AccessVerifier,
  accessGuardOf,
} from './access.ts'
import { type FetchHoldfast, type FetchMiddleware, fetchApi } from './fetch-api.ts'
import { answerResponse, fetchHeadFacts } from './fetch-http.ts'
import { guard } from './guard/guard.ts'
import { adapterOptions, type GuardOptions } from './guard/options.ts'

export type { Attachable, FetchHoldfast, FetchMiddleware, FetchSession } from './fetch-api.ts'
export * from './public.ts'

/** What the guard takes, and how a Fetch runtime names its client. */
export interface FetchOptions extends GuardOptions {
  /**
   * The socket's remote address, as the runtime knows it. Without it every client's address is
   * unknown.
   */
  readonly peer?: (request: Request) => string | undefined
  /**
   * The form token of a form's body. Default: field `_form` of a form of at most 64 KiB, read from
   * a copy.
   */
  readonly formToken?: (request: Request) => string | undefined | Promise<string | undefined>
}

const OPTIONS = adapterOptions<FetchOptions>({
  peer: func<NonNullable<FetchOptions['peer']>>('it gives the remote address'),
  formToken: func<NonNullable<FetchOptions['formToken']>>('it gives the form token'),
})

/**
 * Holdfast for everything that speaks `Request` and `Response`.
 *
 * @example
 * const peer = (request) => server.requestIP(request)?.address
 * const { requireSession } = holdfast(sessions, { peer })
 * const account = requireSession()((request, { session }) => {
 *   return Response.json({ name: session.subject })
 * })
 */
export function holdfast(sessions: Sessions, options: FetchOptions = {}): FetchHoldfast {
  checked(OPTIONS, options)
  const { peer = () => undefined, formToken } = options
  return fetchApi(guard(sessions, options), { peer, formToken })
}

/** Access tokens for web standard handlers. */
export interface FetchAccessGuard extends AccessGuard<Request, FetchMiddleware<AccessClaims>> {}

/**
 * Verifies the access tokens that a gateway or a client sends to this service.
 *
 * @example
 * const { requireAccess } = accessGuard(verifier({ issuer, audience: 'orders', authority }))
 * const orders = requireAccess()((_, { sub }) => Response.json({ buyer: sub }))
 */
export function accessGuard(
  verifier: AccessVerifier,
  options: AccessGuardOptions = {},
): FetchAccessGuard {
  const { accessOf, requiring } = accessGuardOf(verifier, options, fetchHeadFacts)
  return {
    accessOf,
    requireAccess: requiring((verify): FetchMiddleware<AccessClaims> => {
      return (handler) =>
        async (request, ...rest) => {
          const verified = await verify(request)
          if (!verified.ok) return answerResponse(verified.refusal)
          return handler(request, verified.claims, ...rest)
        }
    }),
  }
}
