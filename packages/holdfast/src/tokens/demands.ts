import { acrMet } from '../core/acr.ts'
import { SessionError } from '../core/errors.ts'
import { LIMITS } from '../core/request.ts'
import { type AccessDemands, type AccessRefused, refused } from './access.ts'
import type { AccessClaims } from './access-claims.ts'
import type { Revocations } from './revocations.ts'

/** What a verifier has beside its keys. */
export interface Means {
  readonly revocations: Revocations | undefined
  readonly acrOrder: readonly string[]
  /** Somebody can be asked. */
  readonly authority: boolean
}

/** Throws `config_invalid` for what no token could ever meet here. */
export function checkAccessDemands(
  { acr, freshWithin, strict, whenBlind }: AccessDemands,
  { revocations, authority }: Means,
): void {
  if (acr !== undefined && (typeof acr !== 'string' || acr === '' || acr.length > LIMITS.word)) {
    throw misconfigured('acr', `must have 1 to ${LIMITS.word} characters`)
  }
  if (freshWithin !== undefined && (!Number.isSafeInteger(freshWithin) || freshWithin <= 0)) {
    throw misconfigured('freshWithin', 'must be a whole number of ms above 0')
  }
  if (strict !== undefined && typeof strict !== 'boolean') {
    throw misconfigured('strict', 'must be true or false')
  }
  if (strict === true && !authority) {
    throw misconfigured('strict', 'needs a verifier with an authority')
  }
  if (whenBlind !== undefined && whenBlind !== 'accept' && whenBlind !== 'refuse') {
    throw misconfigured('whenBlind', 'must be accept or refuse')
  }
  if (whenBlind === 'refuse' && revocations === undefined) {
    throw misconfigured('whenBlind', 'needs a verifier with revocations')
  }
}

/** What is known of the end of the token's session; or that it is not known well enough. */
export function revoked(
  claims: AccessClaims,
  { whenBlind }: AccessDemands,
  { revocations }: Means,
): AccessRefused | undefined {
  if (revocations === undefined) return undefined
  if (revocations.isRevoked(claims)) return refused('session_revoked', 'the feed says so')
  if (whenBlind !== 'refuse' || revocations.state() === 'fresh') return undefined
  return refused('revocations_unavailable', `the revocation feed is ${revocations.state()}`)
}

/** What the subject has to prove first (RFC 9470). */
export function unproved(
  claims: AccessClaims,
  { acr, freshWithin }: AccessDemands,
  { at, acrOrder }: Pick<Means, 'acrOrder'> & { readonly at: number },
): AccessRefused | undefined {
  const weak = acr !== undefined && !acrMet(claims.acr ?? null, acr, acrOrder)
  const old = freshWithin !== undefined && !isFresh(claims, freshWithin, at)
  if (!weak && !old) return undefined
  return {
    ...refused(
      'step_up_required',
      weak ? 'acr is not the wanted one' : 'auth_time is too long ago',
    ),
    demands: {
      ...(acr === undefined ? {} : { acr }),
      ...(freshWithin === undefined ? {} : { maxAge: freshWithin }),
    },
  }
}

function isFresh({ auth_time: authTime }: AccessClaims, within: number, at: number): boolean {
  return authTime !== undefined && at - authTime * 1_000 <= within
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}
