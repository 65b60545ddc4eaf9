import { contextKey, findContext } from '../../core/context.ts'
import type { SessionState } from '../../core/session.ts'
import type { MatchedPresentation } from './presentation.ts'

/**
 * Whether a fork of the refresh line ends the session at once (RFC 9700, section 4.14). It does
 * where the token comes from a context that is challenged, or that the session does not know. A
 * client whose backup was restored comes from one where the session is used: there the fork asks
 * both holders for a step-up. After a fork there is nothing more to prove: nobody gets anything
 * before a step-up, which ends the family.
 */
export function isReused(
  { contexts, fork }: SessionState,
  { claims, rotation, presentation }: MatchedPresentation,
): boolean {
  if (claims.kind !== 'refresh' || rotation.status !== 'fork' || fork !== null) return false
  const key = contextKey(presentation.network, presentation.device)
  const state = findContext(contexts, key)?.state
  return state !== 'confirmed' && state !== 'provisional'
}
