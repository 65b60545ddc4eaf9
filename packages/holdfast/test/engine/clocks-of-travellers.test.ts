import { describe, expect, test } from 'vitest'
import type { Lookup, LookupResult } from '../../src/core/lookup.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'

const OSLO = { country: 'NO', latitude: 59.91, longitude: 10.75 } as const
const BANGKOK = { country: 'TH', latitude: 13.75, longitude: 100.5 } as const
const AMSTERDAM = { country: 'NL', latitude: 52.37, longitude: 4.9 } as const
const FRANKFURT = { country: 'DE', latitude: 50.11, longitude: 8.68 } as const
const CHICAGO = { country: 'US', latitude: 41.88, longitude: -87.63 } as const
const DELHI = { country: 'IN', latitude: 28.61, longitude: 77.21 } as const

/** What the data says of each prefix: what an untold network is used for is not known. */
const PLACES = {
  '192.0.2': { asn: 64_500, kind: 'fixed', ...OSLO },
  '192.0.3': { asn: 64_501, kind: 'mobile', ...OSLO },
  '192.0.4': { asn: 64_502, ...OSLO },
  '198.51.100': { asn: 64_510, kind: 'fixed', ...BANGKOK },
  '198.51.101': { asn: 64_511, ...BANGKOK },
  '198.51.102': { asn: 64_512, kind: 'mobile', ...BANGKOK },
  '203.0.113': { asn: 64_520, kind: 'mobile', ...AMSTERDAM },
  '203.0.114': { asn: 64_521, ...AMSTERDAM },
  '203.0.115': { asn: 64_522, kind: 'satellite', ...FRANKFURT },
  '203.0.116': { asn: 64_523, kind: 'relay', ...CHICAGO },
  '203.0.117': { asn: 64_524, kind: 'fixed', ...DELHI },
} as const satisfies Readonly<Record<string, LookupResult>>

const lookup: Lookup = (address) => {
  const prefix = address.split('.').slice(0, 3).join('.')
  return Object.hasOwn(PLACES, prefix) ? PLACES[prefix as keyof typeof PLACES] : undefined
}

const HOME = '192.0.2'
const CARRIER_AT_HOME = '192.0.3'
const UNTOLD_CARRIER_AT_HOME = '192.0.4'
const HOTEL = '198.51.100'
const UNTOLD_HOTEL = '198.51.101'
const LOCAL_SIM = '198.51.102'
const TRAVEL_SIM = '203.0.113'
const UNTOLD_TRAVEL_SIM = '203.0.114'
const IN_FLIGHT = '203.0.115'
const RELAY = '203.0.116'
const INDIA = '203.0.117'

function from(prefix: keyof typeof PLACES, timezone: string): RequestFacts {
  return {
    ip: `${prefix}.7`,
    method: 'GET',
    url: '/',
    headers: {
      'user-agent':
        'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) ' +
        'Chrome/156.0.0.0 Mobile Safari/537.36',
      'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8',
      'sec-ch-ua': '"Chromium";v="156", "Google Chrome";v="156", "Not.A/Brand";v="99"',
      'sec-ch-ua-platform': '"Android"',
      'sec-ch-ua-mobile': '?1',
    },
    client: { screen: '412x915x2.625', timezone },
  }
}

type Step = readonly [after: number, prefix: keyof typeof PLACES, timezone: string]

const FLIGHT = 14 * HOUR
const THERE = 'Asia/Bangkok'

/** Steps after a login at home, and what no policy in force may ask anything at. */
const TIMELINES: Readonly<Record<string, readonly Step[]>> = {
  'a telephone behind its carrier at home, then the hotel': [
    [FLIGHT, CARRIER_AT_HOME, THERE],
    [5 * MINUTE, HOTEL, THERE],
  ],
  'the hotel, then the telephone behind its carrier at home': [
    [FLIGHT, HOTEL, THERE],
    [5 * MINUTE, CARRIER_AT_HOME, THERE],
  ],
  'the same behind a carrier that the data does not know as one, then the hotel': [
    [FLIGHT, UNTOLD_CARRIER_AT_HOME, THERE],
    [5 * MINUTE, HOTEL, THERE],
  ],
  'the hotel, then such a carrier': [
    [FLIGHT, HOTEL, THERE],
    [5 * MINUTE, UNTOLD_CARRIER_AT_HOME, THERE],
  ],
  'a travel SIM that leaves in a third country, then the hotel': [
    [FLIGHT, TRAVEL_SIM, THERE],
    [5 * MINUTE, HOTEL, THERE],
  ],
  'the hotel, then the travel SIM': [
    [FLIGHT, HOTEL, THERE],
    [5 * MINUTE, TRAVEL_SIM, THERE],
  ],
  'a travel SIM behind a network of which the data does not know the use, then the hotel': [
    [FLIGHT, UNTOLD_TRAVEL_SIM, THERE],
    [5 * MINUTE, HOTEL, THERE],
  ],
  'a hotel that the data does not know as a fixed line, then such a travel SIM': [
    [FLIGHT, UNTOLD_HOTEL, THERE],
    [5 * MINUTE, UNTOLD_TRAVEL_SIM, THERE],
  ],
  'a local SIM, then the hotel': [
    [FLIGHT, LOCAL_SIM, THERE],
    [5 * MINUTE, HOTEL, THERE],
  ],
  'in-flight Wi-Fi with the clock of home, then the hotel': [
    [2 * HOUR, IN_FLIGHT, 'Europe/Oslo'],
    [11 * HOUR, IN_FLIGHT, THERE],
    [20 * MINUTE, HOTEL, THERE],
  ],
  'a relay far away, with the clock of home, and home': [
    [MINUTE, RELAY, 'Europe/Oslo'],
    [30 * SECOND, HOME, 'Europe/Oslo'],
  ],
  'there and back within two days': [
    [FLIGHT, HOTEL, THERE],
    [24 * HOUR, HOTEL, THERE],
    [FLIGHT, HOME, 'Europe/Oslo'],
  ],
}

describe('the clock of a traveller is asked whether it belongs to the place', () => {
  test.each(Object.entries(TIMELINES))('%s', async (_title, steps) => {
    const { host, login, show } = await harness(inMemory, { lookup })
    let token = await login({ request: from(HOME, 'Europe/Oslo'), class: 'remember' })

    for (const [after, prefix, timezone] of steps) {
      host.advance(after)
      const answer = await show(token, from(prefix, timezone))
      expect(['allow', 'observe']).toContain(answer.decision?.outcome)
      token = held(token, answer)
    }
  })

  test('the clock of home in another country still asks for a step-up', async () => {
    const { host, login, show } = await harness(inMemory, { lookup })
    const token = await login({ request: from(HOME, 'Europe/Oslo'), class: 'remember' })
    host.advance(FLIGHT)

    expect(codeOf(await show(token, from(HOTEL, 'Europe/Oslo')))).toBe('step_up_required')
  })
})

describe('a zone that was renamed is no change of the clock', () => {
  test.each([
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['Asia/Kolkata', 'Asia/Calcutta'],
  ])('at home: %s, then %s', async (before, after) => {
    const { host, login, show, events } = await harness(inMemory, { lookup })
    const token = await login({ request: from(INDIA, before), class: 'remember' })
    host.advance(MINUTE)

    const { decision } = await show(token, from(INDIA, after))

    expect(decision).toMatchObject({ outcome: 'allow', score: 0 })
    expect(events.map(({ type }) => type)).not.toContain('context-changed')
  })

  test('abroad: it is still the clock of home, and exonerates nobody', async () => {
    const { host, login, show } = await harness(inMemory, { lookup })
    const token = await login({ request: from(INDIA, 'Asia/Calcutta'), class: 'remember' })
    host.advance(FLIGHT)

    const { decision } = await show(token, from(HOTEL, 'Asia/Kolkata'))

    const reasons = decision?.because.map(({ reason }) => reason)
    expect(reasons).toContain('country_new_clock_unmoved')
    expect(decision?.outcome).toBe('challenge')
  })
})
