import { describe, expect, test } from 'vitest'
import type { Context } from '../../src/core/context.ts'
import { NO_HISTORY } from '../../src/core/history.ts'
import type { Device, Network } from '../../src/core/request.ts'
import { impossibleJourney } from '../../src/signals/impossible-journey.ts'
import { laptop, MINUTE, NOON, newYork, past, presented, sessionOf, tokyo, used } from './scene.ts'

const HOUR = 60 * MINUTE

const inNewYork: Device = { ...laptop, timezone: 'America/New_York' }
const inTokyo: Device = { ...laptop, timezone: 'Asia/Tokyo' }
const atHome = used(newYork, inNewYork)

const losAngeles: Network = {
  ...newYork,
  address: '76.1.2.3',
  prefix: '76.1.2.0/24',
  block: '76.1.0.0/16',
  asn: 20001,
  city: 'Los Angeles',
  latitude: 34.0522,
  longitude: -118.2437,
}

/** Whether the rule speaks, by default thirty minutes after the last use in New York. */
function impossible(
  here: Network,
  device: Device,
  {
    contexts = [atHome],
    at = NOON + 30 * MINUTE,
    history = NO_HISTORY,
  }: {
    contexts?: readonly [Context, ...Context[]]
    at?: number
    history?: typeof NO_HISTORY
  } = {},
): boolean {
  const [first, ...others] = contexts
  const session = sessionOf(first, ...others)
  return impossibleJourney(session, presented(here, device, { at }), history) !== undefined
}

describe('from New York to Tokyo', () => {
  const clocks = ['America/New_York', 'Asia/Tokyo', 'Asia/Bangkok', 'UTC', null]

  test.each(clocks)('nobody travels in half an hour, with the clock at %s', (timezone) => {
    expect(impossible(tokyo, { ...laptop, timezone })).toBe(true)
  })

  test.each(clocks)('nor where the data has no providers, with the clock at %s', (timezone) => {
    const contexts = [used({ ...newYork, asn: null, kind: 'unknown' }, inNewYork)] as const
    const here = { ...tokyo, asn: null, kind: 'unknown' } as const

    expect(impossible(here, { ...laptop, timezone }, { contexts })).toBe(true)
  })

  test.each([
    [0, true],
    [30 * MINUTE, true],
    [10 * HOUR, true],
    [13 * HOUR, false],
    [-2_000, true],
  ])('%i ms later: %s', (ms, expected) => {
    expect(impossible(tokyo, inTokyo, { at: NOON + ms })).toBe(expected)
  })

  test('people travel whose kind of line the data does not tell', () => {
    const contexts = [used({ ...newYork, kind: 'unknown' }, inNewYork)] as const

    expect(impossible({ ...tokyo, kind: 'unknown' }, inTokyo, { contexts })).toBe(true)
  })

  test('a stated radius that is wider than usual counts', () => {
    expect(impossible({ ...tokyo, radiusKm: 6_000 }, inTokyo)).toBe(false)
  })
})

describe('the place of a network that is not its user’s begins and ends no journey', () => {
  test.each(['relay', 'hosting', 'vpn', 'tor', 'satellite', 'corporate', 'private'] as const)(
    'a %s network',
    (kind) => {
      expect(impossible({ ...tokyo, kind }, inTokyo)).toBe(false)
      expect(
        impossible(tokyo, inTokyo, { contexts: [used({ ...newYork, kind }, inNewYork)] }),
      ).toBe(false)
    },
  )

  test('a tunnel of which the data says nothing: the clock kept another time there', () => {
    const exit = used({ ...newYork, kind: 'unknown' }, inTokyo)

    expect(impossible(tokyo, inTokyo, { contexts: [exit] })).toBe(false)
  })

  test('a telephone that roams behind its carrier at home, and then the hotel', () => {
    const roaming = used({ ...newYork, kind: 'mobile' }, inTokyo)

    expect(impossible(tokyo, inTokyo, { contexts: [roaming] })).toBe(false)
  })

  test('the hotel, and then a travel SIM that leaves in a third country', () => {
    const hotel = used(tokyo, inTokyo, { state: 'provisional' })

    expect(impossible({ ...newYork, kind: 'mobile' }, inTokyo, { contexts: [hotel] })).toBe(false)
    expect(impossible({ ...newYork, kind: 'unknown' }, inTokyo, { contexts: [hotel] })).toBe(false)
  })

  test('a mobile network abroad does, where its clock is local', () => {
    expect(impossible({ ...tokyo, kind: 'mobile' }, inTokyo)).toBe(true)
    expect(impossible({ ...tokyo, kind: 'mobile' }, inNewYork)).toBe(false)
    expect(impossible({ ...tokyo, kind: 'mobile' }, { ...laptop, timezone: null })).toBe(false)
  })

  test('one from which the clock is not told does only where it is a fixed line', () => {
    const untold = { ...laptop, timezone: null }
    const from = (kind: Network['kind']) => [used({ ...newYork, kind }, untold)] as const

    expect(impossible(tokyo, inTokyo, { contexts: from('fixed') })).toBe(true)
    expect(impossible(tokyo, inTokyo, { contexts: from('mobile') })).toBe(false)
    expect(impossible(tokyo, inTokyo, { contexts: from('unknown') })).toBe(false)
  })
})

describe('what the session knows of the places decides', () => {
  test('a network that the subject has confirmed excuses, here or in the past', () => {
    const confirmed = used({ ...tokyo, prefix: '126.9.9.0/24' }, inTokyo)

    expect(impossible(tokyo, inTokyo, { contexts: [confirmed, atHome] })).toBe(false)
    expect(impossible(tokyo, inTokyo, { history: past(confirmed) })).toBe(false)
  })

  test('the own confirmed home, after a tunnel was switched off', () => {
    const exit = used(tokyo, inNewYork, { state: 'provisional' })

    expect(impossible(newYork, inNewYork, { contexts: [atHome, exit] })).toBe(false)
  })

  test('an unconfirmed place begins one where it is a fixed line and the clock came along', () => {
    const from = (kind: Network['kind']) =>
      [used({ ...newYork, kind }, inNewYork, { state: 'provisional' })] as const

    expect(impossible(tokyo, inTokyo, { contexts: from('fixed') })).toBe(true)
    expect(impossible(tokyo, inNewYork, { contexts: from('fixed') })).toBe(false)
    expect(impossible(tokyo, inTokyo, { contexts: from('unknown') })).toBe(false)
  })

  test('a challenged place begins none', () => {
    const refused = used(newYork, inNewYork, { state: 'challenged' })

    expect(impossible(tokyo, inTokyo, { contexts: [refused] })).toBe(false)
  })

  test('a step over a data centre hides the place before it from nobody', () => {
    const vpn = used({ ...newYork, asn: 9009, prefix: 'p', kind: 'vpn' }, inNewYork)

    expect(impossible(tokyo, inTokyo, { contexts: [atHome, vpn] })).toBe(true)
  })

  test('the owner at home makes an old visit from afar impossible: two people use it', () => {
    const abroad = used(tokyo, inTokyo, { state: 'provisional', at: NOON - 12 * HOUR })

    expect(impossible(tokyo, inTokyo, { contexts: [abroad, atHome] })).toBe(true)
  })
})

describe('a tunnel that the data does not know', () => {
  const exit = { ...tokyo, kind: 'unknown' } as const
  const other = { ...exit, asn: 20099 }
  const atExit = (changes = {}) =>
    used({ ...exit, prefix: 'x', country: 'SG' }, inNewYork, { state: 'provisional', ...changes })

  test('leaves the clock at home, and counts where its provider is known', () => {
    expect(impossible(exit, inNewYork)).toBe(true)
    expect(impossible(exit, inNewYork, { contexts: [atHome, atExit()] })).toBe(false)
    expect(impossible(exit, inNewYork, { history: past(atExit()) })).toBe(false)
    expect(impossible(other, inNewYork, { contexts: [atHome, atExit()] })).toBe(true)
  })

  test('explains no clock that came along, no fixed line, and nothing after a challenge', () => {
    const challenged = [atHome, atExit({ state: 'challenged' })] as const

    expect(impossible(exit, inTokyo, { contexts: [atHome, atExit()] })).toBe(true)
    expect(impossible(tokyo, inNewYork, { contexts: [atHome, atExit()] })).toBe(true)
    expect(impossible(exit, inNewYork, { contexts: challenged })).toBe(true)
  })
})

describe('within one provider or one country', () => {
  test('the addresses of one provider are no journey', () => {
    expect(impossible({ ...tokyo, asn: newYork.asn }, inTokyo)).toBe(false)
  })

  test('a provider that the data does not name may be the one that it named before', () => {
    expect(impossible({ ...tokyo, asn: null }, inTokyo)).toBe(false)
  })

  test('data that names more of the presenting network never excuses it', () => {
    const contexts = [used({ ...newYork, asn: null }, inNewYork)] as const

    expect(impossible({ ...tokyo, asn: null }, inTokyo, { contexts })).toBe(true)
    expect(impossible(tokyo, inTokyo, { contexts })).toBe(true)
  })

  test('both families of a line without providers, placed 3,900 km apart', () => {
    const contexts = [used({ ...newYork, asn: null }, inNewYork)] as const
    const other = { ...losAngeles, asn: null }

    expect(impossible(other, inNewYork, { contexts })).toBe(false)
    expect(impossible(other, { ...laptop, timezone: 'America/Los_Angeles' }, { contexts })).toBe(
      false,
    )
  })

  test('a fixed line across the country is one only where the clock came along', () => {
    const local = { ...laptop, timezone: 'America/Los_Angeles' }

    expect(impossible(losAngeles, local)).toBe(true)
    expect(impossible(losAngeles, inNewYork)).toBe(false)
    expect(impossible({ ...losAngeles, kind: 'unknown' }, local)).toBe(false)
    expect(impossible(losAngeles, local, { at: NOON + 7 * HOUR })).toBe(false)
  })

  test.each(['country', 'latitude', 'longitude'] as const)('without the %s of an end', (field) => {
    expect(impossible({ ...tokyo, [field]: null }, inTokyo)).toBe(false)
    expect(
      impossible(tokyo, inTokyo, { contexts: [used({ ...newYork, [field]: null }, inNewYork)] }),
    ).toBe(false)
  })
})
