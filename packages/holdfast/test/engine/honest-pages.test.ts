import { describe, expect, test } from 'vitest'
import type { SessionsOptions } from '../../src/engine/options.ts'
import { HOUR, inMemory } from '../support/harness.ts'
import { lookup } from '../support/people.ts'
import { type Habits, READING, seeded, useFor } from '../support/rotation-pages.ts'
import {
  CLOCKS_APART_MS,
  estate,
  expectAllServed,
  expectNoneSentTwice,
  jarOf,
  onlyForks,
  secretsSent,
  sentBy,
} from '../support/rotation-world.ts'

const AT_HOME: Partial<SessionsOptions> = { lookup }
const CALLING: Habits = { ...READING, chains: 3, calls: 3, sensitive: 0.1 }

describe('a working day of one browser', () => {
  const days: readonly [string, Habits, Partial<SessionsOptions>][] = [
    ['three chains of calls, a tenth of them sensitive', CALLING, AT_HOME],
    ['sensitive calls that take up to two seconds', { ...CALLING, answers: [30, 2_000] }, AT_HOME],
    ['few sensitive calls', { ...CALLING, sensitive: 0.01 }, AT_HOME],
    ['longer chains, a fifth of them sensitive', { ...CALLING, calls: 5, sensitive: 0.2 }, AT_HOME],
    ['the engine keeps local copies', CALLING, { ...AT_HOME, localCopies: true }],
    [
      'a poor line between two networks, behind proxies that try again',
      {
        ...CALLING,
        sensitive: 0.2,
        answers: [30, 3_000],
        lost: 0.2,
        undeliverable: 0.05,
        repeated: 0.02,
        queued: 0.03,
        late: 0.05,
        places: ['home', 'homeBySix', 'mobile'],
      },
      onlyForks(),
    ],
  ]

  test.each(days)('is never forked and never refused: %s', async (_title, habits, options) => {
    const world = await estate(inMemory, { clocksApart: CLOCKS_APART_MS, options })
    const jar = jarOf(world, await world.login())

    await useFor(world, jar, habits, { ms: 8 * HOUR, random: seeded(days.length) })

    expectAllServed(world)
    expectNoneSentTwice(world)
    expect(secretsSent(world).length).toBeGreaterThan(50)
  })
})

test('a slow answer that overwrites the cookie of a quick one is no second holder', async () => {
  const world = await estate(inMemory, { options: AT_HOME })
  const jar = jarOf(world, await world.login())
  await world.run(world.now() + 10 * 60_000)
  const start = world.now()
  const at = (ms: number, sensitive: boolean, down: number): void =>
    world.at(start + ms, () => jar.send({ up: 10, down, how: { sensitive } }))

  at(0, true, 3_000)
  at(100, false, 50)
  at(300, true, 50)
  at(500, false, 50)
  for (let minute = 1; minute <= 30; minute++) at(minute * 60_000, false, 50)
  await world.run()

  expectAllServed(world)
})

test('calls that overlap are each sent a successor of their own', async () => {
  const world = await estate(inMemory, { options: AT_HOME })
  const first = await world.login()
  await world.run(world.now() + 10 * 60_000)

  const slow = sentBy(await world.show(first, { sensitive: true }))
  const quick = sentBy(await world.show(first, { sensitive: true }))

  expect(slow).not.toBe(quick)
})
