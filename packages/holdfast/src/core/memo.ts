/** A bounded memory of results. */
export interface Memo<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  clear(): void
}

/**
 * Keeps the entries that were used last: at least `size` of them, at most twice as many. A flood of
 * other keys costs time, and no memory.
 */
export function memo<Key, Value>(size: number): Memo<Key, Value> {
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()

  function set(key: Key, value: Value): void {
    if (young.size >= size) {
      old = young
      young = new Map()
    }
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
    },
  }
}
