import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Host } from '../core/host.ts'

export const SEAL_KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under a random nonce. `associatedData`: what the bytes are and where they belong;
 * with other associated data they do not open.
 */
export function seal(
  plain: Uint8Array,
  {
    key,
    associatedData,
    host,
  }: {
    readonly key: Uint8Array
    readonly associatedData: string
    readonly host: Pick<Host, 'random'>
  },
): Buffer {
  const nonce = host.random(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(associatedData))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined for whatever was not sealed with this key and this associated data. */
export function unseal(
  sealed: Uint8Array,
  { key, associatedData }: { readonly key: Uint8Array; readonly associatedData: string },
): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const bytes = Buffer.from(sealed)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(associatedData))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    // The tag does not fit: GCM says no more than that.
    return undefined
  }
}
