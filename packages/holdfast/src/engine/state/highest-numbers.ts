import type { HighestNumbers } from '../context.ts'

const MAX_KEYS = 100_000

/** The key that was raised longest ago goes first. */
export function highestNumbers<Key extends string>(): HighestNumbers<Key> {
  const numbers = new Map<Key, number>()
  return {
    of: (key) => numbers.get(key) ?? 0,
    note(key, value) {
      if (value <= (numbers.get(key) ?? 0)) return
      numbers.delete(key)
      numbers.set(key, value)
      if (numbers.size <= MAX_KEYS) return
      const [oldest] = numbers.keys()
      if (oldest !== undefined) numbers.delete(oldest)
    },
    forget(which) {
      for (const key of numbers.keys()) if (which(key)) numbers.delete(key)
    },
    size: () => numbers.size,
  }
}
