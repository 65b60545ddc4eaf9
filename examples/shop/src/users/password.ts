import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** OWASP Password Storage Cheat Sheet: N = 2^16, r = 8, p = 2 (64 MiB for a moment). */
const COST: Cost = { N: 2 ** 16, r: 8, p: 2 }
const MAX_BYTES = 128 * 1024 * 1024
const KEY_BYTES = 32

/** What a guess at a password costs, in the terms of scrypt. */
export interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** A password as it is kept: never in clear. */
export interface PasswordHash {
  readonly salt: Uint8Array
  readonly hash: Uint8Array
  /** Kept with the hash, so that another cost locks nobody out. */
  readonly cost: Cost
}

export async function hashPassword(password: string, cost = COST): Promise<PasswordHash> {
  const salt = randomBytes(16)
  return { salt, hash: await derive(password, salt, cost), cost }
}

/** Constant time, and equally slow for a right and a wrong password. */
export async function passwordMatches(password: string, kept: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, kept.salt, kept.cost), kept.hash)
}

function derive(password: string, salt: Uint8Array, cost: Cost): Promise<Buffer> {
  const options = { ...cost, maxmem: MAX_BYTES }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, options, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}
