import { describe, expect, test } from 'vitest'
import { type Context, contextsAt } from '../../src/core/context.ts'
import { confirmedPast, historyAt } from '../../src/core/history.ts'
import { lapsedAt } from '../../src/core/lapse.ts'
import type { Network } from '../../src/core/request.ts'
import { laptop, lyse, NOON, nowhere, oslo, past, sessionOf, used } from '../signals/scene.ts'

const DAY = 24 * 3_600_000
const upstairs: Network = { ...oslo, address: '84.208.77.1', prefix: '84.208.77.0/24' }

/** Used for some days, the last time at noon. */
function place(days: number, network: Network = oslo, state: Context['state'] = 'confirmed') {
  return { ...used(network, laptop, { state }), firstSeen: NOON - days * DAY }
}

describe('the trust in a provider', () => {
  test.each([
    ['one visit', 0, 8],
    ['three nights', 3, 8],
    ['a fortnight', 14, 14],
    ['a month', 30, 30],
    ['a year', 365, 30],
  ])('outlasts its last use after %s', (_title, used, outlasts) => {
    const known = place(used)
    const last = NOON + outlasts * DAY

    expect(lapsedAt([known], last)).toEqual(new Set())
    expect(lapsedAt([known], last + 1)).toEqual(new Set([known.key]))
  })

  test('is that of all its lines together: a home gets another address each day', () => {
    const first = { ...place(40), lastSeen: NOON - 35 * DAY }
    const newest = place(1, upstairs)

    expect(lapsedAt([first, newest], NOON + 29 * DAY)).toEqual(new Set())
    expect(lapsedAt([first, newest], NOON + 31 * DAY)).toEqual(new Set([first.key, newest.key]))
  })

  test('is not that of another provider, and without one that of the prefix', () => {
    const home = place(40)
    const hotel = { ...place(2, lyse), lastSeen: NOON - 10 * DAY }
    expect(lapsedAt([home, hotel], NOON)).toEqual(new Set([hotel.key]))

    const [here, there] = [place(40, { ...oslo, asn: null }), place(2, { ...lyse, asn: null })]
    expect(lapsedAt([here, there], NOON + 9 * DAY)).toEqual(new Set([there.key]))
    const unplaced = place(2, nowhere)
    expect(lapsedAt([home, unplaced], NOON + 9 * DAY)).toEqual(new Set([unplaced.key]))
  })

  test('is kept up by the unconfirmed lines of a provider that is still trusted', () => {
    const hotel = place(2)
    const other = (state: Context['state']) => ({
      ...place(0, upstairs, state),
      lastSeen: NOON + 7 * DAY,
    })
    const later = NOON + 12 * DAY

    expect(lapsedAt([hotel, other('provisional')], later)).toEqual(new Set())
    expect(lapsedAt([hotel, other('provisional')], NOON + 17 * DAY)).toEqual(new Set([hotel.key]))
    expect(lapsedAt([hotel, other('challenged')], later)).toEqual(new Set([hotel.key]))
  })

  test('is there for who comes before it was used: clocks differ', () => {
    expect(lapsedAt([place(0)], NOON - DAY)).toEqual(new Set())
  })
})

test('a past as of later holds what has lapsed as familiar, with no visits', () => {
  const history = past({ ...place(2), visits: 5 }, { ...place(40, lyse), visits: 9 })

  expect(historyAt(history, NOON + DAY)).toBe(history)
  expect(historyAt(history, NOON + 9 * DAY).contexts).toMatchObject([
    { state: 'familiar', visits: 0, network: oslo },
    { state: 'confirmed', visits: 9, network: lyse },
  ])
})

test('a session as of later holds what has lapsed as provisional, with no visits', () => {
  const hotel = { ...place(2), sessionOnly: true, visits: 5 } as const
  const { contexts, last } = sessionOf(hotel, place(40, lyse))

  expect(contextsAt(contexts, last, NOON + DAY)).toBe(contexts)
  const [lapsed, home] = contextsAt(contexts, last, NOON + 9 * DAY)
  expect(lapsed).toMatchObject({ state: 'provisional', visits: 0 })
  expect(lapsed).not.toHaveProperty('sessionOnly')
  expect(home).toBe(contexts[1])
})

test('a session that is used quietly does not lapse where it is used', () => {
  const { contexts, last } = sessionOf(place(2))
  const now = NOON + 20 * DAY

  expect(contextsAt(contexts, { ...last, at: now - DAY }, now)).toBe(contexts)
  expect(contextsAt(contexts, last, now)).not.toBe(contexts)
})

test('logins are judged by what is confirmed, and by what is familiar where nothing is', () => {
  const familiar = historyAt(past(place(2)), NOON + 9 * DAY)
  const [old] = familiar.contexts
  const [home] = past(place(40, lyse)).contexts
  if (old === undefined || home === undefined) throw new Error('no contexts')

  expect(confirmedPast(familiar)).toBe(familiar)
  expect(confirmedPast({ ...familiar, contexts: [old, home] }).contexts).toEqual([home])
})
