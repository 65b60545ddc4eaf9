import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Host } from '../core/host.ts'

export const SEAL_KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under a random nonce. `place`: what the bytes are and where they belong; they open
 * nowhere else.
 */
export function seal(
  plain: Uint8Array,
  {
    key,
    place,
    host,
  }: { readonly key: Uint8Array; readonly place: string; readonly host: Pick<Host, 'random'> },
): Buffer {
  const nonce = host.random(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(place))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined for whatever was not sealed with this key for this place. */
export function unseal(
  sealed: Uint8Array,
  { key, place }: { readonly key: Uint8Array; readonly place: string },
): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const bytes = Buffer.from(sealed)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(place))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    // the tag does not fit: GCM says no more than that
    return undefined
  }
}
