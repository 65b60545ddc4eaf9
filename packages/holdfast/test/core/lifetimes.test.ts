import { describe, expect, test } from 'vitest'
import { DEFAULT_LIFETIMES, lifetimeVerdict, touchInterval } from '../../src/core/lifetimes.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

test('a session lives a day with two hours of silence, a remembered one a month', () => {
  expect(DEFAULT_LIFETIMES).toEqual({
    default: { absoluteMs: DAY, idleMs: 2 * HOUR, persistent: false },
    remember: { absoluteMs: 30 * DAY, idleMs: 7 * DAY, persistent: true },
  })
})

test.each([
  [2 * HOUR, 2 * MINUTE],
  [61 * MINUTE, 61_000],
  [61 * MINUTE + 59, 61_000],
  [2 * MINUTE, 2_000],
  [MINUTE, 1_000],
  [MINUTE - 1, 1_000],
  [1, 1_000],
])('with %i ms of silence allowed, activity is noted every %i ms', (idleMs, interval) => {
  expect(touchInterval(idleMs)).toBe(interval)
})

describe('a session is over', () => {
  const session = { deadline: 10 * HOUR, idleMs: HOUR }

  test.each([
    ['at its deadline, however active', 10 * HOUR - 1, 10 * HOUR, 'absolute'],
    ['not a millisecond before', 10 * HOUR - 1, 10 * HOUR - 1, 'live'],
    ['long after its deadline', 9 * HOUR, 20 * HOUR, 'absolute'],
    ['when it was silent for as long as it may', 2 * HOUR, 3 * HOUR, 'idle'],
    ['not a millisecond before that', 2 * HOUR, 3 * HOUR - 1, 'live'],
    ['not when its last activity is ahead of a clock that runs behind', 3 * HOUR, 2 * HOUR, 'live'],
    ['when its mark of activity is gone', undefined, 2 * HOUR, 'idle'],
    ['by its deadline first, where both have passed', undefined, 10 * HOUR, 'absolute'],
  ] as const)('%s', (_, lastActivity, now, verdict) => {
    expect(lifetimeVerdict(session, lastActivity, now)).toBe(verdict)
  })
})
