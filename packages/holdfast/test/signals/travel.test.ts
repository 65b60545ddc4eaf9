import { describe, expect, test } from 'vitest'
import type { Network } from '../../src/core/request.ts'
import { journeyBetween, judgeJourney } from '../../src/signals/travel.ts'
import { lyse, NOON, newYork, tokyo } from './scene.ts'

const oslo = { latitude: 59.9139, longitude: 10.752 }
const london = { latitude: 51.51, longitude: -0.128 }
const newYorkCity = { latitude: 40.7128, longitude: -74.006 }
const losAngeles = { latitude: 34.0522, longitude: -118.2437 }
const madrid = { latitude: 40.4168, longitude: -3.7038 }
const barcelona = { latitude: 41.3851, longitude: 2.17 }
const suva = { latitude: -18.14, longitude: 178.44 }
const apia = { latitude: -13.8333, longitude: -171.7667 }
const berlin = { latitude: 52.52, longitude: 13.405 }
const munich = { latitude: 48.1351, longitude: 11.582 }

test.each([
  ['Oslo to London in 20 minutes', oslo, 25, london, 25, 20, 1153.5, 93, 34.5, 1069, 1],
  ['Oslo to London in 3 hours', oslo, 25, london, 25, 180, 1153.5, 2075, 34.5, 1069, 0],
  [
    'New York to Los Angeles in 6.5 hours',
    newYorkCity,
    25,
    losAngeles,
    25,
    390,
    3935.8,
    5225,
    34.5,
    3851,
    0,
  ],
  ['Madrid to Barcelona in a minute', madrid, 200, barcelona, 25, 1, 505.2, 52, 137.6, 168, 0.9995],
  ['Suva to Apia across the date line', suva, 50, apia, 50, 10, 1150.8, 72, 53.7, 1020, 1],
])('%s', (_, from, r1, to, r2, minutes, distance, reach, sigma, atLeast, infeasible) => {
  const journey = judgeJourney({ ...from, radiusKm: r1 }, { ...to, radiusKm: r2 }, minutes / 60)

  expect(journey.distanceKm).toBeCloseTo(distance, 1)
  expect(Math.round(journey.reachKm)).toBe(reach)
  expect(journey.sigmaKm).toBeCloseTo(sigma, 1)
  expect(Math.abs(journey.atLeastKm - atLeast)).toBeLessThan(1)
  expect(journey.infeasible).toBeCloseTo(infeasible, 4)
})

test('Berlin to Munich, known to 500 km, is doubtful, and no distance can be claimed', () => {
  const journey = judgeJourney({ ...berlin, radiusKm: 500 }, { ...munich, radiusKm: 500 }, 0)

  expect(journey.atLeastKm).toBe(0)
  expect(journey.infeasible).toBeCloseTo(0.83, 2)
})

test('a clock that runs backwards by two seconds is no time at all', () => {
  const ends = [
    { ...oslo, radiusKm: 25 },
    { ...london, radiusKm: 25 },
  ] as const

  expect(judgeJourney(...ends, -2 / 3600)).toEqual(judgeJourney(...ends, 0))
})

test('the antipodes are half the circumference apart', () => {
  const journey = judgeJourney(
    { latitude: 10, longitude: 20, radiusKm: 25 },
    { latitude: -10, longitude: -160, radiusKm: 25 },
    1,
  )

  expect(journey.distanceKm).toBeCloseTo(Math.PI * 6371.0088, 2)
})

describe('no journey can be told', () => {
  const judged = (a: Partial<Network>, b: Partial<Network> = {}) =>
    journeyBetween(
      { network: { ...newYork, ...a }, at: NOON },
      { network: { ...tokyo, ...b }, at: NOON + 1_800_000 },
    )

  test('but between New York and Tokyo it can', () => {
    expect(judged({})?.infeasible).toBeGreaterThan(0.99)
  })

  test('within one provider, whose addresses scatter over a continent', () => {
    expect(judged({ asn: 17676 })).toBeUndefined()
  })

  test.each(['asn', 'latitude', 'longitude'] as const)('without the %s of an end', (field) => {
    expect(judged({ [field]: null })).toBeUndefined()
    expect(judged({}, { [field]: null })).toBeUndefined()
  })

  test.each(['relay', 'hosting', 'vpn', 'tor', 'satellite', 'corporate', 'private'] as const)(
    'through a %s network, which is not where its user is',
    (kind) => {
      expect(judged({ kind })).toBeUndefined()
      expect(judged({}, { kind })).toBeUndefined()
    },
  )

  test('with a mobile end, unless both radii are known', () => {
    expect(judged({ kind: 'mobile', radiusKm: null })).toBeUndefined()
    expect(judged({ kind: 'mobile' }, { radiusKm: null })).toBeUndefined()
    expect(judged({ kind: 'mobile' })?.infeasible).toBeGreaterThan(0.99)
  })

  test('and within fifty kilometres nobody travelled', () => {
    const here = { ...lyse, latitude: 59.9, longitude: 10.8 }
    const there = { ...newYork, latitude: 59.95, longitude: 10.7 }

    expect(
      journeyBetween({ network: there, at: NOON }, { network: here, at: NOON })?.infeasible,
    ).toBe(0)
  })
})
