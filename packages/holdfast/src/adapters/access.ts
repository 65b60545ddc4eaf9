import { readBearer } from '../carriers/bearer.ts'
import { type Code, SessionError } from '../core/errors.ts'
import { func } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import { MAX_TOKEN_LENGTH } from '../tokens/parse-jwt.ts'
import type { AccessRequirements } from '../tokens/requirements.ts'
import type { Verifier } from '../tokens/verifier.ts'
import { checkWasCalled } from './guard/arguments.ts'
import { withBugs } from './guard/faults.ts'
import type { HttpFacts } from './guard/http-request.ts'
import { problemRefusal, type Refused } from './guard/refusals.ts'

/** What `accessGuard` needs of a verifier. */
export type AccessVerifier = Pick<Verifier, 'verify' | 'checkRequirements'>

/** Options of a guard of access tokens. */
export interface AccessGuardOptions {
  /** Hears why a request was refused, for the log. The client learns the code alone. */
  readonly onRefused?: (refused: RefusedAccess) => void
}

const OPTIONS = {
  of: 'accessGuard()',
  fields: {
    onRefused: func<(refused: RefusedAccess) => void>('it hears why a request was refused'),
  } satisfies OptionsOf<AccessGuardOptions>,
  aliases: { onRefusal: 'onRefused', onError: 'onRefused' },
} satisfies OptionTable

/** A refused request, for the log. */
export interface RefusedAccess {
  readonly code: Code
  readonly reason: string
  readonly method: string
  readonly url: string
}

/** What handlers ask about a request that the guard let pass. */
export interface AccessLookup<Request> {
  /** Throws `internal_error` where no `requireAccess` ran before the handler. */
  accessOf(request: Request): AccessClaims
}

/** The guard of access tokens, in the form of a framework's middleware. */
export interface AccessGuard<Request, Middleware> extends AccessLookup<Request> {
  /**
   * Refuses requests without an access token that meets the requirements. Handlers read its claims
   * with `accessOf`. Throws `config_invalid` for requirements that this verifier can never meet.
   */
  requireAccess(requirements?: AccessRequirements): Middleware
}

/** Verifies a request and remembers the claims of one that passes. */
export type VerifyAccess<Request> = (request: Request) => Promise<VerifiedAccess | Refused>

/** A request with a valid access token. */
export interface VerifiedAccess {
  readonly ok: true
  readonly claims: AccessClaims
}

/** Makes the middleware of one route from the verification of its requests. */
export type AccessMiddleware<Request, Middleware> = (verify: VerifyAccess<Request>) => Middleware

/**
 * The guard of access tokens for all frameworks. It reads the token of the one `Authorization`
 * header line and nothing else: no other header, cookie or query says who the user is.
 *
 * A framework says how its requests are read, and `requiring` turns its middleware into
 * `requireAccess`.
 */
export function accessGuardOf<Request extends object>(
  verifier: AccessVerifier,
  options: AccessGuardOptions,
  factsOf: (request: Request) => HttpFacts,
): AccessLookup<Request> & {
  requiring<Middleware>(
    middleware: AccessMiddleware<Request, Middleware>,
  ): (requirements?: AccessRequirements) => Middleware
} {
  const { onRefused } = checked(OPTIONS, options)
  const claimsOf = new WeakMap<Request, AccessClaims>()

  async function verify(
    request: Request,
    requirements: AccessRequirements,
  ): Promise<VerifiedAccess | Refused> {
    const facts = factsOf(request)
    const access = await verifyToken(verifier, facts, requirements)
    if (access.ok) {
      claimsOf.set(request, access.claims)
      return access
    }
    const { code, reason, requirements: missing } = access
    const { method, url } = facts
    onRefused?.({ code, reason, method, url })
    return { ok: false, code, refusal: problemRefusal({ code, requirements: missing }) }
  }

  return {
    requiring: (middleware) => {
      return (requirements = {}) => {
        checkWasCalled('requireAccess()', requirements)
        verifier.checkRequirements(requirements)
        return middleware(withBugs((request: Request) => verify(request, requirements)))
      }
    },

    accessOf(request) {
      const claims = claimsOf.get(request)
      if (claims !== undefined) return claims
      if ((request as unknown) === undefined) throw new SessionError('config_invalid', NO_REQUEST)
      throw new SessionError(
        'internal_error',
        'This request has no access token. Put requireAccess() before the handler.',
      )
    },
  }
}

const NO_REQUEST = 'accessOf(request): request is missing. It may be the context of a framework.'

async function verifyToken(
  verifier: AccessVerifier,
  { header }: HttpFacts,
  requirements: AccessRequirements,
): ReturnType<AccessVerifier['verify']> {
  const carried = readBearer(header, MAX_TOKEN_LENGTH)
  if (carried.ok) return verifier.verify(carried.token, requirements)
  if (carried.code === 'token_missing' || carried.code === 'token_duplicated') {
    return { ok: false, code: carried.code, reason: 'one line of Authorization: Bearer is needed' }
  }
  return { ok: false, code: 'access_token_invalid', reason: 'it is empty or too long' }
}
