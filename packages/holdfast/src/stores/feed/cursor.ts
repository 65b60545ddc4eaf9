import { fromBase64url } from '../../core/base64url.ts'
import { SessionError } from '../../core/errors.ts'
import type { Cursor } from '../../core/feed.ts'
import { PARTITIONS } from '../../core/ids.ts'

/** Sequence number of the last entry read, for each partition; 0 before the first. */
export type Positions = readonly number[]

const MAP_BYTES = PARTITIONS / 8

/** A safe integer has 53 bits. */
const MAX_POSITION_BYTES = 8

/**
 * Writes a bit for each partition that has moved, then the positions of these: 7 bits a byte, low
 * ones first.
 */
export function encodeCursor(positions: Positions): Cursor {
  const bytes = Buffer.alloc(MAP_BYTES + PARTITIONS * MAX_POSITION_BYTES)
  let end = MAP_BYTES
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let position = positions[partition] ?? 0
    if (position === 0) continue
    const byte = partition >> 3
    bytes[byte] = (bytes[byte] ?? 0) | (1 << (partition & 7))
    while (position > 127) {
      bytes[end++] = (position % 128) + 128
      position = Math.floor(position / 128)
    }
    bytes[end++] = position
  }
  return bytes.toString('base64url', 0, end)
}

/** A step of a reader: it has come to `sequence` in `partition`. */
export interface Step {
  readonly partition: number
  readonly sequence: number
}

/**
 * Answers the position after one of the steps that follow `start`. It encodes what it is asked for
 * and nothing else, because few readers ask. In their order it takes each step once.
 */
export function cursorsAfter(start: Positions, steps: readonly Step[]): (step: Step) => Cursor {
  let reached: number[] | undefined
  let taken = 0

  function isAt({ partition, sequence }: Step): boolean {
    const last = steps[taken - 1]
    return last?.partition === partition && last.sequence === sequence
  }

  return (asked) => {
    const isPast = (reached?.[asked.partition] ?? 0) >= asked.sequence
    if (reached === undefined || (isPast && !isAt(asked))) {
      reached = [...start]
      taken = 0
    }
    while (taken < steps.length && !isAt(asked)) {
      const step = steps[taken++]
      if (step !== undefined) reached[step.partition] = step.sequence
    }
    return encodeCursor(reached)
  }
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
