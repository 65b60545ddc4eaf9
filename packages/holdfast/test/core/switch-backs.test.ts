import { describe, expect, test } from 'vitest'
import type { SessionState, SwitchBack } from '../../src/core/session.ts'
import { alternationOf, wasOnItsWay, withSwitchBack } from '../../src/core/switch-backs.ts'
import { laptop, lyse, NOON, oslo, presented, sessionOf, used } from '../signals/scene.ts'

const WINDOW = 600_000
const home = used(oslo, laptop)
const away = used(lyse, laptop)

/** Left home at `left`, used away from home since, at noon the last time. */
function moved(left: number, switchBacks: readonly SwitchBack[] = []): SessionState {
  return { ...sessionOf({ ...home, lastSeen: left }, away), switchBacks }
}

function backHome(session: SessionState, at: number) {
  return alternationOf(session, presented(oslo, laptop, { at }))
}

describe('a return is noted', () => {
  test('within ten minutes of leaving, and not at that instant', () => {
    expect(backHome(moved(NOON - 60_000), NOON - 60_000 + WINDOW - 1)).toMatchObject({
      switchBack: { at: NOON - 60_000 + WINDOW - 1, from: away.key, to: home.key },
      earlier: [],
    })
    expect(backHome(moved(NOON - 60_000), NOON - 60_000 + WINDOW)).toBeUndefined()
  })

  test('where it was not on its way: five seconds after the other place was used', () => {
    const { last } = moved(NOON)

    expect(wasOnItsWay(last, NOON + 4_999)).toBe(true)
    expect(wasOnItsWay(last, NOON + 5_000)).toBe(false)
    expect(backHome(moved(NOON), NOON + 4_999)).toBeUndefined()
    expect(backHome(moved(NOON), NOON + 5_000)).toBeDefined()
  })

  test('where the other place was used no earlier than this one', () => {
    expect(backHome(moved(NOON), NOON + 5_000)).toBeDefined()
    expect(backHome(moved(NOON + 1), NOON + 5_000)).toBeUndefined()
  })

  test('until two of one pair have told enough', () => {
    const noted = (at: number) => ({ at, from: away.key, to: home.key })
    const at = NOON + 20_000
    const [first, second] = [noted(NOON - 40_000), noted(NOON - 20_000)]

    expect(backHome(moved(NOON, [first]), at)?.earlier).toEqual([{ here: true }])
    expect(backHome(moved(NOON, [first, second]), at)).toBeUndefined()
  })

  test('with what was noted within ten minutes before it, and not at that instant', () => {
    const at = NOON + 20_000
    const noted = (ago: number) => [{ at: at - ago, from: home.key, to: away.key }]

    expect(backHome(moved(NOON, noted(WINDOW - 1)), at)?.earlier).toEqual([{ here: false }])
    expect(backHome(moved(NOON, noted(WINDOW)), at)?.earlier).toEqual([])
    expect(backHome(moved(NOON, noted(-WINDOW)), at)?.earlier).toEqual([])
  })
})

test('the newest eight returns are kept', () => {
  const noted = Array.from({ length: 9 }, (_, at) => ({ at, from: away.key, to: home.key }))
  const [first, ...rest] = noted
  if (first === undefined) throw new Error('nine were made')

  expect(withSwitchBack(noted.slice(0, 7), first)).toHaveLength(8)
  const last = { at: 9, from: home.key, to: away.key }
  expect(withSwitchBack(rest, last)).toEqual([...rest.slice(1), last])
})
