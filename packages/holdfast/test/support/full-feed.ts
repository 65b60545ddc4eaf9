import { expect } from 'vitest'
import type { Samples } from '../../src/contracts/stores/sample-entry.ts'
import { PARTITIONS } from '../../src/core/ids.ts'
import type { Store } from '../../src/core/store.ts'

/** A bound of bytes that is reached soon. */
export const FEW_BYTES = 3_200_000

/** The share of one partition. */
export const SHARE = FEW_BYTES / PARTITIONS

const SEALED_BYTES = 400
const APPENDED = 2_000

/** Appends to one partition twenty times what it may keep. Answers how many entries are left. */
export async function keptOfTooMuch(store: Store, make: Samples): Promise<number> {
  const subject = make.subject(7)
  for (let i = 0; i < APPENDED; i += 25) {
    const events = Array.from({ length: 25 }, () => {
      return { ...make.event(), sealed: Buffer.alloc(SEALED_BYTES, i) }
    })
    await store.feed.append(subject, events)
  }
  const { items } = await store.feed.read(undefined, 1_000)
  expect(items.at(-1)?.sequence).toBe(APPENDED)
  return items.length
}
