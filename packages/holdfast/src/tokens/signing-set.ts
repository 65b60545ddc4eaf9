import { createPublicKey } from 'node:crypto'
import type { SigningAlgorithm, SigningKeys } from './signing-keys.ts'

/** A JWK set (RFC 7517) of public keys, for verifiers. */
export interface PublicKeySet {
  readonly keys: readonly PublicKey[]
}

/** One public key: never a private member. */
export interface PublicKey {
  readonly kty: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: SigningAlgorithm
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

/** What may be published of a ring: the public half of every key, the waiting and the retired ones too. */
export function publicKeySet({ keys }: SigningKeys): PublicKeySet {
  return {
    keys: keys.map(({ kid, algorithm, privateKey }) => {
      // member by member: what is not named here cannot slip out
      const { kty = '', crv, x, y, n, e } = createPublicKey(privateKey).export({ format: 'jwk' })
      return {
        kty,
        kid,
        use: 'sig',
        alg: algorithm,
        ...(crv === undefined ? {} : { crv }),
        ...(x === undefined ? {} : { x }),
        ...(y === undefined ? {} : { y }),
        ...(n === undefined ? {} : { n }),
        ...(e === undefined ? {} : { e }),
      }
    }),
  }
}
