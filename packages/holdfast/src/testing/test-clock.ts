import { systemHost } from '../codecs/system-host.ts'
import { type Duration, inMs } from '../core/duration.ts'
import type { Host } from '../core/host.ts'

/** A clock that runs as the machine's does, and jumps when a test says so. */
export interface TestClock extends Host {
  /** Moves the clock forward: a number of ms, or words such as `'3h'`. */
  advance(duration: Duration): void
}

/**
 * The clock of an application under test: `host` of `createSessions`, and its `now` for stores and
 * adapters, so that all of them live at the same time. Randomness is the real one.
 *
 * @example
 * const clock = testClock()
 * const store = memoryStore({ now: clock.now })
 * const sessions = createSessions({ store, keyring: newKeyring(), host: clock })
 * const { requireSession } = holdfast(sessions, { now: clock.now })
 * clock.advance('3h')
 */
export function testClock(): TestClock {
  const { random } = systemHost()
  let ahead = 0

  return {
    now: () => Date.now() + ahead,
    random,
    advance(duration) {
      const ms = inMs(duration)
      if (!(ms >= 0)) throw new RangeError("A clock goes forward by a number of ms, or by '3h'.")
      ahead += ms
    },
  }
}
