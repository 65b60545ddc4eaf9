/** The outside world of the engine: the only source of time and randomness. */
export interface Host {
  /** UTC, ms since the epoch. */
  now(): number
  /** Bytes of a cryptographically secure generator. */
  random(size: number): Uint8Array
}
