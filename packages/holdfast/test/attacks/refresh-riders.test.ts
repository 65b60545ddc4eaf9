import { describe, expect, test } from 'vitest'
import { inMemory, SECOND } from '../support/harness.ts'
import { foundAfter, type Thief } from '../support/rotation-thieves.ts'
import { CLOCKS_APART_MS, estate, type Place, RULE } from '../support/rotation-world.ts'

const EVERY_MS = 100 * SECOND

/** Refreshes at fixed times after each refresh of the owner, with the copy or what came last. */
function rider(
  after: readonly number[],
  { keeps, place }: { readonly keeps: boolean; readonly place: Place },
): Thief {
  return ({ copy, onOwner, after: later, show }) => {
    let held = copy
    onOwner(() => {
      for (const ms of after) {
        later(ms, async () => {
          const answer = await show(held, { place })
          if (keeps && answer.kind === 'served') held = answer.sent ?? held
        })
      }
    })
  }
}

const TIMES: readonly (readonly [string, readonly number[]])[] = [
  ['20 ms behind', [20]],
  ['a second behind', [SECOND]],
  ['nine seconds behind', [9 * SECOND]],
  ['eleven seconds behind', [11 * SECOND]],
  ['halfway', [50 * SECOND]],
  ['two seconds before', [EVERY_MS - 2 * SECOND]],
  ['a second before and a second behind', [SECOND, EVERY_MS - SECOND]],
]

describe.each(TIMES)('who refreshes %s each refresh of the owner', (_title, after) => {
  test.each<readonly [string, { readonly keeps: boolean; readonly place: Place }]>([
    ['with the copy', { keeps: false, place: 'home' }],
    ['with the newest that came', { keeps: true, place: 'home' }],
    ['with the copy, from another provider', { keeps: false, place: 'mobile' }],
    ['with the newest that came, from another provider', { keeps: true, place: 'mobile' }],
  ])('is found within five refreshes: %s', async (_how, how) => {
    const world = await estate(inMemory, { line: 'refresh', clocksApart: CLOCKS_APART_MS })
    const { rotation, window } = RULE.refresh
    const withinMs = rotation + window + 4 * EVERY_MS + CLOCKS_APART_MS

    for (const copiedAfterMs of [1_500, 150_000, 201_500]) {
      const owner = { everyMs: EVERY_MS }
      const thief = rider(after, how)
      const found = await foundAfter(world, owner, thief, { copiedAfterMs, withinMs })

      expect(found, `copied after ${copiedAfterMs} ms`).toBeDefined()
    }
  })
})
