/**
 * Counts wrong passwords or codes by whose they were: at most ten in five minutes (OWASP
 * Authentication Cheat Sheet).
 */
export interface Attempts {
  allowed(name: string): boolean
  failed(name: string): void
}

const WINDOW_MS = 5 * 60_000
const MOST = 10
const MOST_NAMES = 10_000

export function attempts(now: () => number): Attempts {
  const failures = new Map<string, readonly number[]>()

  function recent(name: string): readonly number[] {
    return (failures.get(name) ?? []).filter((at) => now() - at < WINDOW_MS)
  }

  return {
    allowed: (name) => recent(name).length < MOST,
    failed: (name) => {
      const oldest = failures.keys().next()
      if (failures.size >= MOST_NAMES && !oldest.done) failures.delete(oldest.value)
      failures.set(name, [...recent(name), now()])
    },
  }
}
