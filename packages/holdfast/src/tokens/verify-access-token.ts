import { type Duration, inMs } from '../core/duration.ts'
import { type AccessClaims, claimsOf, type Expected } from './access-claims.ts'
import type { KeySet } from './key-sets.ts'
import { jsonOf, parseJwt } from './parse-jwt.ts'
import { type AccessRefused, type AccessVerification, refuseAccess } from './requirements.ts'
import { isSignatureOf, type VerificationKey } from './verification-key.ts'

/** How far the clocks of issuer and verifier may be apart. */
export const SKEW_MS = 5_000

/** What a token is held against. */
export interface VerifyOptions extends Expected {
  readonly keys: KeySet
  /** How far the clocks may be apart. Default 5 s. */
  readonly skew?: Duration
  readonly now?: () => number
}

/** A token that is one of ours. Whether it is so now is another question. */
export interface OpenedToken {
  readonly ok: true
  readonly key: VerificationKey
  readonly claims: AccessClaims
}

/**
 * Verifies one access token by its signature and claims alone: no revocation, no memory. Services
 * use {@link verifier}; this is for callers that add revocation and memory themselves. Throws
 * `keys_unavailable` when there is no key set.
 *
 * @example
 * const access = await verifyAccessToken(token, { issuer, audience: 'orders', keys })
 */
export async function verifyAccessToken(
  token: string,
  options: VerifyOptions,
): Promise<AccessVerification> {
  const { skew = SKEW_MS, now = () => Date.now() } = options
  const opened = await openToken(token, options)
  if (!opened.ok) return opened
  const { claims } = opened
  return untimely(claims, now(), inMs(skew)) ?? { ok: true, claims }
}

/**
 * Checks everything about a token that cannot change while its key stays in the set. The key
 * decides the algorithm.
 */
export async function openToken(
  token: string,
  { keys, issuer, audience }: Pick<VerifyOptions, 'keys' | 'issuer' | 'audience'>,
): Promise<OpenedToken | AccessRefused> {
  const parsed = parseJwt(token)
  if (typeof parsed === 'string') return invalid(parsed)
  const found = keys.find(parsed.kid)
  const key = found instanceof Promise ? await found : found
  if (key === undefined) return invalid('kid names no key of the set')
  if (parsed.alg !== key.alg) return invalid('alg is not that of the key')
  if (!isSignatureOf(key, parsed.signed, parsed.signature)) return invalid('the signature is wrong')
  const claims = claimsOf(jsonOf(parsed.payload), { issuer, audience })
  return typeof claims === 'string' ? invalid(claims) : { ok: true, key, claims }
}

/**
 * Why a token does not count at an instant. It has expired from `exp + skew` on (RFC 7519, section
 * 4.1.4: "on or after"), and counts from `nbf - skew` and `iat - skew` on.
 */
export function untimely(
  { exp, nbf = 0, iat, auth_time: authTime = 0 }: AccessClaims,
  at: number,
  skewMs: number,
): AccessRefused | undefined {
  if (at >= exp * 1_000 + skewMs) return refuseAccess('access_token_expired', 'exp has passed')
  const begins = Math.max(nbf, iat, authTime) * 1_000 - skewMs
  return at < begins ? invalid('nbf, iat or auth_time is in the future') : undefined
}

function invalid(reason: string): AccessRefused {
  return refuseAccess('access_token_invalid', reason)
}
