import { SessionError } from '../core/errors.ts'
import { keysOf, type VerificationKey } from './verification-key.ts'

/** Where a verifier has its keys from. */
export interface KeySet {
  /**
   * The key of a name, at once where it is known. Undefined: there is none. Throws or rejects with `keys_unavailable` when
   * no set is there to look it up in.
   */
  find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined>
}

/**
 * A key set that does not change, from a file or a test. Throws `config_invalid` for one that can verify nothing.
 *
 * @example
 * const keys = keySet(JSON.parse(readFileSync('jwks.json', 'utf8')))
 */
export function keySet(jwks: { readonly keys: readonly unknown[] }): KeySet {
  const keys = keysOf(jwks)
  if (typeof keys === 'string') {
    throw new SessionError('config_invalid', `The key set cannot be used: ${keys}.`)
  }
  return { find: (kid) => keys.get(kid) }
}
