export { type HeldClaims, type Holdings, holdings } from './held.ts'
export {
  type RevocationFeedOptions,
  type Revocations,
  revocationFeed,
  type TokenFacts,
} from './revocations.ts'
