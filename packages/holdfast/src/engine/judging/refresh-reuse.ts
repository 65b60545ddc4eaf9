import { contextKey, findContext } from '../../core/context.ts'
import type { Decision } from '../../core/decision.ts'
import type { SessionState, TokenFamily } from '../../core/session.ts'
import type { MatchedPresentation } from './open-session.ts'

/**
 * Whether a refresh token that was used before comes from somebody else (RFC 9700, section 4.14): an old one from a
 * context that did not use it, or the one that was used last from such a context, where what is known speaks against
 * it. An owner who changed networks with the response still on its way is neither. After a fork nobody gets anything
 * before a step-up, which ends the line: there is nothing more to prove. `standing` is what the decision would be if
 * nothing more were asked for.
 */
export function isReused(
  { refresh, contexts, fork }: SessionState,
  { claims, rotation, presentation }: MatchedPresentation,
  standing: Pick<Decision, 'outcome'>,
): boolean {
  if (claims.kind !== 'refresh' || refresh === null || fork !== null) return false
  const key = contextKey(presentation.network, presentation.device)
  switch (rotation.status) {
    case 'current':
    case 'in_flight':
    case 'ahead':
      return false
    case 'resend':
    case 'lost': {
      const calm = standing.outcome === 'allow' || standing.outcome === 'observe'
      return !calm && !refresh.contexts.includes(key)
    }
    case 'fork': {
      const users = usersOf(refresh, claims.generation)
      if (users !== undefined) return !users.includes(key)
      // Who used it is forgotten: a backup that was restored comes from where the session is used, and not challenged.
      const state = findContext(contexts, key)?.state
      return state !== 'confirmed' && state !== 'provisional'
    }
  }
}

function usersOf({ predecessors }: TokenFamily, generation: number): readonly string[] | undefined {
  return predecessors.find((predecessor) => predecessor.generation === generation)?.contexts
}
