import type { SessionId } from '../../core/ids.ts'
import { memo } from '../../core/memo.ts'
import { parseToken } from '../../core/token.ts'

/**
 * The sessions whose tokens a step-up, a login or a logout has replaced, in the order in which this
 * process answered them. A request that was judged before must not deliver its own token after.
 * What other processes answer is not known here.
 */
export interface SupersededTokens {
  /** How many there were so far: a moment to compare with. */
  count(): number
  /** Takes a session id, or a token of the session. A malformed token supersedes nothing. */
  note(superseded: { readonly id: SessionId } | { readonly token: string }): void
  /** Whether the session's tokens were replaced after that moment. */
  since(id: SessionId, count: number): boolean
}

const MAX_SESSIONS = 10_000

export function supersededTokens(): SupersededTokens {
  const noted = memo<SessionId, number>(MAX_SESSIONS)
  let counted = 0
  return {
    count: () => counted,
    note(superseded) {
      const id = 'id' in superseded ? superseded.id : parseToken(superseded.token)?.claims.session
      if (id !== undefined) noted.set(id, ++counted)
    },
    since: (id, count) => (noted.get(id) ?? 0) > count,
  }
}
