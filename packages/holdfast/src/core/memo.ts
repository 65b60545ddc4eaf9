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
  newTable: () => MemoTable<Key, Value> = () => new Map(),
): Memo<Key, Value> {
  let young = newTable()
  let old = newTable()
  let weight = 0

  function makeRoom(): void {
    old = young
    young = newTable()
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
    clear() {
      makeRoom()
      old = newTable()
    },
    size: () => young.size + old.size,
  }
}

/** What a {@link memo} keeps its entries in. */
export interface MemoTable<Key, Value> {
  readonly size: number
  get(key: Key): Value | undefined
  set(key: Key, value: Value): unknown
}

/**
 * A table by keys of several parts. It goes from part to part: one text of all of them would take
 * longer to put together than to look up.
 */
export class PartsTable<Part, Value> implements MemoTable<readonly Part[], Value> {
  size = 0
  private readonly root = new Branch<Part, Value>()

  get(parts: readonly Part[]): Value | undefined {
    let branch: Branch<Part, Value> | undefined = this.root
    for (let at = 0; at < parts.length && branch !== undefined; at++) {
      branch = branch.further?.get(parts[at] as Part)
    }
    return branch?.value
  }

  set(parts: readonly Part[], value: Value): void {
    let branch = this.root
    for (const part of parts) {
      branch.further ??= new Map()
      let next = branch.further.get(part)
      if (next === undefined) {
        next = new Branch()
        branch.further.set(part, next)
      }
      branch = next
    }
    if (branch.value === undefined) this.size++
    branch.value = value
  }
}

/** What begins with the same parts. */
class Branch<Part, Value> {
  further: Map<Part, Branch<Part, Value>> | undefined
  value: Value | undefined
}

/** A memory that says which keys are worth keeping. */
export interface SelectiveMemo<Value> {
  get(key: string): Value | undefined
  /** Ask it before `set`. Where the memory is full, a key has to come another time soon. */
  takes(key: string): boolean
  /** Weighs a value that takes the place of another one anew. */
  set(key: string, value: Value): void
  clear(): void
  size(): number
  /** Sum of the weights; at most `most` between two calls. */
  weight(): number
}

/** So many keys that are not taken make the memory look at one that it has. */
const OFFERS_A_STEP = 4

/**
 * A bounded memory for results that many keys ask for once. They drive nothing out, and cost no
 * memory management: where more keys are in use than fit, keeping each of them for a while costs
 * more than making its result again. Room is made by second chance (Corbató 1968): what was not
 * used since the hand passed it last leaves.
 */
export function selectiveMemo<Value>(
  most: number,
  weightOf: (value: Value) => number = () => 1,
): SelectiveMemo<Value> {
  const kept = new Map<string, Kept<Value>>()
  const cameBefore = recentKeys()
  let hand = kept.entries()
  let weight = 0
  let offered = 0

  function isFull(): boolean {
    return kept.size === 0 ? most <= 0 : weight + weight / kept.size > most
  }

  /** The entry under the hand gets a second chance, or leaves. */
  function step(): void {
    let under = hand.next()
    if (under.done === true) {
      hand = kept.entries()
      under = hand.next()
    }
    if (under.done === true) return
    const [key, entry] = under.value
    if (entry.used) {
      entry.used = false
    } else {
      kept.delete(key)
      weight -= entry.weight
    }
  }

  return {
    get(key) {
      const entry = kept.get(key)
      if (entry === undefined) return undefined
      entry.used = true
      return entry.value
    },
    takes(key) {
      if (!isFull()) return true
      if (++offered % OFFERS_A_STEP === 0) step()
      return cameBefore(key)
    },
    set(key, value) {
      const its = weightOf(value)
      const entry = kept.get(key)
      weight += its - (entry?.weight ?? 0)
      if (entry === undefined) kept.set(key, { value, weight: its, used: false })
      else Object.assign(entry, { value, weight: its })
      while (weight > most && kept.size > 0) step()
    },
    clear() {
      kept.clear()
      hand = kept.entries()
      weight = 0
    },
    size: () => kept.size,
    weight: () => weight,
  }
}

interface Kept<Value> {
  value: Value
  weight: number
  used: boolean
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
