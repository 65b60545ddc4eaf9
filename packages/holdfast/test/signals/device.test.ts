import { describe, expect, test } from 'vitest'
import { totalOf } from '../../src/core/evidence.ts'
import { NO_HISTORY } from '../../src/core/history.ts'
import type { Device, Network } from '../../src/core/request.ts'
import { device } from '../../src/signals/device.ts'
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
  used,
  weights,
} from './scene.ts'

const look = device()
const home = sessionOf(used(oslo, laptop))
const at = (major: number): Partial<Device> => ({
  major,
  hints: { family: 'chrome', major, os: 'windows' },
})

describe('the starter table, row by row', () => {
  test.each<[string, Partial<Device>, Record<string, number>]>([
    ['identical', {}, { device_identical: -2 }],
    ['one version forward', at(157), { browser_updated: -2 }],
    ['three versions forward', at(159), { browser_updated: -2 }],
    ['four versions forward', at(160), { browser_jumped: 3 }],
    ['one version back', at(155), { browser_downgraded: 13 }],
    ['another screen', { screen: '1920x1080x1' }, { screen_new: 6 }],
    ['the screen turned', { screen: '1440x2560x1' }, { device_identical: -2 }],
    ['the page zoomed', { screen: '2560x1440x1.25' }, { device_identical: -2 }],
    ['another first language', { languages: ['en-US', 'nb'] }, { language_changed: 22 }],
    ['another second language', { languages: ['nb-NO', 'sv'] }, { device_identical: -2 }],
    ['another browser', { family: 'firefox', hints: null, major: 145 }, { platform_changed: 20 }],
    [
      'another system',
      { os: 'linux', hints: { family: 'chrome', major: 156, os: 'linux' } },
      { platform_changed: 20 },
    ],
    ['the system left out', { os: 'unknown' }, { platform_changed: 20 }],
    ['the languages left out', { languages: [] }, { language_changed: 22 }],
    ['the screen left out', { screen: null }, { facts_missing: 6 }],
    ['the time zone left out', { timezone: null }, { facts_missing: 6 }],
    [
      'another screen, and no time zone',
      { screen: '1920x1080x1', timezone: null },
      { screen_new: 6 },
    ],
    ['hints gone', { hints: null }, { hints_missing: 28 }],
    [
      'hints without a system',
      { hints: { family: 'chrome', major: 156, os: 'unknown' } },
      { hints_missing: 28 },
    ],
    [
      'hints without a version',
      { hints: { family: 'chrome', major: null, os: 'windows' } },
      { hints_missing: 28 },
    ],
    [
      'hints of another version',
      { hints: { family: 'chrome', major: 150, os: 'windows' } },
      { hints_contradictory: 28 },
    ],
    [
      'hints of another system',
      { hints: { family: 'chrome', major: 156, os: 'linux' } },
      { hints_contradictory: 28 },
    ],
    [
      'a script',
      { family: 'automation', major: null, os: 'unknown', hints: null },
      { not_a_browser: 30 },
    ],
    [
      'the time zone, which belongs to the place',
      { timezone: 'Asia/Tokyo' },
      { device_identical: -2 },
    ],
  ])('%s', (_, change, expected) => {
    expect(weights(look(home, presented(lyse, { ...laptop, ...change }), NO_HISTORY))).toEqual(
      expected,
    )
  })
})

describe('several differences', () => {
  test('count the largest in full, half of the second, nothing further', () => {
    const other = { ...laptop, ...at(155), languages: ['en-US'], screen: '1366x768x1' }

    const evidence = look(home, presented(lyse, other), NO_HISTORY)

    expect(weights(evidence)).toEqual({ language_changed: 22, browser_downgraded: 7 })
  })

  test('never weigh more than a single observation may', () => {
    const other = { ...laptop, hints: null, languages: ['en-US'] }

    expect(totalOf(look(home, presented(lyse, other), NO_HISTORY))).toBe(30)
  })

  test('let nothing exonerate beside an accusation', () => {
    const other = { ...laptop, ...at(157), languages: ['en-US'] }

    expect(weights(look(home, presented(lyse, other), NO_HISTORY))).toEqual({
      language_changed: 22,
    })
  })
})

describe('what speaks for the owner', () => {
  test('needs a confirmed context', () => {
    const provisional = sessionOf(used(oslo, laptop, { state: 'provisional' }))

    expect(look(provisional, presented(oslo, laptop), NO_HISTORY)).toEqual([])
    expect(look(provisional, presented(oslo, { ...laptop, ...at(157) }), NO_HISTORY)).toEqual([])
    expect(look(provisional, presented(lyse, laptop), NO_HISTORY)).toEqual([])
    expect(
      weights(look(provisional, presented(oslo, { ...laptop, ...at(155) }), NO_HISTORY)),
    ).toEqual({
      browser_downgraded: 13,
    })
  })

  test('is the mildest of several devices', () => {
    const borrowed = { ...laptop, languages: ['en-US'] }
    const session = sessionOf(used(oslo, laptop), used(lyse, borrowed))
    const elsewhere = { ...lyse, prefix: 'p' }

    for (const known of [laptop, borrowed]) {
      expect(weights(look(session, presented(elsewhere, known), NO_HISTORY))).toEqual({
        device_identical: -2,
      })
    }
  })

  test('is not an update that another place of the session has seen already', () => {
    const updated = { ...laptop, ...at(157) }
    const session = sessionOf(used(oslo, laptop), used(lyse, updated))
    const elsewhere = { ...lyse, prefix: 'p' }

    expect(weights(look(session, presented(elsewhere, updated), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
    expect(weights(look(session, presented(elsewhere, laptop), NO_HISTORY))).toEqual({
      browser_downgraded: 13,
    })
  })

  test('is an update where only a place that nobody has confirmed has seen it', () => {
    const updated = { ...laptop, ...at(157) }
    const session = sessionOf(used(oslo, laptop), used(lyse, updated, { state: 'provisional' }))
    const elsewhere = { ...lyse, prefix: 'p' }

    expect(weights(look(session, presented(elsewhere, laptop), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
  })

  test('is an update once, not in every place that has not seen it yet', () => {
    const updated = { ...laptop, ...at(157) }
    const before = sessionOf(used(oslo, laptop), used(lyse, laptop))
    const after = sessionOf(used(oslo, updated), used(lyse, laptop))

    expect(weights(look(before, presented(lyse, updated), NO_HISTORY))).toEqual({
      browser_updated: -14,
    })
    expect(weights(look(after, presented(lyse, updated), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
  })

  test('is another language once', () => {
    const english = { ...laptop, languages: ['en-US', 'nb'] }
    const session = sessionOf(used(oslo, english), used(lyse, laptop))

    expect(weights(look(session, presented(lyse, english), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
  })

  test('is not what only an unconfirmed place has seen, in a place that is confirmed', () => {
    const updated = { ...laptop, ...at(157) }
    const session = sessionOf(used(oslo, laptop), used(lyse, laptop, { state: 'provisional' }))

    expect(weights(look(session, presented(oslo, updated), NO_HISTORY))).toEqual({
      browser_updated: -14,
    })
  })

  test('includes a screen that was used elsewhere before', () => {
    const docked = { ...laptop, screen: '3840x2160x1' }
    const session = sessionOf(used(oslo, laptop), used(lyse, docked))

    expect(weights(look(session, presented(oslo, docked), NO_HISTORY))).toEqual({
      screen_known: -2,
    })
  })

  test("comes from the subject's past only while the session knows nothing", () => {
    const phone: Device = {
      ...laptop,
      family: 'safari',
      os: 'ios',
      major: 18,
      hints: null,
      mobile: true,
    }
    const login = { ...home, contexts: [] }

    expect(weights(look(login, presented(lyse, phone), past(used(oslo, phone))))).toEqual({
      device_identical: -2,
    })
    expect(weights(look(home, presented(lyse, phone), past(used(oslo, phone))))).toEqual({
      platform_changed: 20,
    })
  })
})

describe('the desktop site on a telephone', () => {
  const phone: Device = { ...laptop, os: 'android', mobile: true, screen: '412x915x2.625' }
  const asked: Device = { ...phone, os: 'linux', mobile: false, hints: null }
  const there = sessionOf(used(oslo, { ...phone, hints: null }))

  test('is the same device, both ways', () => {
    expect(weights(look(there, presented(oslo, asked), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
    expect(
      weights(
        look(sessionOf(used(oslo, asked)), presented(oslo, { ...phone, hints: null }), NO_HISTORY),
      ),
    ).toEqual({ device_identical: -2 })
  })

  test.each([
    ['another screen', { screen: '1920x1080x1' }],
    ['no word of the screen', { screen: null }],
    ['another browser', { family: 'firefox' }],
    ['another system than it names there', { os: 'windows' }],
  ] as const)('is not %s', (_, changes) => {
    const found = weights(look(there, presented(oslo, { ...asked, ...changes }), NO_HISTORY))

    expect(found).toMatchObject({ platform_changed: 20 })
  })
})

describe('what a client claims for itself', () => {
  const foreign: Network = { ...newYork, kind: 'hosting' }
  const updated = { ...laptop, ...at(157) }

  test.each([
    ['the confirmed address', oslo, -14],
    ['another line of a confirmed provider', { ...oslo, address: null, prefix: 'p' }, -14],
    ['a provider that nobody confirmed', lyse, -2],
    ['a data centre abroad', foreign, -2],
    ['a network that nothing is known of', nowhere, -2],
  ] as const)('a newer version does not buy 14 dB, from %s', (_title, network, weight) => {
    expect(weights(look(home, presented(network, updated), NO_HISTORY))).toEqual({
      browser_updated: weight,
    })
  })

  test('is believed on a network that the past confirmed', () => {
    const found = look(home, presented(lyse, updated), past(used(lyse, laptop)))

    expect(weights(found)).toEqual({ browser_updated: -14 })
  })
})

describe('a request of a kind with which browsers say less', () => {
  const quiet = { ...laptop, hints: null }
  const partly = (device: Device) => ({ ...presented(lyse, device), partial: true })

  test('misses no hints, and exonerates nobody', () => {
    expect(look(home, partly(quiet), NO_HISTORY)).toEqual([])
    expect(look(home, partly({ ...quiet, major: 157 }), NO_HISTORY)).toEqual([])
    expect(look(home, { ...partly(quiet), network: oslo }, NO_HISTORY)).toEqual([])
  })

  test('is accused by all that it says all the same', () => {
    const other = { ...quiet, major: 155, languages: ['en-US'] }

    expect(weights(look(home, partly(other), NO_HISTORY))).toEqual({
      language_changed: 22,
      browser_downgraded: 7,
    })
    expect(weights(look(home, partly({ ...quiet, languages: [] }), NO_HISTORY))).toEqual({
      language_changed: 22,
    })
  })

  test('that opened a context makes no device without hints to compare with', () => {
    const socket = used(lyse, quiet, { state: 'provisional' })
    const elsewhere = { ...lyse, prefix: 'p' }

    const copy = look(
      sessionOf(used(oslo, laptop), socket),
      presented(elsewhere, quiet),
      NO_HISTORY,
    )

    expect(weights(copy)).toEqual({ hints_missing: 28 })
  })
})

describe('brands', () => {
  const branded = (brand: string): Device => ({
    ...laptop,
    hints: { family: 'chrome', major: 156, os: 'windows', brand },
  })
  const brave = sessionOf(used(oslo, branded('Brave')))

  test('Brave and Chrome have one user agent, and are two browsers', () => {
    const [found] = look(brave, presented(lyse, branded('Google Chrome')), NO_HISTORY)

    expect(found).toMatchObject({ reason: 'platform_changed', weight: 20 })
    expect(found?.text).toBe(
      'Another browser or system: chrome 156 on windows (Google Chrome). ' +
        'Before: chrome 156 on windows (Brave).',
    )
  })

  test.each([
    ['the same', 'Brave', 'Brave'],
    ['not known, as in older records', undefined, 'Brave'],
    ['not known of this request', 'Brave', undefined],
  ] as const)('%s: no difference', (_title, before, here) => {
    const of = (brand: string | undefined) => (brand === undefined ? laptop : branded(brand))
    const session = sessionOf(used(oslo, of(before)))

    expect(weights(look(session, presented(lyse, of(here)), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
  })
})

describe('versions', () => {
  const DAY = 24 * 60 * MINUTE
  const safari = (major: number): Device => {
    return { ...laptop, family: 'safari', os: 'macos', major, hints: null }
  }
  const seen = (before: Device, here: Device, days: number) =>
    weights(
      look(
        sessionOf(used(oslo, before)),
        presented(oslo, here, { at: NOON + days * DAY }),
        NO_HISTORY,
      ),
    )

  test.each([
    [18, 26],
    [17, 26],
    [26, 27],
  ])('Safari %d to %d is no jump: there was none between 18 and 26', (before, here) => {
    expect(seen(safari(before), safari(here), 0)).toEqual({ browser_updated: -14 })
  })

  test('Safari 15 to 26 is one, and 26 to 18 is a step back', () => {
    expect(seen(safari(15), safari(26), 0)).toEqual({ browser_jumped: 3 })
    expect(seen(safari(26), safari(18), 0)).toEqual({ browser_downgraded: 13 })
  })

  test('a browser that was not used for 90 days has not jumped', () => {
    const later = { ...laptop, ...at(165) }

    expect(seen(laptop, later, 90)).toEqual({ browser_updated: -14 })
    expect(seen(laptop, later, 60)).toEqual({ browser_jumped: 3 })
    expect(seen(laptop, { ...laptop, ...at(166) }, 90)).toEqual({ browser_jumped: 3 })
  })

  test('a browser that went back speaks against its owner once, not in each new place', () => {
    const back = { ...laptop, ...at(154) }
    const before = sessionOf(used(oslo, laptop))
    const after = sessionOf(used(oslo, laptop), used(lyse, back, { at: NOON + MINUTE }))
    const elsewhere = { ...lyse, prefix: 'p' }

    expect(weights(look(before, presented(lyse, back), NO_HISTORY))).toEqual({
      browser_downgraded: 13,
    })
    expect(weights(look(after, presented(elsewhere, back), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
    expect(weights(look(after, presented(newYork, back), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
  })

  test('a step back that nobody confirmed is none of the owner', () => {
    const back = { ...laptop, ...at(154) }
    const tried = used(lyse, back, { state: 'provisional', at: NOON + MINUTE })
    const session = sessionOf(used(oslo, laptop), tried)

    expect(weights(look(session, presented({ ...lyse, prefix: 'p' }, back), NO_HISTORY))).toEqual({
      browser_downgraded: 13,
    })
  })
})

describe('missing data is no evidence', () => {
  const silent: Device = {
    family: 'unknown',
    major: null,
    os: 'unknown',
    mobile: false,
    languages: [],
    hints: null,
    screen: null,
    timezone: null,
    tls: null,
  }

  test('about what a session never heard of', () => {
    const quiet = sessionOf(used(oslo, silent))

    expect(look(quiet, presented(lyse, silent), NO_HISTORY)).toEqual([])
    expect(look(quiet, presented(lyse, laptop), NO_HISTORY)).toEqual([])
  })

  test('but a browser does not fall silent in the middle of a session', () => {
    expect(weights(look(home, presented(lyse, silent), NO_HISTORY))).toEqual({ not_a_browser: 30 })
    expect(
      weights(look(home, presented(lyse, { ...silent, languages: ['nb-NO'] }), NO_HISTORY)),
    ).toEqual({ not_a_browser: 30 })
  })

  test('hints that a browser never sent are not missed', () => {
    const plain = { ...laptop, hints: null }

    expect(weights(look(sessionOf(used(oslo, plain)), presented(lyse, plain), NO_HISTORY))).toEqual(
      {
        device_identical: -2,
      },
    )
  })

  test('a browser that always contradicted itself is what it is', () => {
    const odd: Device = { ...laptop, hints: { family: 'edge', major: 120, os: 'linux' } }

    expect(weights(look(sessionOf(used(oslo, odd)), presented(lyse, odd), NO_HISTORY))).toEqual({
      device_identical: -2,
    })
  })
})

test('the text tells both browsers', () => {
  const [evidence] = look(home, presented(oslo, { ...laptop, ...at(155) }), NO_HISTORY)

  expect(evidence?.text).toBe(
    'The browser went back a version: chrome 155 on windows. Before: chrome 156 on windows.',
  )
})

describe('the TLS handshake', () => {
  const ciphers = { own: '8daaf6152771', other: '000000000000' }
  const ja4 = (hash: string, { start = 't13d1516h2', rest = '02713d6af862' } = {}): string =>
    `${start}_${hash}_${rest}`
  const before: Device = { ...laptop, tls: ja4(ciphers.own) }
  const look = device()
  const with_ = (tls: string | null, changes: Partial<Device> = {}) =>
    weights(
      look(
        sessionOf(used(oslo, before)),
        presented(oslo, { ...before, ...changes, tls }),
        NO_HISTORY,
      ),
    )

  test('of the same browser with other ciphers is another program', () => {
    expect(with_(ja4(ciphers.other))).toEqual({ tls_changed: 15 })
  })

  test.each([
    [
      'the same ciphers, as a resumed connection offers them',
      ja4(ciphers.own, { start: 't13d1517h2', rest: '000000000000' }),
      {},
    ],
    ['QUIC after TCP', ja4(ciphers.other, { start: 'q13d0312h3' }), {}],
    ['none, as from a gateway that does not say', null, {}],
  ] as const)('%s: no evidence', (_title, tls, changes) => {
    expect(with_(tls, changes)).toEqual({ device_identical: -2 })
  })

  test('may change with the version', () => {
    const updated = { major: 157, hints: { family: 'chrome', major: 157, os: 'windows' } } as const

    expect(with_(ja4(ciphers.other), updated)).toEqual({ browser_updated: -14 })
  })
})
