import { acrMet } from '../core/acr.ts'
import type { Duration } from '../core/duration.ts'
import { type RefusalCode, SessionError } from '../core/errors.ts'
import { duration, flag, oneOf, words } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import { LIMITS, type Sensitivity } from '../core/request.ts'
import type { Requirements } from '../core/sessions.ts'
import type { AccessClaims } from './access-claims.ts'
import type { Revocations } from './revocations.ts'

/** What a verifier has beside its keys. */
export interface Means {
  readonly revocations: Revocations | undefined
  readonly acrOrder: readonly string[]
  /** Somebody can be asked. */
  readonly authority: boolean
}

/** Requirements as they were checked. */
export interface CheckedAccess extends Omit<AccessRequirements, 'maxAge'> {
  readonly maxAgeMs?: number
}

/** What a route may ask of an access token. */
export const ACCESS_OPTIONS = {
  of: 'requireAccess()',
  fields: {
    acr: words(`1 to ${LIMITS.word} characters`, new RegExp(`^.{1,${LIMITS.word}}$`, 'su')),
    maxAge: duration(),
    strict: flag,
    sensitivity: oneOf(['normal', 'sensitive']),
    whenBlind: oneOf(['accept', 'refuse']),
  } satisfies OptionsOf<AccessRequirements>,
  aliases: {
    maxAgeMs: 'maxAge',
    max_age: 'maxAge',
    audience: 'it is one of verifier()',
    issuer: 'it is one of verifier()',
  },
} satisfies OptionTable

/** Throws `config_invalid` for what no token could ever meet here. */
export function checkAccessRequirements(
  requirements: AccessRequirements,
  { revocations, authority }: Means,
): CheckedAccess {
  const { acr, maxAge, sensitivity, strict, whenBlind } = checked(ACCESS_OPTIONS, requirements)
  if (strict === true && !authority) {
    throw misconfigured('strict', 'needs a verifier with an authority')
  }
  if (whenBlind === 'refuse' && revocations === undefined) {
    throw misconfigured('whenBlind', 'needs a verifier with revocations')
  }
  return {
    ...(acr === undefined ? {} : { acr }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(strict === undefined ? {} : { strict }),
    ...(whenBlind === undefined ? {} : { whenBlind }),
  }
}

/** What is known of the end of the token's session; or that it is not known well enough. */
export function revoked(
  claims: AccessClaims,
  { whenBlind }: CheckedAccess,
  { revocations }: Means,
): AccessRefused | undefined {
  if (revocations === undefined) return undefined
  if (revocations.isRevoked(claims)) return refuseAccess('session_revoked', 'the feed says so')
  if (whenBlind !== 'refuse' || revocations.state() === 'fresh') return undefined
  return refuseAccess('revocations_unavailable', `the revocation feed is ${revocations.state()}`)
}

/** What the subject has to prove first (RFC 9470). */
export function unproved(
  claims: AccessClaims,
  { acr, maxAgeMs, sensitivity }: CheckedAccess,
  { at, acrOrder }: Pick<Means, 'acrOrder'> & { readonly at: number },
): AccessRefused | undefined {
  const weak = acr !== undefined && !acrMet(claims.acr ?? null, acr, acrOrder)
  const old = maxAgeMs !== undefined && !isFresh(claims, maxAgeMs, at)
  const normal = sensitivity === 'sensitive' && claims.sensitivity !== 'sensitive'
  if (!weak && !old && !normal) return undefined
  return {
    ...refuseAccess('step_up_required', reasonOf({ weak, old })),
    requirements: {
      ...(acr === undefined ? {} : { acr }),
      ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
      ...(sensitivity === 'sensitive' ? { sensitivity } : {}),
    },
  }
}

function reasonOf({ weak, old }: { readonly weak: boolean; readonly old: boolean }): string {
  if (weak) return 'acr is not the wanted one'
  return old ? 'auth_time is too long ago' : 'the request was not judged as a sensitive one'
}

function isFresh({ auth_time: authTime }: AccessClaims, within: number, at: number): boolean {
  return authTime !== undefined && at - authTime * 1_000 <= within
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} ${problem}.`)
}

/**
 * The result of a verification: the claims, or the code of the refusal. `reason` is for the log of
 * the service alone.
 */
export type AccessVerification =
  | { readonly ok: true; readonly claims: AccessClaims }
  | AccessRefused

/**
 * A token that does not pass. The two `unavailable` codes say nothing about the token, which may
 * pass later.
 */
export interface AccessRefused {
  readonly ok: false
  readonly code: RefusalCode | 'revocations_unavailable' | 'keys_unavailable'
  readonly reason: string
  /** With `step_up_required`: what was asked for. */
  readonly requirements?: Requirements
}

/** What one route asks of an access token. */
export interface AccessRequirements {
  /** Least authentication context; compared by the verifier's `acrOrder`, else for equality. */
  readonly acr?: string
  /** Longest time since the subject proved anything. */
  readonly maxAge?: Duration
  /**
   * `sensitive`: the authority has judged the request as one of a sensitive route. So the service
   * need not trust that a gateway matches its paths as the service does. Default `normal`.
   */
  readonly sensitivity?: Sensitivity
  /**
   * Asks the authority about every token. A token does not pass when it does not answer. Default
   * false.
   */
  readonly strict?: boolean
  /**
   * Where the revocation feed is behind: `accept` goes on until a token expires (default), `refuse`
   * answers `revocations_unavailable`.
   */
  readonly whenBlind?: 'accept' | 'refuse'
}

export function refuseAccess(code: AccessRefused['code'], reason: string): AccessRefused {
  return { ok: false, code, reason }
}
