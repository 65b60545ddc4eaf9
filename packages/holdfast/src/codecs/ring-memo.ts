import { selectiveMemo } from '../core/memo.ts'

/** Remembers what was opened or proven, for as long as the keys of the ring stay the same. */
export interface RingMemo<Value> {
  get(key: string): Value | undefined
  /**
   * Remembers a value until the next one comes, and longer where it is worth it: then `lasting` is
   * what is kept. Most are never asked for, so each is made where it is.
   */
  keep(key: string, make: () => Value, lasting?: () => Value): void
  size(): number
  /** Sum of the weights of what is kept longer. */
  weight(): number
}

/** `keysOfRing` gives another object once keys have come or gone: then all is forgotten. */
export function ringMemo<Value>(
  keysOfRing: () => unknown,
  most: number,
  weightOf: (value: Value) => number,
): RingMemo<Value> {
  const known = selectiveMemo<Value>(most, weightOf)
  let latestKey: string | undefined
  let latest: (() => Value) | undefined
  let keys = keysOfRing()

  return {
    get(key) {
      if (keysOfRing() !== keys) {
        keys = keysOfRing()
        latestKey = undefined
        latest = undefined
        known.clear()
      }
      return latestKey === key ? latest?.() : known.get(key)
    },
    keep(key, make, lasting = make) {
      latestKey = key
      latest = make
      if (known.get(key) !== undefined || known.takes(key)) known.set(key, lasting())
    },
    size: known.size,
    weight: known.weight,
  }
}
