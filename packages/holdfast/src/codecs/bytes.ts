import { SessionError } from '../core/errors.ts'

/** Builds a record. A whole number takes a byte for each 7 bits; a text follows its length. */
export interface ByteWriter {
  /** 0 to 2^53 - 1. */
  uint(value: number): void
  /** Any safe integer. */
  int(value: number): void
  text(value: string): void
  bytes(value: Uint8Array): void
  /** The bytes that hex digits stand for. */
  hex(digits: string): void
  /** A view of what was written, good until the writer is cleared. */
  end(): Buffer
  /** Starts anew in the same buffer. */
  clear(): void
}

const FIRST_BYTES = 512

/** A writer with an empty buffer, which grows. */
export function createWriter(): ByteWriter {
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
    hex(digits) {
      room(digits.length / 2)
      at += target.write(digits, at, 'hex')
    },
    end: () => target.subarray(0, at),
    clear() {
      at = 0
    },
  }
}

/** The bytes of a record, and how far they have been read. */
export interface ByteReader {
  bytes: Buffer
  at: number
}

export function readUint(reader: ByteReader): number {
  const first = reader.bytes[reader.at]
  if (first !== undefined && first < 128) {
    reader.at++
    return first
  }
  let value = 0
  for (let scale = 1; scale < 2 ** 53; scale *= 128) {
    const byte = reader.bytes[reader.at++]
    if (byte === undefined) throw cutShort()
    if (byte < 128) return value + byte * scale
    value += (byte - 128) * scale
  }
  throw cutShort()
}

export function readInt(reader: ByteReader): number {
  const value = readUint(reader)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

export function readText(reader: ByteReader): string {
  const size = readUint(reader)
  const { bytes, at } = reader
  skip(reader, size)
  return bytes.toString('utf8', at, at + size)
}

/** Hex digits of so many bytes. */
export function readHex(reader: ByteReader, size: number): string {
  const { bytes, at } = reader
  skip(reader, size)
  return bytes.toString('hex', at, at + size)
}

/** A character for each of so many bytes. */
export function readLatin1(reader: ByteReader, size: number): string {
  const { bytes, at } = reader
  skip(reader, size)
  return bytes.toString('latin1', at, at + size)
}

/** Four bytes, the highest first. */
export function readInt32(reader: ByteReader): number {
  const { bytes, at } = reader
  skip(reader, 4)
  return bytes.readInt32BE(at)
}

/** A view, not a copy. */
export function readBytes(reader: ByteReader, size: number): Buffer {
  const { bytes, at } = reader
  skip(reader, size)
  return bytes.subarray(at, at + size)
}

/** Throws `record_invalid` unless only the zeros are left that fill the last eight bytes. */
export function expectEnd({ bytes, at }: ByteReader): void {
  const rest = bytes.subarray(at)
  if (rest.length > 7 || rest.some((byte) => byte !== 0)) throw drawnOut()
}

/**
 * Leaves out the zeros, which are a quarter of a record. A byte in front of each eight says by its
 * bits which of them are there.
 */
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

/**
 * The bytes as they were, with up to seven zeros more at the end. They are good until the next
 * call: records are small, and a buffer for each would cost more than filling it.
 */
export function withZeros(packed: Uint8Array): Buffer {
  const size = 8 * packed.length
  if (unpacked.length < size) unpacked = Buffer.allocUnsafe(2 * size)
  let start = 0
  for (let at = 0; at < packed.length; ) {
    const flags = packed[at++] ?? 0
    for (let bit = 1; bit < 256; bit <<= 1) {
      if ((flags & bit) === 0) {
        unpacked[start++] = 0
        continue
      }
      const byte = packed[at++]
      if (byte === undefined) throw cutShort()
      unpacked[start++] = byte
    }
  }
  return unpacked.subarray(0, start)
}

let unpacked = Buffer.allocUnsafe(4_096)

function skip(reader: ByteReader, size: number): void {
  reader.at += size
  if (reader.at > reader.bytes.length) throw cutShort()
}

/** The fault for a record that says that there is more of it than there is. */
export function cutShort(): SessionError {
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

/** A character for each byte. */
export function binaryOf(bytes: Uint8Array): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('latin1')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
