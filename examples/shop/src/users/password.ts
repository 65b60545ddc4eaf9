import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** OWASP Password Storage Cheat Sheet: N = 2^16, r = 8, p = 2 (64 MiB for a moment). */
const COST = { N: 2 ** 16, r: 8, p: 2, maxmem: 128 * 1024 * 1024 }
const KEY_BYTES = 32

/** A password as it is kept: never in clear. */
export interface PasswordHash {
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(16)
  return { salt, hash: await derive(password, salt) }
}

/** Constant time, and equally slow for a right and a wrong password. */
export async function passwordMatches(password: string, kept: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, kept.salt), kept.hash)
}

function derive(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, COST, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}
