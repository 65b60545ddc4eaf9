/** How much of what was revoked a verifier knows. `fresh`: heard within 5 s. `stale`: within 30 s. `blind`: longer ago, or never. */
export type RevocationsState = 'fresh' | 'stale' | 'blind'

/** What tells whether a token's session still lives. */
export interface RevocableToken {
  readonly sid: string
  readonly gen: number
  readonly iat: number
}

/** What a verifier knows of revocations, from memory alone. */
export interface Revocations {
  state(): RevocationsState
  isRevoked(token: RevocableToken): boolean
  /** Hears of each revocation as it comes. The answer ends the listening. */
  onRevoked(listener: (matches: (token: RevocableToken) => boolean) => void): () => void
  /** Once it knows all that was revoked before. */
  ready(): Promise<void>
  close(): void
}
