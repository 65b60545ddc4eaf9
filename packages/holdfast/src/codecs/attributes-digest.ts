import { hash } from 'node:crypto'
import type { Found } from '../core/store.ts'

/** So short: whoever finds other bytes with it has bytes that do not open. */
export const ATTRIBUTES_DIGEST_BYTES = 8

const VERSION_BYTES = 4

/**
 * How a session's record names the attributes that belong to it: 64 bits of SHA-256 of their
 * version and their sealed bytes, as hex digits. The record is sealed, so attributes of another
 * version, changed ones and missing ones are noticed before anything is allowed, and none has to be
 * opened for it. Null: there are none.
 */
export function attributesDigest(attributes: Found['attributes']): string | null {
  if (attributes === undefined) return null
  const { version, sealed } = attributes
  const size = VERSION_BYTES + sealed.length
  if (scratch.length < size) scratch = Buffer.alloc(2 * size)
  scratch.writeUInt32BE(version, 0)
  scratch.set(sealed, VERSION_BYTES)
  return hash('sha256', scratch.subarray(0, size)).slice(0, 2 * ATTRIBUTES_DIGEST_BYTES)
}

/** For what is digested at once: a buffer of its own would cost as much as the digest. */
let scratch = Buffer.alloc(1_024)
