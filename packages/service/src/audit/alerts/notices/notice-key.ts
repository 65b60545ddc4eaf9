import { hkdfSync } from 'node:crypto'
import type { Keyring } from 'holdfast/maintenance'

const PURPOSE = 'holdfast/1/notice-links'
const KEY_BYTES = 32

/**
 * The key that signs links of notices. It comes from the index key of the ring, which never
 * changes, so that a link outlives a rotation, and every process of a store believes it.
 */
export function noticeKey({ index }: Pick<Keyring, 'index'>): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', index, new Uint8Array(0), PURPOSE, KEY_BYTES))
}
