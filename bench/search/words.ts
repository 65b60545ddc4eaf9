/** What the processes of this part say. */
export type SearchWord =
  | { readonly kind: 'progress'; readonly done: string }
  | ({ readonly kind: 'measured' } & SearchFigures)
  | { readonly kind: 'serving'; readonly url: string }
  | ({ readonly kind: 'beside' } & BesideFigures)
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

/** What a service notices of the thread of its audit log. */
export interface BesideFigures {
  readonly events: number
  readonly ms: number
  /** Delays of the event loop, ms: without the thread, and while it takes events. */
  readonly quiet: Delays
  readonly busy: Delays
  /** How long searches took meanwhile, ascending. */
  readonly searchMs: readonly number[]
}

interface Delays {
  readonly p50: number
  readonly p99: number
  readonly longest: number
}
