import {
  type AccessClaims,
  type KeySet,
  keySet,
  type PublicKeySet,
  publicKeySet,
  type SigningKeys,
  verifyAccessToken,
} from 'holdfast/tokens'
import type { Config } from '../config/schema.ts'
import { issuerOf } from './signing-keys.ts'

/** How late a retired key may leave the published ones. */
const RENEWED_EVERY_MS = 1_000

/** The access tokens of this service, as it sees them when they come back. */
export interface OwnTokens {
  readonly issuer: string
  readonly clientId: string
  /** Stands in where a refresh names no audience; undefined where nothing is issued. */
  readonly defaultAudience: string | undefined
  /** The keys that verifiers are to believe. The same object while the same ones count. */
  publicKeys(): PublicKeySet
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
  let published: PublicKeySet = { keys: [] }
  let known: KeySet | undefined
  let of: SigningKeys['keys'] = []
  let until = Number.NEGATIVE_INFINITY

  function renew(): void {
    const { keys } = signingKeys ?? { keys: [] }
    if (keys === of && now() < until) return
    const fresh = publicKeySet({ keys }, { host: { now } })
    if (keys !== of || fresh.keys.length !== published.keys.length) {
      published = fresh
      known = fresh.keys.length === 0 ? undefined : keySet(fresh)
    }
    of = keys
    until = now() + RENEWED_EVERY_MS
  }

  return {
    issuer,
    clientId: config.clientId,
    defaultAudience: audiences[0],
    publicKeys() {
      renew()
      return published
    },
    async verify(token) {
      const claimed = claimedAudience(token)
      const audience = audiences.find((one) => one === claimed)
      renew()
      if (audience === undefined || known === undefined) return undefined
      const access = await verifyAccessToken(token, { issuer, audience, keys: known, now })
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
