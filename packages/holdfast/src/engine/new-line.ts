import { firstSecret } from '../core/rotation.ts'
import type { Line } from '../core/session.ts'
import type { TokenClaims } from '../core/token.ts'
import type { Parts } from './context.ts'

/** A new line of secrets with the token of its first one: everything before it is dead. */
export function newLine(
  { codec }: Pick<Parts, 'codec'>,
  born: Pick<TokenClaims, 'session' | 'kind' | 'family'> & {
    readonly context: string
    readonly at: number
  },
): { readonly line: Line; readonly token: string } {
  const { session, kind, family, context, at } = born
  const { token, digest } = codec.mint({ session, kind, family, generation: 1 })
  const first = firstSecret({ generation: 1, digest, mintedAt: at })
  return { line: { id: family, ...first, contexts: [context] }, token }
}
