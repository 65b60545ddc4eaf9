import { describe, expect, test } from 'vitest'
import { inMemory, SECOND } from '../support/harness.ts'
import {
  flipper,
  follower,
  foundAfter,
  hoarder,
  minter,
  type Thief,
} from '../support/rotation-thieves.ts'
import { CLOCKS_APART_MS, estate, RULE } from '../support/rotation-world.ts'

const THIEVES: readonly (readonly [string, Thief])[] = [
  ['follows each request by 20 ms', follower(20)],
  ['follows each request by 200 ms', follower(200)],
  ['follows each request by a second', follower(SECOND)],
  ['follows each request by nine seconds', follower(9 * SECOND)],
  ['takes every successor there is and shows none', hoarder(400)],
  ['asks until a successor is due, and goes on with it at once', minter(100)],
  ['asks until a successor is due, waits 11 s, and goes on with it', minter(11 * SECOND)],
  ['makes sensitive calls to be sent successors', minter(100, { sensitive: true })],
  ['makes sensitive calls, and waits 11 s each time', minter(11 * SECOND, { sensitive: true })],
  ['comes from two addresses in turns', flipper(900)],
]

/** At the owner's address, with the owner's browser: nothing but the secrets can tell. */
describe.each(THIEVES)('a second holder who %s', (_title, thief) => {
  test.each([
    ['asks every second', 1],
    ['asks every 5 s', 5],
    ['asks every 15 s', 15],
    ['asks every minute', 60],
  ])(
    'is found within a rotation, its window and three requests: the owner %s',
    async (_owner, s) => {
      const world = await estate(inMemory, { clocksApart: CLOCKS_APART_MS })
      const { rotation, window } = RULE.session
      const withinMs = rotation + window + 3 * s * SECOND + CLOCKS_APART_MS

      for (const copiedAfterMs of [2_000, 150_000, 299_000, 301_000, 380_000]) {
        const owner = { everyMs: s * SECOND }
        const found = await foundAfter(world, owner, thief, { copiedAfterMs, withinMs })

        expect(found, `copied after ${copiedAfterMs} ms`).toBeDefined()
      }
    },
  )

  test('is found sooner where the owner makes sensitive calls', async () => {
    const world = await estate(inMemory, { clocksApart: CLOCKS_APART_MS })
    const owner = { everyMs: 10 * SECOND, sensitive: (turn: number) => turn % 3 === 0 }

    for (const copiedAfterMs of [100_000, 250_000]) {
      const options = { copiedAfterMs, withinMs: 2 * RULE.session.window + 60 * SECOND }
      expect(await foundAfter(world, owner, thief, options)).toBeDefined()
    }
  })
})

test('a second holder at another address is found before a rotation is due', async () => {
  const world = await estate(inMemory)
  const owner = { everyMs: 15 * SECOND }
  const withinMs = 2 * RULE.session.window + 3 * 15 * SECOND

  for (const thief of [hoarder(10 * SECOND, 'homeBySix'), follower(SECOND, 'homeBySix')]) {
    const found = await foundAfter(world, owner, thief, { copiedAfterMs: 90_000, withinMs })

    expect(found).toBeDefined()
  }
})

test('whatever a hoarder was sent, the next due answer brings a successor', async () => {
  const world = await estate(inMemory)
  const first = await world.login()
  await world.run(world.now() + RULE.session.rotation + RULE.session.window)

  for (let taken = 0; taken < 300; taken++) {
    const answer = await world.show(first)
    expect(answer).toMatchObject({ kind: 'served', sent: expect.any(String) })
    await world.run(world.now() + 30)
  }

  expect(await world.show(first)).toMatchObject({ kind: 'served', sent: expect.any(String) })
})
