import { fromBase64url, toBase64url } from '../../core/base64url.ts'
import { SessionError } from '../../core/errors.ts'
import { PARTITIONS } from '../../core/ids.ts'
import type { Cursor } from '../../core/store.ts'

/** Sequence number of the last entry read, for each partition; 0 before the first. */
export type Positions = readonly number[]

const MAP_BYTES = PARTITIONS / 8

/**
 * Writes a bit for each partition that has moved, then the positions of these: 7 bits a byte, low
 * ones first.
 */
export function encodeCursor(positions: Positions): Cursor {
  const map = new Array<number>(MAP_BYTES).fill(0)
  const numbers: number[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let position = positions[partition] ?? 0
    if (position === 0) continue
    const byte = partition >> 3
    map[byte] = (map[byte] ?? 0) | (1 << (partition & 7))
    while (position > 127) {
      numbers.push((position % 128) + 128)
      position = Math.floor(position / 128)
    }
    numbers.push(position)
  }
  return toBase64url(Uint8Array.from([...map, ...numbers]))
}

/** Throws `invalid_input` for anything that {@link encodeCursor} did not write. */
export function decodeCursor(cursor: Cursor): number[] {
  const bytes = typeof cursor === 'string' ? fromBase64url(cursor) : undefined
  if (bytes === undefined || bytes.length < MAP_BYTES) throw invalid()
  const positions = new Array<number>(PARTITIONS).fill(0)
  let at = MAP_BYTES
  for (let partition = 0; partition < PARTITIONS; partition++) {
    if (((bytes[partition >> 3] ?? 0) & (1 << (partition & 7))) === 0) continue
    let position = 0
    let scale = 1
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined) throw invalid()
      position += (byte & 127) * scale
      if (byte === 0) throw invalid()
      if (byte < 128) break
      scale *= 128
    }
    if (position === 0 || !Number.isSafeInteger(position)) throw invalid()
    positions[partition] = position
  }
  if (at !== bytes.length) throw invalid()
  return positions
}

function invalid(): SessionError {
  return new SessionError('invalid_input', 'That is not a position in the feed.')
}
