import type { SessionId } from '../../core/ids.ts'
import { memo } from '../../core/memo.ts'
import { parseToken } from '../../core/token.ts'

/**
 * Which sessions' tokens a step-up, a login or a logout has replaced, in the order in which this process answered them:
 * a request that was judged before must not bring its own token after. What other processes answer is not known here.
 */
export interface Replacements {
  /** How many there were so far: a moment to compare with. */
  count(): number
  /** By session id, or by a token of the session; what is neither replaces nothing. */
  note(replaced: { readonly id: SessionId } | { readonly token: string }): void
  since(id: SessionId, count: number): boolean
}

const REMEMBERED = 10_000

export function replacements(): Replacements {
  const known = memo<SessionId, number>(REMEMBERED)
  let counted = 0
  return {
    count: () => counted,
    note(replaced) {
      const id = 'id' in replaced ? replaced.id : parseToken(replaced.token)?.claims.session
      if (id !== undefined) known.set(id, ++counted)
    },
    since: (id, count) => (known.get(id) ?? 0) > count,
  }
}
