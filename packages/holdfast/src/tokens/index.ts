export type { AccessGrant, AccessTokens } from '../core/access-token.ts'
export { type AccessTokensOptions, type AudienceOptions, accessTokens } from './access-tokens.ts'
export { formatSigningKeys, parseSigningKeys } from './signing-file.ts'
export {
  addSigningAlgorithms,
  newSigningKeys,
  rotateSigningKeys,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyState,
  type SigningKeys,
  signingKeysStatus,
} from './signing-keys.ts'
export { type PublicKey, type PublicKeySet, publicKeySet } from './signing-set.ts'
