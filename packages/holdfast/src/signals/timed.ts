import type { Signal } from '../core/signal.ts'

/**
 * A signal that tells when it took too long. Signals are synchronous: nothing can interrupt a slow
 * one, and all requests of the process wait for it. What it found counts all the same. Where the
 * signal throws, so does this one.
 *
 * @example
 * const onSlow = (ms: number) => console.warn(`slow: ${ms} ms`)
 * const options = { now: () => performance.now(), slowMs: 1, onSlow }
 * const signals = starterSignals().map((signal) => timed(signal, options))
 */
export function timed(
  signal: Signal,
  {
    now,
    slowMs,
    onSlow,
  }: {
    /** A clock that does not go back, ms, as `performance.now()`. */
    readonly now: () => number
    readonly slowMs: number
    /** Must not throw. */
    readonly onSlow: (ms: number) => void
  },
): Signal {
  return (...looked) => {
    const since = now()
    try {
      return signal(...looked)
    } finally {
      const took = now() - since
      if (took >= slowMs) onSlow(took)
    }
  }
}
