/** A bounded memory of results. */
export interface Memo<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  clear(): void
  /** Drops what was not used since it was called last. */
  makeRoom(): void
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

  function makeRoom(): void {
    old = young
    young = new Map()
    weight = 0
  }

  function set(key: Key, value: Value): void {
    if (weight >= size) makeRoom()
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
    makeRoom,
    clear() {
      makeRoom()
      old.clear()
    },
    size: () => young.size + old.size,
  }
}

/** A memory that says which keys are worth keeping. */
export interface SelectiveMemo<Value> extends Memo<string, Value> {
  /** Ask it before `set`. Once it has been full, a key has to come another time soon. */
  takes(key: string): boolean
}

/**
 * {@link memo} for results that many keys ask for once. They drive nothing out then, and cost no
 * memory management: where more keys are in use than fit, keeping each of them for a while costs
 * more than making its result again.
 */
export function selectiveMemo<Value>(size: number): SelectiveMemo<Value> {
  const kept = memo<string, Value>(size)
  const cameBefore = recentKeys()
  let wasFull = false
  let offered = 0

  return {
    ...kept,
    takes(key) {
      wasFull ||= kept.size() >= size
      // What nobody has used for so long leaves, though nothing new needs its place.
      if (++offered % size === 0) kept.makeRoom()
      return !wasFull || cameBefore(key)
    },
    clear() {
      kept.clear()
      wasFull = false
    },
  }
}

/** A power of two. */
const BUCKETS = 1_024
const SLOTS = 4
const SAMPLED = 16

/**
 * Whether a key came a while ago. It knows some 4,000 keys by 32 bits of each, in 16 KB. A key that
 * is taken for another one is merely kept too early.
 */
function recentKeys(): (key: string) => boolean {
  const marks = new Uint32Array(BUCKETS * SLOTS)
  let next = 0

  return (key) => {
    let mark = key.length
    const step = Math.max(1, Math.floor(key.length / SAMPLED))
    for (let at = 0; at < key.length; at += step) {
      mark = Math.imul(mark ^ key.charCodeAt(at), 0x01000193)
    }
    mark = (mark ^ (mark >>> 15)) >>> 0
    const start = (mark & (BUCKETS - 1)) * SLOTS
    for (let slot = start; slot < start + SLOTS; slot++) if (marks[slot] === mark) return true
    marks[start + (next++ % SLOTS)] = mark
    return false
  }
}
