/** A bounded memory of results. */
export interface Memo<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  clear(): void
  /** Number of entries; one that was used lately may count twice. */
  size(): number
}

/**
 * Keeps the entries that were used last: at least `size` of them, at most twice as many. A flood of
 * other keys costs time, and no memory. With `weightOf` the size is a sum of weights.
 */
export function memo<Key, Value>(
  size: number,
  weightOf: (value: Value) => number = () => 1,
): Memo<Key, Value> {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  let weight = 0

  function set(key: Key, value: Value): void {
    if (weight >= size) {
      old = young
      young = new Map()
      weight = 0
    }
    const replaced = young.get(key)
    weight += weightOf(value) - (replaced === undefined ? 0 : weightOf(replaced))
    young.set(key, value)
  }

  return {
    get(key) {
      const known = young.get(key)
      if (known !== undefined) return known
      const older = old.get(key)
      if (older !== undefined) set(key, older)
      return older
    },
    set,
    clear() {
      young.clear()
      old.clear()
      weight = 0
    },
    size: () => young.size + old.size,
  }
}
