import { isSessionId, type SessionId } from 'holdfast'
import { publicKeySet, type SigningKeys } from 'holdfast/tokens'
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Config } from '../config/schema.ts'
import { issuerOf } from './signing-keys.ts'

/** The access tokens of this service, as it sees them when they come back. */
export interface OwnTokens {
  readonly issuer: string
  readonly clientId: string
  /** The claims of a token that this service has signed and that has not expired; undefined for anything else. */
  verify(token: string): Promise<OwnClaims | undefined>
}

export interface OwnClaims extends JWTPayload {
  readonly sid: SessionId
}

const SKEW_S = 5

/** Verifies under the keys of the ring as it is now. Whether the session lives is another question. */
export function ownTokens(
  config: Config,
  signingKeys: SigningKeys | undefined,
  now: () => number,
): OwnTokens {
  const issuer = issuerOf(config)
  const audience = Object.keys(config.audiences)
  let of: SigningKeys['keys'] | undefined
  let keySet = createLocalJWKSet({ keys: [] })

  function currentSet(keys: SigningKeys['keys']): typeof keySet {
    if (keys !== of) {
      of = keys
      keySet = createLocalJWKSet({ keys: publicKeySet({ keys }).keys.map((key) => ({ ...key })) })
    }
    return keySet
  }

  return {
    issuer,
    clientId: config.clientId,
    async verify(token) {
      if (signingKeys === undefined || audience.length === 0) return undefined
      try {
        const { payload } = await jwtVerify(token, currentSet(signingKeys.keys), {
          issuer,
          audience,
          typ: 'at+jwt',
          clockTolerance: SKEW_S,
          currentDate: new Date(now()),
          requiredClaims: ['sid', 'exp', 'iat'],
        })
        return isOwn(payload) ? payload : undefined
      } catch (error) {
        // what a caller sent is no token of ours; anything else is a fault
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}

function isOwn(payload: JWTPayload): payload is OwnClaims {
  return typeof payload.sid === 'string' && isSessionId(payload.sid)
}
