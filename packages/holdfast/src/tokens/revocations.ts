/** What tells whether a token's session still lives. */
export interface TokenFacts {
  readonly sid: string
  readonly gen: number
  readonly iat: number
}

/** What has been revoked, as far as this process knows, and how well it knows. */
export interface Revocations {
  /** `fresh`: heard of the feed within 5 s. `stale`: within 30 s. `blind`: not for longer, or not yet. */
  state(): 'fresh' | 'stale' | 'blind'
  /** Whether the session of a token is known to be dead. */
  isRevoked(token: TokenFacts): boolean
  /** Calls for each revocation that is heard of, with a test for the tokens that it ends. What it returns ends that. */
  onRevoked(listener: (matches: (token: TokenFacts) => boolean) => void): () => void
  /** Resolves once everything that matters is known. */
  ready(): Promise<void>
  /** Leaves nothing open. From then on `blind`. */
  close(): void
}
