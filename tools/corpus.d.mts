/** Access tokens with the verdict that every verifier owes them; keys are new at each call. */
export function corpus(): Corpus

export interface Corpus {
  readonly description: string
  readonly issuer: string
  readonly audience: string
  /** Seconds since 1970. */
  readonly now: number
  readonly skewSeconds: number
  readonly maxCharacters: number
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  readonly cases: readonly Case[]
}

export interface Case {
  readonly name: string
  readonly verdict: 'accept' | 'reject'
  readonly reason: string
  /** What the route asks for; absent where it asks for nothing. */
  readonly sensitivity?: 'sensitive'
  readonly token: string
}
