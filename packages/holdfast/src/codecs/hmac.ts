import { createHmac, hash, type KeyObject } from 'node:crypto'

/** HMAC-SHA-256 of a text of one-byte characters and of the bytes behind it: 32 such characters. */
export type Hmac = (text: string, bytes: Uint8Array) => string

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** Longer messages take the way of OpenSSL's own HMAC. */
const MAX_MESSAGE_BYTES = 256

/**
 * HMAC-SHA-256 under a key of at most 64 bytes, as two one-shot digests (RFC 2104): an HMAC object
 * costs more than twice as much as both.
 */
export function hmacUnder(key: KeyObject): Hmac {
  const secret = key.export()
  if (secret.length > BLOCK_BYTES) throw new RangeError('a key of HMAC is at most a block')
  const inner = Buffer.alloc(BLOCK_BYTES + MAX_MESSAGE_BYTES)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)
  for (let at = 0; at < BLOCK_BYTES; at++) {
    inner[at] = (secret[at] ?? 0) ^ 0x36
    outer[at] = (secret[at] ?? 0) ^ 0x5c
  }

  return (text, bytes) => {
    const size = text.length + bytes.length
    if (size > MAX_MESSAGE_BYTES) {
      return createHmac('sha256', key).update(text, 'latin1').update(bytes).digest('binary')
    }
    inner.write(text, BLOCK_BYTES, 'latin1')
    inner.set(bytes, BLOCK_BYTES + text.length)
    const digest = hash('sha256', inner.subarray(0, BLOCK_BYTES + size), 'binary')
    outer.write(digest, BLOCK_BYTES, 'latin1')
    return hash('sha256', outer, 'binary')
  }
}
