import { describe } from 'vitest'
import { inMemory, type OpenStore } from './harness.ts'

/** Runs a suite once for each store. */
export function describeOnEveryStore(title: string, suite: (open: OpenStore) => void): void {
  describe(`${title}: memory`, () => suite(inMemory))
}
