import { memo } from '../../core/memo.ts'

/** Of sealed bytes. Twice as many may be kept, and what they open to takes a few times as much. */
const REMEMBERED_BYTES = 2_000_000

/** What remembering takes for each key, whatever is sealed under it. */
const ENTRY_BYTES = 200

interface Sealed {
  readonly version: number
  readonly sealed: Uint8Array
}

/**
 * Opens each version once, as `sessionRecords` does with records: where the store's answer is byte
 * for byte what was opened here before, under the same identity, it would give the same. What
 * `open` gives is shared, so nobody may change it.
 */
export function openedOnce<Key, Value>(
  open: (key: Key, sealed: Sealed) => Value,
): (key: Key, sealed: Sealed) => Value {
  const known = memo<Key, Sealed & { readonly value: Value }>(
    REMEMBERED_BYTES,
    ({ sealed }) => sealed.length + ENTRY_BYTES,
  )

  return (key, { version, sealed }) => {
    const before = known.get(key)
    if (before?.version === version && Buffer.compare(before.sealed, sealed) === 0) {
      return before.value
    }
    const value = open(key, { version, sealed })
    // Copied: what a client of Redis hands out may be part of a much larger buffer.
    known.set(key, { version, sealed: Buffer.from(sealed), value })
    return value
  }
}
