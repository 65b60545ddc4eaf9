import { describe, expect, test } from 'vitest'
import type { Network } from '../../src/core/request.ts'
import { type Clock, clockChanged, clockOf } from '../../src/signals/clock.ts'
import type { Known } from '../../src/signals/known.ts'
import { laptop, newYork, nowhere, oslo, tokyo } from './scene.ts'

const kolkata: Network = { ...tokyo, country: 'IN', latitude: 22.57, longitude: 88.36 }

function at(network: Network, timezone: string | null, confirmed = true): Known {
  return { network, device: { ...laptop, timezone }, confirmed, lastSeen: 0, from: 'session' }
}

const athome = at(oslo, 'Europe/Oslo')

describe('in a new country the clock is asked whether it belongs there', () => {
  test.each<[string, string | null, Network, readonly Known[], Clock]>([
    ['the local time', 'Asia/Tokyo', tokyo, [athome], 'local'],
    ['the time of home', 'Europe/Oslo', tokyo, [athome], 'home'],
    ['the time of a third country', 'Asia/Bangkok', tokyo, [athome], 'elsewhere'],
    ['no time', null, tokyo, [athome], 'unknown'],
    ['UTC, which is the time of no country', 'UTC', tokyo, [athome], 'unknown'],
    ['Etc/GMT+5, likewise', 'Etc/GMT+5', tokyo, [athome], 'unknown'],
    ['a zone that nobody knows', 'Mars/Olympus', tokyo, [athome], 'unknown'],
    ['the local time, where home tells none', 'Asia/Tokyo', tokyo, [at(oslo, null)], 'unknown'],
    [
      'a time that is kept at home and there',
      'America/Phoenix',
      { ...newYork, country: 'CA' },
      [at(newYork, 'America/Phoenix')],
      'unknown',
    ],
    ['the local time under its old name', 'Asia/Calcutta', kolkata, [athome], 'local'],
    [
      'the time of home under its old name',
      'Asia/Calcutta',
      tokyo,
      [at(kolkata, 'Asia/Kolkata')],
      'home',
    ],
    ['the local time, in a country without a zone', 'Asia/Tokyo', nowhere, [athome], 'unknown'],
  ])('%s', (_, timezone, here, known, expected) => {
    expect(clockOf(timezone, here, known)).toBe(expected)
  })

  test('a telephone behind its carrier at home has not made its clock that of home', () => {
    const roaming = at(oslo, 'Asia/Tokyo', false)

    expect(clockOf('Asia/Tokyo', tokyo, [athome, roaming])).toBe('local')
  })

  test('the time of a hotel is that of home only while no confirmed place tells another', () => {
    const hotel = at(tokyo, 'Asia/Tokyo', false)

    expect(clockOf('Asia/Tokyo', newYork, [athome, hotel])).toBe('elsewhere')
    expect(clockOf('Asia/Tokyo', newYork, [hotel])).toBe('home')
  })
})

describe('at home a clock counts where it is new', () => {
  test.each<[string, string | null, readonly Known[], boolean]>([
    ['another zone', 'Asia/Tokyo', [athome], true],
    ['the same', 'Europe/Oslo', [athome], false],
    ['the same under a new name', 'Europe/Kyiv', [at(oslo, 'Europe/Kiev')], false],
    ['the same under an old name', 'US/Eastern', [at(newYork, 'America/New_York')], false],
    ['one of several', 'Asia/Tokyo', [athome, at(tokyo, 'Asia/Tokyo')], false],
    ['none', null, [athome], false],
    ['UTC', 'UTC', [athome], false],
    ['another than UTC', 'Asia/Tokyo', [at(oslo, 'UTC')], false],
    ['the first that is told', 'Asia/Tokyo', [at(oslo, null)], false],
  ])('%s', (_, timezone, known, expected) => {
    expect(clockChanged(timezone, known)).toBe(expected)
  })
})
