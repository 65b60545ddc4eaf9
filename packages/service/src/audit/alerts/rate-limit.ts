const MINUTE_MS = 60_000

/** So many at once, then evenly so many a minute (GCRA). */
export function rateLimit(perMinute: number): {
  /** How long until the next one may go; 0 for now. */
  waitMs(now: number): number
  take(now: number): void
} {
  const everyMs = MINUTE_MS / perMinute
  let full = Number.NEGATIVE_INFINITY

  return {
    waitMs(now) {
      // A clock that was set back must not block for longer than a minute.
      full = Math.min(full, now + MINUTE_MS)
      return Math.max(0, Math.ceil(full - now - MINUTE_MS + everyMs))
    },
    take(now) {
      full = Math.max(full, now) + everyMs
    },
  }
}
