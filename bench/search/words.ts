/** What the process of this part says. */
export type SearchWord =
  | { readonly kind: 'progress'; readonly done: string }
  | ({ readonly kind: 'measured' } & SearchFigures)
  | { readonly kind: 'failed'; readonly why: string }

export interface SearchFigures {
  readonly events: number
  readonly ingestMs: number
  /** CPU of the same. */
  readonly ingestCpuMs: number
  /** Longest batch. */
  readonly batchMs: number
  readonly bytes: number
  readonly residentBytes: number
  readonly searches: readonly Measured[]
}

/** ms of one kind of search. */
export interface Measured {
  readonly name: string
  readonly of: string
  readonly indexed: boolean
  readonly p50: number
  readonly p95: number
  readonly longest: number
  /** Answers until all was looked at, at most 200; of what was drawn last. */
  readonly answers: number
}
