import type { Keyring } from 'holdfast/maintenance'

/** A ring that changes in place: what was built with it goes on with whatever is current. */
export function ringInPlace(latest: () => Keyring): Keyring {
  return {
    get index() {
      return latest().index
    },
    get keys() {
      return latest().keys
    },
    get current() {
      return latest().current
    },
  }
}
