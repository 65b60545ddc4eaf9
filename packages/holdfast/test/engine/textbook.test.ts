import { describe, expect, test } from 'vitest'
import type { Lookup, LookupResult } from '../../src/core/lookup.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { balanced, lenient, strict } from '../../src/policies/index.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'

const NEW_YORK = { country: 'US', city: 'New York', latitude: 40.71, longitude: -74.01 } as const
const NEWARK = { country: 'US', city: 'Newark', latitude: 40.74, longitude: -74.17 } as const
/** 1,300 km from New York, where the database puts some of the provider's addresses. */
const ST_LOUIS = { country: 'US', city: 'St. Louis', latitude: 38.63, longitude: -90.2 } as const
const TOKYO = { country: 'JP', city: 'Tokyo', latitude: 35.68, longitude: 139.69 } as const

/**
 * What the data says of each prefix; documentation addresses, providers' numbers for private use.
 */
const PLACES: readonly (readonly [prefix: string, place: LookupResult])[] = [
  ['192.0.2.', { asn: 64_500, kind: 'fixed', ...NEW_YORK, radiusKm: 20 }],
  ['2001:db8:1:', { asn: 64_500, kind: 'fixed', ...ST_LOUIS, radiusKm: 20 }],
  ['198.51.100.', { asn: 64_501, kind: 'fixed', ...NEWARK, radiusKm: 20 }],
  ['203.0.113.', { asn: 64_502, kind: 'mobile', ...NEW_YORK }],
  ['192.88.99.', { asn: 64_520, kind: 'fixed', ...TOKYO, radiusKm: 20 }],
]
const lookup: Lookup = (address) => PLACES.find(([prefix]) => address.startsWith(prefix))?.[1]

/** The same data without a word about providers, and about what their networks are used for. */
const withoutProviders: Lookup = (address) => {
  const { asn: _provider, kind: _kind, ...place } = lookup(address) ?? {}
  return place
}

function chrome(
  ip: string,
  { major = 156, timezone = 'America/New_York' as string | null } = {},
): RequestFacts {
  return {
    ip,
    method: 'GET',
    url: '/',
    headers: {
      'user-agent':
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, ' +
        `like Gecko) Chrome/${major}.0.0.0 Safari/537.36`,
      'accept-language': 'en-US,en;q=0.9',
      'sec-ch-ua': `"Chromium";v="${major}", "Google Chrome";v="${major}", "Not.A/Brand";v="99"`,
      'sec-ch-ua-platform': '"macOS"',
      'sec-ch-ua-mobile': '?0',
    },
    client: { screen: '1512x982x2', ...(timezone === null ? {} : { timezone }) },
  }
}

const HOME = chrome('192.0.2.10')
const IN_TOKYO = chrome('192.88.99.7')

const POLICIES = { lenient, balanced, strict }
const CLOCKS = {
  'the clock of home': 'America/New_York',
  'the clock of Tokyo': 'Asia/Tokyo',
  'no clock': null,
}
const DATA = { 'with providers': lookup, 'without providers': withoutProviders }

/** Every policy, clock and kind of data. */
const ROWS = Object.entries(POLICIES).flatMap(([name, policy]) =>
  Object.entries(CLOCKS).flatMap(([clock, timezone]) =>
    Object.entries(DATA).map(
      ([data, look]) => [name, clock, data, policy, timezone, look] as const,
    ),
  ),
)

describe('New York, and moments later Tokyo on the same session', () => {
  test.each(ROWS)('%s, %s, %s: no request is served', async (...row) => {
    const [, , , policy, timezone, look] = row
    for (const later of [SECOND, 30 * MINUTE, 5 * HOUR]) {
      const { host, login, show } = await harness(inMemory, { lookup: look, policy: policy() })
      const token = await login({ request: HOME, class: 'remember' })
      host.advance(later)

      const there = await show(token, chrome('192.88.99.7', { timezone }))

      expect(codeOf(there)).toBe('step_up_required')
      expect(there).not.toHaveProperty('accessToken')
      expect(there.decision?.because.map(({ reason }) => reason)).toContain('travel_impossible')
      expect(codeOf(await show(token, HOME))).toBe('ok')
    }
  })

  test.each(ROWS)('%s, %s, %s: it stays refused, and a step-up confirms it', async (...row) => {
    const [, , , policy, timezone, look] = row
    const { host, login, show, stepUp } = await harness(inMemory, {
      lookup: look,
      policy: policy(),
    })
    const token = await login({ request: HOME, class: 'remember' })
    const there = chrome('192.88.99.7', { timezone })
    host.advance(30 * MINUTE)
    await show(token, there)

    host.advance(14 * HOUR)
    const larger = { ...there, client: { ...there.client, screen: '2560x1440x1' } }
    expect(codeOf(await show(token, larger))).toBe('step_up_required')
    expect(codeOf(await show(token, there))).toBe('step_up_required')
    const passed = held(token, await stepUp(token, there))

    expect(codeOf(await show(passed, there))).toBe('ok')
  })

  test.each(Object.entries(POLICIES))(
    '%s: fourteen hours later by aeroplane, with the clock along',
    async (_, policy) => {
      for (const look of Object.values(DATA)) {
        const { host, login, show } = await harness(inMemory, { lookup: look, policy: policy() })
        const token = await login({ request: HOME, class: 'remember' })
        host.advance(14 * HOUR)

        const landed = await show(token, chrome('192.88.99.7', { timezone: 'Asia/Tokyo' }))
        host.advance(MINUTE)
        const again = await show(
          held(token, landed),
          chrome('192.88.99.7', { timezone: 'Asia/Tokyo' }),
        )

        expect(['allow', 'observe']).toContain(landed.decision?.outcome)
        expect(['allow', 'observe']).toContain(again.decision?.outcome)
      }
    },
  )

  test.each(Object.entries(POLICIES))(
    '%s: the owner in New York makes it impossible once more',
    async (_, policy) => {
      const { host, login, show } = await harness(inMemory, { lookup, policy: policy() })
      let token = await login({ request: HOME, class: 'remember' })
      const thief = chrome('192.88.99.7', { timezone: 'Asia/Tokyo' })
      host.advance(14 * HOUR)
      token = held(token, await show(token, thief))
      host.advance(HOUR)

      token = held(token, await show(token, HOME))
      host.advance(10 * MINUTE)

      expect(codeOf(await show(token, thief))).toBe('step_up_required')
      expect(codeOf(await show(token, HOME))).toBe('ok')
    },
  )

  test('is evidence with a distance and a speed that it was at least', async () => {
    const { host, login, show } = await harness(inMemory, { lookup, policy: balanced() })
    const token = await login({ request: HOME })
    host.advance(30 * MINUTE)

    const answer = await show(token, IN_TOKYO)

    expect(codeOf(answer)).toBe('step_up_required')
    expect(answer.decision).toMatchObject({ outcome: 'challenge', score: 28 })
    const journey = answer.decision?.because.find(({ reason }) => reason === 'travel_infeasible')
    // 10,850 km between the centres; the radii and their doubt are taken off
    expect(journey).toMatchObject({
      detail: { atLeastKm: 10_765, minutes: 30, atLeastKmh: 21_530 },
      text: 'At least 10765 km from where it was used 30 minutes before: at least 21530 km/h.',
    })
    expect(codeOf(await show(token, HOME))).toBe('ok')
  })

  test('under strict nothing goes on there, and New York is not disturbed', async () => {
    const { host, login, show, stepUp } = await harness(inMemory, { lookup, policy: strict() })
    let token = await login({ request: HOME })
    host.advance(30 * MINUTE)

    for (let i = 0; i < 5; i++) {
      host.advance(MINUTE)
      expect(codeOf(await show(token, IN_TOKYO))).toBe('step_up_required')
      token = held(token, await show(token, HOME))
    }
    token = held(token, await stepUp(token, IN_TOKYO))

    expect(await show(token, IN_TOKYO)).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
  })

  test('a speed is no more than it can have been, however short the time', async () => {
    const { host, login, show } = await harness(inMemory, { lookup })
    const token = await login({ request: HOME })
    host.advance(SECOND)

    const { decision } = await show(token, IN_TOKYO)

    const journey = decision?.because.find(({ reason }) => reason === 'travel_infeasible')
    expect(journey?.detail).toMatchObject({ minutes: 0, atLeastKmh: 10_765 * 60 })
  })
})

describe('everyday life is allowed, and not even told of', () => {
  test.each([
    ['New York to Newark by train, half an hour later', 30 * MINUTE, chrome('198.51.100.20'), 6],
    ['the same in one minute: the data is not that exact', MINUTE, chrome('198.51.100.20'), 6],
    ['from Wi-Fi to mobile', 10 * SECOND, chrome('203.0.113.40'), 6],
    ['Chrome updated overnight', 9 * HOUR, chrome('192.0.2.10', { major: 157 }), -29],
    [
      'Chrome updated, and another address of the line',
      9 * HOUR,
      chrome('192.0.2.11', { major: 157 }),
      -21,
    ],
    ['IPv6 of the same provider, 1,300 km away', SECOND, chrome('2001:db8:1:2::3'), 1],
  ] as const)('%s', async (_title, later, request, score) => {
    const { host, login, show, events } = await harness(inMemory, { lookup })
    const token = await login({ request: HOME, class: 'remember' })
    host.advance(later)

    const there = await show(token, request)
    host.advance(MINUTE)
    const again = await show(held(token, there), request)

    expect(there.decision).toMatchObject({ outcome: 'allow', score })
    expect(again.decision?.outcome).toBe('allow')
    expect(events.map(({ type }) => type)).not.toContain('anomaly-detected')
  })

  test('flipping between IPv4 and IPv6 inside one provider for an hour', async () => {
    const { host, login, show } = await harness(inMemory, { lookup })
    let token = await login({ request: HOME })
    for (let i = 0; i < 360; i++) {
      host.advance(10 * SECOND)
      const answer = await show(token, i % 2 === 0 ? chrome('2001:db8:1:2::3') : HOME)
      expect(answer.decision?.outcome).toBe('allow')
      token = held(token, answer)
    }
  })

  test('a day out: home, mobile on the way, Newark, mobile, home', async () => {
    const { host, login, show } = await harness(inMemory, { lookup })
    let token = await login({ request: HOME })
    for (const ip of ['203.0.113.40', '198.51.100.20', '203.0.113.40', '192.0.2.10']) {
      host.advance(40 * MINUTE)
      const answer = await show(token, chrome(ip))
      expect(answer.decision?.outcome).toBe('allow')
      token = held(token, answer)
    }
  })
})
