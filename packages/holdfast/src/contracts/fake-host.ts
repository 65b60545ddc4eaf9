import { createHash } from 'node:crypto'
import type { Host } from '../core/host.ts'

/**
 * A host for tests. Its clock moves only by `advance`, and its randomness is the same for the same
 * seed.
 */
export interface FakeHost extends Host {
  /** Moves the clock forward, ms. */
  advance(ms: number): void
}

/**
 * The default start is the real time. A store with a clock of its own (Redis expires keys by
 * itself) works only with a fake clock that starts there and moves forward.
 */
export function fakeHost({
  start = Date.now(),
  seed = 'holdfast',
}: {
  readonly start?: number
  readonly seed?: string
} = {}): FakeHost {
  let time = start
  let block = 0
  let rest = Buffer.alloc(0)

  return {
    now: () => time,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError('a clock does not run backwards')
      time += ms
    },
    random(size) {
      const parts = [rest]
      for (let have = rest.length; have < size; have += 32) {
        parts.push(createHash('sha256').update(`${seed} ${block++}`).digest())
      }
      const all = Buffer.concat(parts)
      rest = all.subarray(size)
      return new Uint8Array(all.subarray(0, size))
    },
  }
}
