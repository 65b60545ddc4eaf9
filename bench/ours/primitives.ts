import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  randomBytes,
} from 'node:crypto'
import { sessionFacts, userOf } from '../facts.ts'
import type { Row } from '../rounds.ts'

/**
 * What no verification of a sealed record can do without, by itself, on a record of a real
 * session's size.
 */
export function primitives(): readonly Row[] {
  const text = JSON.stringify(sessionFacts(userOf(0)))
  const key = createSecretKey(randomBytes(32))
  const secret = randomBytes(32)
  const associated = Buffer.from('a place of some forty bytes, authenticated')
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(associated)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  const tag = cipher.getAuthTag()

  function unseal(): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
    decipher.setAAD(associated)
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(sealed), decipher.final()])
  }

  return [
    { name: AES, run: unseal },
    { name: HMAC, run: () => createHmac('sha256', key).update(secret).digest() },
    { name: SHA, run: () => createHash('sha256').update(secret).digest('base64url') },
  ]
}

export const AES = 'AES-256-GCM open of a record'
export const HMAC = 'HMAC-SHA-256 of a token'
export const SHA = 'SHA-256 of a secret'

export function readOf(store: string): string {
  return `bare read from ${store}`
}
