import { contextKey, findContext } from '../../core/context.ts'
import type { Decision } from '../../core/decision.ts'
import type { SessionState, TokenFamily } from '../../core/session.ts'
import type { MatchedPresentation } from './presentation.ts'

/**
 * Whether a refresh token that was used before comes from somebody else (RFC 9700, section 4.14).
 *
 * It does where an old token comes from a context that did not use it. It does where the token that
 * was used last comes from another context, and what is known speaks against that context. An owner
 * who changes networks while the response is under way is neither. After a fork there is nothing
 * more to prove: nobody gets anything before a step-up, which ends the family.
 *
 * `standing` is the decision if the route had asked for nothing.
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
      // Its users are forgotten. A client whose backup was restored comes from a context where the
      // session is used, and which is not challenged.
      const state = findContext(contexts, key)?.state
      return state !== 'confirmed' && state !== 'provisional'
    }
  }
}

function usersOf({ predecessors }: TokenFamily, generation: number): readonly string[] | undefined {
  return predecessors.find((predecessor) => predecessor.generation === generation)?.contexts
}
