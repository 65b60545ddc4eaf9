import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { SessionError } from 'holdfast'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

/** A KeyObject: ciphers are several times slower with raw buffers on Node 24. */
export function secret(bytes: ArrayBuffer | Uint8Array): KeyObject {
  return createSecretKey(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))
}

/** Nonce, text and tag. It opens where it is bound to, and nowhere else. */
export function sealed(
  key: KeyObject,
  {
    bound,
    text,
    random,
  }: {
    readonly bound: string
    readonly text: Uint8Array
    readonly random: (size: number) => Uint8Array
  },
): Buffer {
  const nonce = random(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(bound))
  const body = cipher.update(text)
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()])
}

/** Throws `record_invalid` for what was changed, or is bound elsewhere. */
export function opened(key: KeyObject, bound: string, bytes: Buffer): Buffer {
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES)
    const end = bytes.length - TAG_BYTES
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(bound)).setAuthTag(bytes.subarray(end))
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()])
  } catch (cause) {
    throw new SessionError(
      'record_invalid',
      'A personal part of the audit log does not open: damaged, or changed by somebody.',
      { cause },
    )
  }
}
