import {
  type AccessClaims,
  type KeySet,
  keySet,
  publicKeySet,
  type SigningKeys,
  verifyAccessToken,
} from 'holdfast/tokens'
import type { Config } from '../config/schema.ts'
import { issuerOf } from './signing-keys.ts'

/** The access tokens of this service, as it sees them when they come back. */
export interface OwnTokens {
  readonly issuer: string
  readonly clientId: string
  /**
   * The claims of a token that this service has signed and that has not expired; undefined for
   * anything else.
   */
  verify(token: string): Promise<AccessClaims | undefined>
}

/**
 * Verifies under the current keys of the ring, as every verifier does. Whether the session is alive
 * is not checked.
 */
export function ownTokens(
  config: Config,
  signingKeys: SigningKeys | undefined,
  now: () => number,
): OwnTokens {
  const issuer = issuerOf(config)
  const audiences = Object.keys(config.audiences)
  let of: SigningKeys['keys'] | undefined
  let known: KeySet | undefined

  function currentSet({ keys }: SigningKeys): KeySet {
    if (known === undefined || keys !== of) known = keySet(publicKeySet({ keys }))
    of = keys
    return known
  }

  return {
    issuer,
    clientId: config.clientId,
    async verify(token) {
      const claimed = claimedAudience(token)
      const audience = audiences.find((one) => one === claimed)
      if (signingKeys === undefined || audience === undefined) return undefined
      const keys = currentSet(signingKeys)
      const access = await verifyAccessToken(token, { issuer, audience, keys, now })
      return access.ok ? access.claims : undefined
    },
  }
}

/**
 * The audience that a token claims. It only selects the audience that the token is then checked
 * against.
 */
function claimedAudience(token: string): unknown {
  const [, payload = ''] = token.split('.', 2)
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims === 'object' && claims !== null && 'aud' in claims ? claims.aud : undefined
  } catch {
    return undefined // no JWT: it is for nobody
  }
}
