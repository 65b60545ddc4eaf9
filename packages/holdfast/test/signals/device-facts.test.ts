import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeDevice } from '../../src/core/device.ts'
import type { ClientFacts, RequestFacts } from '../../src/core/request.ts'

const CHROMIUM = {
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'HeadlessChrome/156.0.0.0 Safari/537.36',
  'sec-ch-ua': '"Not:A-Brand";v="8", "Chromium";v="156"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'accept-language': 'en-US,en;q=0.9',
}

function facts(headers: RequestFacts['headers'], client?: ClientFacts): RequestFacts {
  const request = { ip: null, method: 'GET', url: '/', headers }
  return client === undefined ? request : { ...request, client }
}

test('what Chromium sends is told whole', () => {
  const client = { screen: '2560x1440x2', timezone: 'Europe/Oslo' }

  expect(describeDevice(facts(CHROMIUM, client))).toEqual({
    family: 'chrome',
    major: 156,
    os: 'linux',
    mobile: false,
    languages: ['en-US', 'en'],
    hints: { family: 'chrome', major: 156, os: 'linux', brand: 'Chromium' },
    screen: '2560x1440x2',
    timezone: 'Europe/Oslo',
    tls: null,
  })
})

describe('client hints', () => {
  const hints = (brands: string, platform = '"Windows"') =>
    describeDevice(facts({ 'sec-ch-ua': brands, 'sec-ch-ua-platform': platform })).hints

  test('the decoy brand is ignored wherever it stands, and the real one beats Chromium', () => {
    const edge = { family: 'edge', major: 156, os: 'windows', brand: 'Microsoft Edge' }

    expect(hints('"Microsoft Edge";v="156", "Not A(Brand";v="99", "Chromium";v="156"')).toEqual(
      edge,
    )
    expect(hints('"(Not;A=Brand";v="8", "Chromium";v="156", "Microsoft Edge";v="156"')).toEqual(
      edge,
    )
  })

  test.each([
    ['"Brave";v="150", "Chromium";v="150", "Not A;Brand";v="99"', 'Brave'],
    ['"Not/A)Brand";v="8", "Chromium";v="150", "Google Chrome";v="150"', 'Google Chrome'],
    ['"Chromium";v="150", "Not:A-Brand";v="8"', 'Chromium'],
    ['"Chromium";v="150", "Yowser";v="2.5", "YaBrowser";v="25"', 'YaBrowser'],
    ['"YaBrowser";v="25", "Yowser";v="2.5", "Chromium";v="150"', 'YaBrowser'],
    ['"<b>\\"x";v="1", "Chromium";v="150"', 'other'],
    [`"${'x'.repeat(33)}";v="1", "Chromium";v="150"`, 'other'],
  ])('a fork of Chromium counts as Chrome with a brand of its own: %s', (brands, brand) => {
    expect(hints(brands)).toEqual({ family: 'chrome', major: 150, os: 'windows', brand })
  })

  test.each([
    ['only decoys', '"Not A;Brand";v="99"'],
    ['no structured field', '"Chromium;v=156'],
    ['numbers for brands', '1;v="2", 3'],
    ['an inner list', '("Chromium");v="156"'],
    ['too long', `"Chromium";v="156", ${'"x", '.repeat(400)}"y"`],
  ])('%s is null', (_, brands) => {
    expect(hints(brands)).toBeNull()
  })

  test('a junk platform or version leaves the brand, with the junk unknown', () => {
    expect(hints('"Chromium";v=156', 'Windows!')).toEqual({
      family: 'chrome',
      major: null,
      os: 'unknown',
      brand: 'Chromium',
    })
  })

  test('the mobile hint beats the user agent', () => {
    expect(describeDevice(facts({ ...CHROMIUM, 'sec-ch-ua-mobile': '?1' })).mobile).toBe(true)
    expect(describeDevice(facts({ ...CHROMIUM, 'sec-ch-ua-mobile': 'yes' })).mobile).toBe(false)
  })
})

describe('languages', () => {
  test('come in order of preference, without refused and malformed ones', () => {
    const header = 'en;q=0.5, nb-NO, *;q=0.1, fr;q=0, <b>, nn;q=0.8'

    expect(describeDevice(facts({ 'accept-language': header })).languages).toEqual([
      'nb-NO',
      'nn',
      'en',
    ])
  })

  test('that are wanted equally stay in the order of the header', () => {
    const header = 'en;Q=0.5, nn;q=0.8, nb;Q=0.8, da;q=0.8, sv'

    expect(describeDevice(facts({ 'accept-language': header })).languages).toEqual([
      'sv',
      'nn',
      'nb',
      'da',
      'en',
    ])
  })

  test('of the page beat those of the header', () => {
    const client = { languages: ['fr-CH', 'fr', 'x'.repeat(50)] }

    expect(describeDevice(facts(CHROMIUM, client)).languages).toEqual(['fr-CH', 'fr'])
  })

  test('are at most eight', () => {
    const tags = Array.from({ length: 100 }, (_, i) => `aa-${String(i).padStart(3, '0')}`)

    expect(describeDevice(facts({ 'accept-language': tags.join(',') })).languages).toHaveLength(8)
    expect(describeDevice(facts({}, { languages: tags })).languages).toHaveLength(8)
  })
})

describe('screen and time zone are strictly shaped, or null', () => {
  test.each(['1920x1080', '1920x1080x1', '412x915x2.625', '1536x864x1.25'])(
    'screen %s',
    (screen) => {
      expect(describeDevice(facts({}, { screen })).screen).toBe(screen)
    },
  )

  test.each([
    '',
    '1920',
    '0x1080',
    '1920x',
    '1920x1080x',
    '1920X1080',
    '1e3x5',
    ' 1x1',
    '1x1\n',
    '999999x1',
  ])('no screen %j', (screen) => {
    expect(describeDevice(facts({}, { screen })).screen).toBeNull()
  })

  test.each([
    'UTC',
    'Europe/Oslo',
    'America/Argentina/Buenos_Aires',
    'Etc/GMT+5',
    'America/Port-au-Prince',
  ])('zone %s', (timezone) => {
    expect(describeDevice(facts({}, { timezone })).timezone).toBe(timezone)
  })

  test.each([
    '',
    '/Oslo',
    'Europe/',
    'Europe/Oslo/x/y',
    'Europe Oslo',
    '<script>',
    '+05:30',
    `A${'a'.repeat(70)}`,
  ])('no zone %j', (timezone) => {
    expect(describeDevice(facts({}, { timezone })).timezone).toBeNull()
  })
})

describe('a missing user agent', () => {
  test('among other headers is withheld, which no browser does', () => {
    expect(describeDevice(facts({ accept: '*/*' })).family).toBe('automation')
    expect(describeDevice(facts({ 'user-agent': '', accept: '*/*' })).family).toBe('automation')
  })

  test('without any header is unknown: the caller passed nothing on', () => {
    expect(describeDevice(facts({}))).toEqual({
      family: 'unknown',
      major: null,
      os: 'unknown',
      mobile: false,
      languages: [],
      hints: null,
      screen: null,
      timezone: null,
      tls: null,
    })
  })
})

test('repeated headers are one list', () => {
  const headers = { 'sec-ch-ua': ['"Not A;Brand";v="99"', '"Google Chrome";v="150"'] }

  expect(describeDevice(facts(headers)).hints).toMatchObject({ family: 'chrome', major: 150 })
})

test('whatever a client sends gives a device within its bounds', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 })
  const value = fc.oneof(text, fc.array(text, { maxLength: 4 }))
  const arbitrary = fc.record({
    headers: fc.dictionary(fc.constantFrom(...Object.keys(CHROMIUM)), value),
    client: fc.record({
      screen: text,
      timezone: text,
      languages: fc.array(text, { maxLength: 20 }),
    }),
  })

  fc.assert(
    fc.property(arbitrary, ({ headers, client }) => {
      const device = describeDevice(facts(headers, client))
      expect(device.languages.length).toBeLessThanOrEqual(8)
      expect(device.timezone?.length ?? 0).toBeLessThanOrEqual(64)
      expect(device.screen?.length ?? 0).toBeLessThanOrEqual(64)
    }),
    { numRuns: 500 },
  )
})

test('of what no browser sends, only a bounded part of each header and list is looked at', () => {
  const hostile = ['"Chromium";v="1",', '(', 'a;q=0.1,', ';q=', '-a', '"\\'].map((unit) =>
    unit.repeat(Math.ceil(10_000 / unit.length)),
  )
  const described = (text: string, tail: string) => {
    const headers = Object.fromEntries(
      Object.keys(CHROMIUM).map((name) => [name, `${text}${tail}`]),
    )
    const languages = [...Array.from({ length: 100 }, () => text), tail]
    return describeDevice(facts(headers, { screen: text, timezone: text, languages }))
  }

  for (const text of hostile) {
    expect(described(text, ', "Chromium";v="150", en')).toEqual(described(text, ''))
  }
})
