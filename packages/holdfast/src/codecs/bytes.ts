import { SessionError } from '../core/errors.ts'

/** Builds a record: whole numbers take a byte for each 7 bits, texts their length first. */
export interface Writer {
  /** 0 to 2^53 - 1. */
  uint(value: number): void
  /** Any safe integer. */
  int(value: number): void
  text(value: string): void
  bytes(value: Uint8Array): void
  end(): Buffer
}

const FIRST_BYTES = 512

export function createWriter(): Writer {
  let target = Buffer.allocUnsafe(FIRST_BYTES)
  let at = 0

  function room(size: number): void {
    if (at + size <= target.length) return
    const larger = Buffer.allocUnsafe(2 * (at + size))
    target.copy(larger, 0, 0, at)
    target = larger
  }

  function uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`a record keeps whole numbers from 0 up, not ${value}`)
    }
    room(8)
    let rest = value
    while (rest > 127) {
      target[at++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    target[at++] = rest
  }

  return {
    uint,
    int: (value) => uint(value < 0 ? -2 * value - 1 : 2 * value),
    text(value) {
      const size = Buffer.byteLength(value)
      uint(size)
      room(size)
      at += target.write(value, at)
    },
    bytes(value) {
      room(value.length)
      target.set(value, at)
      at += value.length
    },
    end: () => target.subarray(0, at),
  }
}

/** Bytes that were written so, and how far they have been read. */
export interface Cursor {
  readonly bytes: Buffer
  at: number
}

export function readUint(cursor: Cursor): number {
  let value = 0
  for (let scale = 1; scale < 2 ** 53; scale *= 128) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) throw cutShort()
    if (byte < 128) return value + byte * scale
    value += (byte - 128) * scale
  }
  throw cutShort()
}

export function readInt(cursor: Cursor): number {
  const value = readUint(cursor)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

export function readText(cursor: Cursor): string {
  const size = readUint(cursor)
  const { bytes, at } = cursor
  advance(cursor, size)
  return bytes.toString('utf8', at, at + size)
}

/** A view, not a copy. */
export function readBytes(cursor: Cursor, size: number): Buffer {
  const { bytes, at } = cursor
  advance(cursor, size)
  return bytes.subarray(at, at + size)
}

/** A record ends here: what is left are the zeros that fill its last eight bytes. */
export function expectEnd({ bytes, at }: Cursor): void {
  const rest = bytes.subarray(at)
  if (rest.length > 7 || rest.some((byte) => byte !== 0)) throw drawnOut()
}

/** A quarter of a record is zeros. They are left out: in front of each eight bytes one says by its bits which are there. */
export function withoutZeros(bytes: Uint8Array): Buffer {
  const packed = Buffer.allocUnsafe(bytes.length + Math.ceil(bytes.length / 8))
  let end = 0
  for (let start = 0; start < bytes.length; start += 8) {
    const flags = end++
    packed[flags] = 0
    for (let bit = 0; bit < 8; bit++) {
      const byte = bytes[start + bit] ?? 0
      if (byte === 0) continue
      packed[flags] = (packed[flags] ?? 0) | (1 << bit)
      packed[end++] = byte
    }
  }
  return packed.subarray(0, end)
}

/** The bytes again, with up to seven zeros more. */
export function withZeros(packed: Uint8Array): Buffer {
  const bytes = Buffer.alloc(8 * packed.length)
  let start = 0
  for (let at = 0; at < packed.length; start += 8) {
    const flags = packed[at++] ?? 0
    for (let bit = 0; bit < 8; bit++) {
      if ((flags & (1 << bit)) === 0) continue
      const byte = packed[at++]
      if (byte === undefined) throw cutShort()
      bytes[start + bit] = byte
    }
  }
  return bytes.subarray(0, start)
}

function advance(cursor: Cursor, size: number): void {
  cursor.at += size
  if (cursor.at > cursor.bytes.length) throw cutShort()
}

function cutShort(): SessionError {
  return new SessionError(
    'record_invalid',
    'A record ends before it should: another version of this library wrote it. It is refused.',
  )
}

function drawnOut(): SessionError {
  return new SessionError(
    'record_invalid',
    'A record goes on after its end: another version of this library wrote it. It is refused.',
  )
}
