import { createHash } from 'node:crypto'
import { PARTITIONS } from '../core/ids.ts'

/** A mark's key may be anything, of any length and secret: a store keeps only its SHA-256. */
export function markDigest(key: string): { readonly text: string; readonly partition: number } {
  const digest = createHash('sha256').update(key).digest()
  return { text: digest.toString('base64url'), partition: (digest[0] ?? 0) % PARTITIONS }
}
