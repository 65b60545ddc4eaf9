/** What one of several processes is asked to do. */
export type ProcessOrder =
  | { readonly kind: 'verify'; readonly runs: number }
  /** Until it refuses a session: it asks without a pause. */
  | { readonly kind: 'await end'; readonly turn: number }
  | { readonly kind: 'end'; readonly turn: number }

export type ProcessWord =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'verified'
      readonly runs: number
      readonly micros: number
      readonly ms: number
    }
  | { readonly kind: 'waiting' }
  /** By the clock of the machine, ms. */
  | { readonly kind: 'refused'; readonly at: number; readonly asked: number }
  | { readonly kind: 'ended'; readonly at: number }
  | { readonly kind: 'failed'; readonly why: string }

/** Where a process finds the sessions of all. */
export interface ProcessPlace {
  readonly hot: boolean
  readonly redisPort: number
  readonly folder: string
  readonly keyring: string
  /** File of the crowd. */
  readonly crowd: string
}
