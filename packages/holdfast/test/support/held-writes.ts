import type { Entries } from '../../src/core/store.ts'
import type { OpenStore } from './harness.ts'

/**
 * A store whose entry writes wait at a gate: the moment between deciding and writing, held open.
 */
export function heldWrites(open: OpenStore): {
  readonly open: OpenStore
  hold(): void
  arrived(): Promise<void>
  release(): void
} {
  let opened: Promise<void> | undefined
  let release: () => void = () => {}
  let arrive: () => void = () => {}
  let arrival: Promise<void> = Promise.resolve()
  return {
    async open(now) {
      const store = await open(now)
      const entries: Entries = {
        ...store.entries,
        async write(entry, also) {
          arrive()
          await opened
          return store.entries.write(entry, also)
        },
      }
      return { ...store, entries }
    },
    hold() {
      opened = new Promise<void>((resolve) => {
        release = resolve
      })
      arrival = new Promise((resolve) => {
        arrive = resolve
      })
    },
    arrived: () => arrival,
    release() {
      release()
      opened = undefined
    },
  }
}
