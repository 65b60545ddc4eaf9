import { randomFillSync } from 'node:crypto'
import type { Host } from '../core/host.ts'

const SLAB_BYTES = 4096

/**
 * The real clock and the system's random generator. Small requests are served from a slab, because
 * a call to the generator costs more than its bytes.
 */
export function systemHost(): Host {
  const slab = new Uint8Array(SLAB_BYTES)
  let used = SLAB_BYTES

  return {
    now: () => Date.now(),
    random(size) {
      if (size > SLAB_BYTES) return randomFillSync(new Uint8Array(size))
      if (used + size > SLAB_BYTES) {
        randomFillSync(slab)
        used = 0
      }
      const bytes = slab.slice(used, used + size)
      slab.fill(0, used, used + size)
      used += size
      return bytes
    },
  }
}
