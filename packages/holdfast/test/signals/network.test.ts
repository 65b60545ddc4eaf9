import { describe, expect, test } from 'vitest'
import { NO_HISTORY } from '../../src/core/history.ts'
import type { Network } from '../../src/core/request.ts'
import { network } from '../../src/signals/network.ts'
import {
  laptop,
  lyse,
  MINUTE,
  NOON,
  newYork,
  nowhere,
  oslo,
  past,
  presented,
  sessionOf,
  tokyo,
  used,
  weigh,
  weights,
} from './scene.ts'

const NEVER = NOON + 14 * 24 * 60 * MINUTE
const london: Partial<Network> = { country: 'GB', latitude: 51.5074, longitude: -0.1278 }
const bergen: Partial<Network> = { latitude: 60.3913, longitude: 5.3221 }

/** Another browser of the same laptop: a new context, whatever the network. */
const firefox = { ...laptop, family: 'firefox', hints: null } as const

const look = network()

describe('the starter table, row by row, long after the last use', () => {
  const home = sessionOf(used(oslo, laptop))
  const otherLine = { ...oslo, address: '84.208.77.1', prefix: '84.208.77.0/24' }
  const otherBlock = { ...otherLine, block: '84.210.0.0/16' }
  const hosting = { ...lyse, kind: 'hosting' } as const
  const london4g = { ...lyse, ...london, kind: 'mobile' } as const

  test.each<[string, Network, string | null, Record<string, number>]>([
    ['same address', oslo, 'Europe/Oslo', { network_same_address: -15 }],
    [
      'same prefix',
      { ...oslo, address: '84.208.10.99' },
      'Europe/Oslo',
      { network_same_prefix: -7 },
    ],
    ['same block and provider', otherLine, 'Europe/Oslo', { network_same_block: -7 }],
    ['same provider, near', otherBlock, 'Europe/Oslo', {}],
    [
      'same provider, far',
      { ...otherBlock, ...bergen },
      'Europe/Oslo',
      { network_same_asn_far: 3 },
    ],
    ['new relay', { ...lyse, kind: 'relay' }, 'Europe/Oslo', { relay_new: 5 }],
    ['new hosting at home', hosting, 'Europe/Oslo', { hosting_new: 24 }],
    ['new VPN at home', { ...lyse, kind: 'vpn' }, 'Europe/Oslo', { hosting_new: 24 }],
    ['hosting abroad', { ...hosting, ...london }, 'Europe/Oslo', { hosting_foreign: 30 }],
    ['Tor abroad', { ...hosting, ...london, kind: 'tor' }, 'Europe/Oslo', { hosting_foreign: 30 }],
    ['satellite', { ...lyse, kind: 'satellite' }, 'Europe/Oslo', { satellite_network: 3 }],
    ['new and near', lyse, 'Europe/Oslo', { network_new_near: 8 }],
    ['new and far', { ...lyse, ...bergen }, 'Europe/Oslo', { network_new_far: 8 }],
    ['roaming', london4g, 'Europe/Oslo', { country_new_mobile: 7 }],
    [
      'abroad, clock moved',
      { ...lyse, ...london },
      'Europe/London',
      { country_new_clock_moved: 8 },
    ],
    [
      'abroad, clock kept',
      { ...lyse, ...london },
      'Europe/Oslo',
      { country_new_clock_unmoved: 26 },
    ],
    [
      'abroad, clock elsewhere',
      { ...lyse, ...london },
      'Asia/Tokyo',
      { country_new_clock_elsewhere: 20 },
    ],
    ['abroad, clock at UTC', { ...lyse, ...london }, 'UTC', { country_new_clock_unknown: 20 }],
    ['abroad, clock unknown', { ...lyse, ...london }, null, { country_new_clock_unknown: 20 }],
    [
      'clock moved, network did not',
      lyse,
      'Asia/Tokyo',
      { network_new_near: 8, timezone_changed: 16 },
    ],
  ])('%s', (_, here, timezone, expected) => {
    const presentation = presented(here, { ...firefox, timezone }, { at: NEVER })

    expect(weights(look(home, presentation, NO_HISTORY))).toEqual(expected)
  })

  test('a provider of the user from another session', () => {
    const history = past(used(lyse, laptop))

    const evidence = look(
      home,
      presented({ ...lyse, prefix: 'p', address: 'a', block: 'b' }),
      history,
    )

    expect(weights(evidence)).toEqual({ network_asn_known: 7 })
  })

  test('somebody who is known to use relays, or a VPN', () => {
    const relay = used({ ...lyse, kind: 'relay' }, laptop)
    const vpn = used({ ...lyse, kind: 'vpn' }, laptop)
    const other = { ...tokyo, kind: 'relay' } as const

    expect(
      weights(look(sessionOf(used(oslo, laptop), relay), presented(other), NO_HISTORY)),
    ).toEqual({
      relay_known: -4,
    })
    expect(
      weights(
        look(
          sessionOf(used(oslo, laptop), vpn),
          presented({ ...other, kind: 'hosting' }),
          NO_HISTORY,
        ),
      ),
    ).toEqual({ hosting_known: 11 })
  })
})

describe('the same block is the same neighbourhood', () => {
  const known = sessionOf(used(oslo, laptop))
  const neighbour = { ...oslo, address: '84.208.77.1', prefix: '84.208.77.0/24' }
  const reasonsOf = (here: Network, session = known) =>
    Object.keys(weights(look(session, presented(here, firefox, { at: NEVER }), NO_HISTORY)))

  test.each<[string, Partial<Network>]>([
    ['of the same provider and country', {}],
    ['of a country that is not known', { country: null }],
    ['of a provider that is not known', { asn: null }],
    ['of neither that is known', { asn: null, country: null }],
  ])('%s', (_, changed) => {
    const here = { ...neighbour, ...changed }

    expect(reasonsOf(here)).toEqual(['network_same_block'])
    const other = sessionOf(used(here, laptop))
    expect(reasonsOf(oslo, other)).toEqual(['network_same_block'])
  })

  test.each<[string, Partial<Network>]>([
    ['in another country', { country: 'SE' }],
    ['in another country, of a provider that is not known', { country: 'SE', asn: null }],
    ['of another provider', { asn: 29695 }],
    ['of another provider, in a country that is not known', { country: null, asn: 29695 }],
    ['of another block', { block: '84.209.0.0/16' }],
    ['of a block that is not known', { block: null }],
    ['behind a relay', { kind: 'relay' }],
  ])('but not %s', (_, changed) => {
    const here = { ...neighbour, ...changed }

    expect(reasonsOf(here)).not.toContain('network_same_block')
    const other = sessionOf(used(here, laptop))
    expect(reasonsOf(oslo, other)).not.toContain('network_same_block')
  })
})

describe('travel comes on top of the joint table', () => {
  const home = sessionOf(used(newYork, { ...laptop, timezone: 'America/New_York' }))

  test('for a journey that nobody makes', () => {
    const evidence = look(home, presented(tokyo, { ...laptop, timezone: null }), NO_HISTORY)

    expect(weights(evidence)).toEqual({ country_new_clock_unknown: 20, travel_infeasible: 6 })
    expect(evidence[1]?.text).toMatch(
      /^At least 10\d{3} km from where it was used 30 minutes before: at least 21\d{3} km\/h\.$/,
    )
  })

  test('but never above the bound of a single observation', () => {
    const evidence = look(
      home,
      presented(tokyo, { ...laptop, timezone: 'America/New_York' }),
      NO_HISTORY,
    )

    expect(weights(evidence)).toEqual({ country_new_clock_unmoved: 26, travel_infeasible: 4 })
  })

  test('not after a night on an aircraft', () => {
    const presentation = presented(
      tokyo,
      { ...laptop, timezone: 'Asia/Tokyo' },
      { at: NOON + 15 * 60 * MINUTE },
    )

    expect(weights(look(home, presentation, NO_HISTORY))).toEqual({ country_new_clock_moved: 8 })
  })

  test('not to a provider that the session has used: going back and forth is no journey', () => {
    const away = sessionOf(used(tokyo, laptop), used(newYork, laptop))
    const other = { ...tokyo, address: 'a', prefix: 'p', block: 'b' }

    expect(weights(look(away, presented(other), NO_HISTORY))).not.toHaveProperty(
      'travel_infeasible',
    )
  })
})

describe('what the rest of its cell explains weighs little', () => {
  const home = sessionOf(used(newYork, { ...laptop, timezone: 'America/New_York' }))
  const away = { ...laptop, timezone: 'America/Los_Angeles' }
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

  test('the clock of a large country, and a journey within it', () => {
    expect(weights(look(home, presented(losAngeles, away), NO_HISTORY))).toEqual({
      network_new_far: 8,
      timezone_changed: 3,
      travel_infeasible: 3,
    })
  })

  test('but not a clock of another continent', () => {
    const elsewhere = { ...laptop, timezone: 'Asia/Tokyo' }

    expect(
      weights(look(home, presented(losAngeles, elsewhere, { at: NEVER }), NO_HISTORY)),
    ).toEqual({ network_new_far: 8, timezone_changed: 16 })
  })

  test.each(['mobile', 'vpn', 'corporate', 'unknown'] as const)(
    'the clock of a traveller, whose traffic leaves through a %s network at home',
    (kind) => {
      const before = sessionOf(used({ ...oslo, kind }, laptop))
      const abroad = presented({ ...oslo, kind }, { ...laptop, timezone: 'Asia/Tokyo' })

      expect(weights(look(before, abroad, NO_HISTORY))).toMatchObject({ timezone_changed: 3 })
    },
  )
})

describe('novelty counts once', () => {
  test('a provisional context earns nothing and costs nothing', () => {
    const session = sessionOf(used(oslo, laptop), used(tokyo, laptop, { state: 'provisional' }))

    expect(weigh(session, presented(tokyo, laptop, { at: NEVER }))).toEqual([])
  })

  test('a confirmed one speaks for the owner', () => {
    const session = sessionOf(used(oslo, laptop), used(tokyo, laptop))

    expect(weights(weigh(session, presented(tokyo)))).toEqual({
      network_same_address: -15,
      device_identical: -2,
    })
  })

  test('a challenged one is judged afresh against the others, each time', () => {
    const session = sessionOf(used(oslo, laptop), used(tokyo, laptop, { state: 'challenged' }))

    expect(weights(weigh(session, presented(tokyo)))).toMatchObject({
      country_new_clock_unmoved: 26,
    })
    expect(
      weights(weigh(session, presented(tokyo, { ...laptop, timezone: 'Asia/Tokyo' }))),
    ).toMatchObject({
      country_new_clock_moved: 8,
    })
  })

  test('a challenged context does not make another one of its network look known', () => {
    const session = sessionOf(used(oslo, laptop), used(tokyo, laptop, { state: 'challenged' }))

    expect(weights(look(session, presented(tokyo, firefox), NO_HISTORY))).toMatchObject({
      country_new_clock_unmoved: 26,
    })
  })

  test('a login under challenge vouches for nothing, only the confirmed past does', () => {
    const session = sessionOf(used(tokyo, laptop, { state: 'challenged' }))

    expect(weights(look(session, presented(tokyo), past(used(oslo, laptop))))).toMatchObject({
      country_new_clock_unmoved: 26,
    })
    expect(look(session, presented(tokyo), NO_HISTORY)).toEqual([])
  })

  test('the same address under another browser exonerates only if somebody confirmed it', () => {
    const provisional = sessionOf(used(oslo, laptop, { state: 'provisional' }))

    expect(look(provisional, presented(oslo, firefox), NO_HISTORY)).toEqual([])
    expect(weights(look(provisional, presented(oslo, firefox), past(used(oslo, firefox))))).toEqual(
      {
        network_same_address: -15,
      },
    )
  })

  test('a clock that moves on a known network counts, against the zones the session knows', () => {
    const session = sessionOf(used(oslo, laptop, { state: 'provisional' }))

    expect(
      weights(look(session, presented(oslo, { ...laptop, timezone: 'Asia/Tokyo' }), NO_HISTORY)),
    ).toEqual({
      timezone_changed: 16,
    })
  })
})

describe('missing data is no evidence', () => {
  const home = sessionOf(used(oslo, laptop))

  test('nothing known of the network', () => {
    expect(
      look(home, presented(nowhere, { ...laptop, timezone: 'Asia/Tokyo' }), NO_HISTORY),
    ).toEqual([])
  })

  test('a private network, even the same one: behind a bad proxy everybody looks alike', () => {
    const behindProxy = {
      ...nowhere,
      address: '10.0.0.1',
      prefix: '10.0.0.0/24',
      block: '10.0.0.0/16',
      kind: 'private',
    } as const
    const session = sessionOf(used(behindProxy, laptop))

    expect(look(session, presented(behindProxy), NO_HISTORY)).toEqual([])
    expect(look(session, presented(tokyo), NO_HISTORY)).toEqual([])
    expect(look(home, presented(behindProxy), NO_HISTORY)).toEqual([])
  })

  test('a provider that the data does not know may be the usual one', () => {
    expect(look(home, presented({ ...tokyo, asn: null }), NO_HISTORY)).toEqual([])
  })

  test('data without any providers still knows countries', () => {
    const session = sessionOf(used({ ...oslo, asn: null }, laptop))

    expect(weights(look(session, presented({ ...tokyo, asn: null }), NO_HISTORY))).toEqual({
      country_new_clock_unmoved: 26,
      travel_infeasible: 4,
    })
  })

  test('a first login has nothing to be compared with', () => {
    const session = { ...home, contexts: [] }

    expect(weigh(session, presented(tokyo))).toEqual([])
  })

  test('a login is compared with what the user confirmed in earlier sessions', () => {
    const session = { ...home, contexts: [] }

    expect(weights(weigh(session, presented(tokyo), past(used(oslo, laptop))))).toMatchObject({
      country_new_clock_unmoved: 26,
    })
  })
})

test('the text tells provider, kind and country of both sides, and no address or city', () => {
  const here = { ...tokyo, asn: 9009, kind: 'hosting', country: 'NL' } as const

  const [evidence] = look(sessionOf(used(oslo, laptop)), presented(here), NO_HISTORY)

  expect(evidence?.text).toBe(
    'A data centre or VPN in a new country: AS9009 (hosting), NL. Usual: AS2119, NO.',
  )
  expect(evidence?.detail).toEqual({
    here: 'AS9009 (hosting), NL',
    usual: 'AS2119, NO',
    asn: 9009,
    kind: 'hosting',
    country: 'NL',
    timezone: 'Europe/Oslo',
  })
  expect(JSON.stringify(evidence)).not.toMatch(/126\.|84\.208|Tokyo/)
})
