/** A bounded memory of what was worked out before. */
export interface Memo<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  clear(): void
}

/**
 * Remembers the entries that were used last: at least `size` of them, at most twice as many. A
 * flood of others costs whoever asks time, and nobody memory.
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
