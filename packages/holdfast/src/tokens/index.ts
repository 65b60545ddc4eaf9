export type { AccessGrant, AccessTokens } from '../core/access-token.ts'
export type { AccessClaims, Expected } from './access-claims.ts'
export { type AccessTokensOptions, type AudienceOptions, accessTokens } from './access-tokens.ts'
export { type ConnectionClaims, type Connections, connections } from './connections.ts'
export { type KeySet, keySet, type RemoteKeySetOptions, remoteKeySet } from './key-sets.ts'
export type { AccessRefused, AccessRequirements, AccessVerification } from './requirements.ts'
export {
  type RevocationFeedOptions,
  type Revocations,
  revocationFeed,
  type TokenFacts,
} from './revocations.ts'
export { formatSigningKeys, parseSigningKeys } from './signing-file.ts'
export {
  addSigningAlgorithms,
  newSigningKeys,
  type PublicKey,
  type PublicKeySet,
  publicKeySet,
  rotateSigningKeys,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyState,
  type SigningKeys,
  signingKeysStatus,
} from './signing-keys.ts'
export type { VerificationKey } from './verification-key.ts'
export type { AuthorityOptions } from './verifier.ts'
export { type Verifier, type VerifierOptions, verifier } from './verifier.ts'
export { type VerifyOptions, verifyAccessToken } from './verify-access-token.ts'
