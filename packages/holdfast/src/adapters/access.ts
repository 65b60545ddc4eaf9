import { readBearer } from '../carriers/bearer.ts'
import { type Code, SessionError } from '../core/errors.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import type { AccessRequirements } from '../tokens/requirements.ts'
import type { Verifier } from '../tokens/verifier.ts'
import type { HttpFacts } from './guard/http-request.ts'
import type { Refused } from './guard/refusals.ts'
import { refusalOf } from './guard/refusals.ts'

/** What `accessGuard` takes of a verifier. */
export type AccessVerifier = Pick<Verifier, 'verify' | 'checkRequirements'>

/** How a guard of access tokens tells of what it does. */
export interface AccessGuardOptions {
  /** For the log: why a request did not pass. The client learns the code alone. */
  readonly onRefused?: (refused: RefusedAccess) => void
}

/** A request that did not pass, for the log. */
export interface RefusedAccess {
  readonly code: Code
  readonly reason: string
  readonly method: string
  readonly url: string
}

/** A request that passed. */
export interface PassedAccess {
  readonly ok: true
  readonly claims: AccessClaims
}

/** Judges requests by the access token in their one `Authorization` line; whatever else a request says of its user is nobody's word. */
export type JudgeAccess = (facts: HttpFacts) => Promise<PassedAccess | Refused>

/** The pivot of all adapters for access tokens. Throws `config_invalid` for requirements that this verifier can never meet. */
export function accessJudge(
  verifier: AccessVerifier,
  { onRefused }: AccessGuardOptions,
): (requirements?: AccessRequirements) => JudgeAccess {
  return (requirements = {}) => {
    verifier.checkRequirements(requirements)
    return async (facts) => {
      const access = await judged(verifier, facts, requirements)
      if (access.ok) return access
      const { code, reason, requirements: missing } = access
      const { method, url } = facts
      onRefused?.({ code, reason, method, url })
      return { ok: false, code, refusal: refusalOf({ code, requirements: missing }) }
    }
  }
}

async function judged(
  verifier: AccessVerifier,
  { header }: HttpFacts,
  requirements: AccessRequirements,
): ReturnType<AccessVerifier['verify']> {
  const carried = readBearer(header, Number.POSITIVE_INFINITY)
  if (carried.ok) return verifier.verify(carried.token, requirements)
  if (carried.code === 'token_missing' || carried.code === 'token_duplicated') {
    return { ok: false, code: carried.code, reason: 'one line of Authorization: Bearer is needed' }
  }
  // The verifier bounds the length itself.
  return { ok: false, code: 'access_token_invalid', reason: 'it is empty' }
}

/** What handlers ask for after the guard let a request pass. */
export interface AccessRequests<Request> {
  /** Throws `internal_error` where no access token was required: a route without a guard must not look like a guarded one. */
  accessOf(request: Request): AccessClaims
}

/** Remembers by request object, so that frameworks' own types and fields stay as they are. */
export function accessRequests<Request extends object>(): AccessRequests<Request> & {
  note(request: Request, claims: AccessClaims): void
} {
  const known = new WeakMap<Request, AccessClaims>()
  return {
    note: (request, claims) => void known.set(request, claims),
    accessOf(request) {
      const claims = known.get(request)
      if (claims !== undefined) return claims
      throw new SessionError(
        'internal_error',
        'This request has no access token. Put requireAccess() before the handler.',
      )
    },
  }
}
