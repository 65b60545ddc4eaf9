import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { parseAddress } from '../../src/network/address.ts'
import type { GeoProblem } from '../../src/network/geo-file.ts'
import { type GeoLookup, type GeoLookupOptions, geoLookup } from '../../src/network/mmdb.ts'
import { openMmdb } from '../../src/network/mmdb-file.ts'
import { lookupResultOf } from '../../src/network/mmdb-record.ts'
import { asnRecord, FLAT_OSLO, mmdb, NESTED_OSLO, replaceFile } from './mmdb-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-geo-'))
const opened: GeoLookup[] = []

afterAll(() => {
  for (const geo of opened) geo.close()
  rmSync(folder, { recursive: true })
})

let made = 0

function file(bytes?: Uint8Array): string {
  const path = join(folder, `${++made}.mmdb`)
  if (bytes !== undefined) replaceFile(path, bytes)
  return path
}

function open(options: Partial<GeoLookupOptions>): { geo: GeoLookup; problems: GeoProblem[] } {
  const problems: GeoProblem[] = []
  const geo = geoLookup({
    city: [],
    asn: [],
    onProblem: (problem) => problems.push(problem),
    ...options,
  })
  opened.push(geo)
  return { geo, problems }
}

/** The value of this text gets an extended type that does not exist. */
function withBrokenRecord(bytes: Buffer, value: string): Buffer {
  const broken = Buffer.from(bytes)
  const at = broken.indexOf(value)
  broken[at - 1] = 0x00
  broken[at] = 0xf0
  return broken
}

const OSLO = { country: 'NO', city: 'Oslo', latitude: 59.9139, longitude: 10.7522 }
const AROUND = '203.0.113.0/24'
const INSIDE = '203.0.113.7'

describe('a record is read the same in either layout', () => {
  test('nested as MaxMind and DB-IP write it, flat with text, flat with numbers', () => {
    expect(lookupResultOf(NESTED_OSLO)).toEqual({ ...OSLO, radiusKm: 20 })
    expect(lookupResultOf(FLAT_OSLO)).toEqual(OSLO)
    expect(lookupResultOf({ ...FLAT_OSLO, latitude: 59.9139, longitude: 10.7522 })).toEqual(OSLO)
    expect(lookupResultOf(asnRecord(2119, 'Telenor Norge AS'))).toEqual({
      asn: 2119,
      organisation: 'Telenor Norge AS',
    })
    expect(lookupResultOf({ autonomous_system_number: '2119' })).toEqual({ asn: 2119 })
  })

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a list', [1]],
    ['text', 'NO'],
    ['empty fields', { city: '', country_code: ' ', latitude: '', longitude: '' }],
    ['a country that is none', { country_code: 'Norway' }],
    ['the country that stands for none', { country: { iso_code: 'ZZ' } }],
    ['one coordinate', { latitude: 59 }],
    ['coordinates off the globe', { latitude: 91, longitude: 10 }],
    ['coordinates in the sea', { latitude: 0, longitude: '0' }],
    ['coordinates that are no numbers', { latitude: 'x', longitude: Number.NaN }],
    ['AS 0', { autonomous_system_number: 0 }],
    ['other types', { city: 5, country: 1, location: [], autonomous_system_number: {}, asn: [] }],
    ['names that are no codes', { country: 'Norway', name: 'Telenor', asn: 'ASNONE' }],
  ])('%s is nothing known', (_, record) => {
    expect(lookupResultOf(record)).toBeUndefined()
  })
})

describe('files of the vendors, with the fields that their documentation lists', () => {
  const system = { asn: 2119, organisation: 'Telenor Norge AS' }
  const named = { as_name: 'Telenor Norge AS', as_domain: 'telenor.no' }
  const continent = { continent: 'Europe', continent_code: 'EU' }

  test.each<[string, Parameters<typeof mmdb>[0][string], object]>([
    [
      'IPinfo Lite',
      { ...continent, country: 'Norway', country_code: 'NO', asn: 'AS2119', ...named },
      { country: 'NO', ...system },
    ],
    [
      'IPinfo Country ASN',
      { continent: 'EU', country: 'NO', country_name: 'Norway', asn: 'AS2119', ...named },
      { country: 'NO', ...system },
    ],
    ['IPinfo ASN', { asn: 'AS2119', name: 'Telenor Norge AS', domain: 'telenor.no' }, system],
    [
      'IPinfo Standard',
      {
        ...continent,
        city: 'Oslo',
        region: 'Oslo',
        country: 'Norway',
        country_code: 'NO',
        latitude: 59.9139,
        longitude: 10.7522,
        timezone: 'Europe/Oslo',
        asn: 'AS2119',
        ...named,
        as_type: 'isp',
        is_hosting: false,
      },
      { ...OSLO, ...system },
    ],
    [
      'IPinfo Geolocation with a radius, as text',
      {
        city: 'Oslo',
        region: 'Oslo',
        country: 'NO',
        lat: '59.9139',
        lng: '10.7522',
        radius: '5',
      },
      { ...OSLO, radiusKm: 5 },
    ],
    [
      'GeoIP2 Enterprise',
      {
        ...NESTED_OSLO,
        traits: {
          ...asnRecord(2119, 'Telenor Norge AS'),
          connection_type: 'Cable/DSL',
          isp: 'Telenor Norge AS',
          user_type: 'residential',
        },
      },
      { ...OSLO, radiusKm: 20, ...system },
    ],
    [
      'IP2Location DB11',
      {
        city: { names: { en: 'Oslo' } },
        country: { iso_code: 'NO', names: { en: 'Norway' } },
        location: { latitude: 59.9139, longitude: 10.7522, time_zone: '+01:00' },
        postal: { code: '0150' },
      },
      OSLO,
    ],
    ['IP2Location ASN', asnRecord(2119, 'Telenor Norge AS'), system],
    [
      'IP2Location, laid flat',
      {
        country_code: 'NO',
        country_name: 'Norway',
        city_name: 'Oslo',
        latitude: 59.9139,
        longitude: 10.7522,
      },
      OSLO,
    ],
  ])('%s', (_, record, facts) => {
    const path = file(mmdb({ [AROUND]: record }))
    const { geo, problems } = open({
      city: 'country' in facts ? [path] : [],
      asn: 'asn' in facts ? [path] : [],
    })

    expect(geo.lookup(INSIDE)).toMatchObject(facts)
    expect(problems).toEqual([])
  })

  test('a file without the fields of its role is told of once, with what it has', async () => {
    const record = { place: { land: 'NO', stadt: 'Oslo' }, as: 'AS2119', 'a\nb': 1 }
    const path = file(mmdb({ [AROUND]: record }, { type: 'Strange' }))
    const { geo, problems } = open({ city: [path], asn: [path] })
    await geo.refresh()

    expect(geo.lookup(INSIDE)).toBeUndefined()
    expect(problems).toMatchObject([
      { kind: 'layout', file: path },
      { kind: 'layout', file: path },
    ])
    const [city, asn] = problems.map(({ message }) => message)
    expect(city).toBe(
      `The geo data file ${path} (Strange) tells no places: of country.iso_code, country_code, ` +
        'country, location.latitude, latitude or lat its records have none; ' +
        'it has place.land, place.stadt, as.',
    )
    expect(asn).toContain('tells no autonomous systems: of autonomous_system_number,')
  })
})

test('a file tells places, networks, both or neither, wherever its first record is', () => {
  const [place, asn] = [FLAT_OSLO, asnRecord(2119, 'Telenor Norge AS')]
  const tells = (networks: Parameters<typeof mmdb>[0], options = {}): readonly boolean[] => {
    const opened = openMmdb(mmdb(networks, options))
    return [opened.problem('city') === undefined, opened.problem('asn') === undefined]
  }

  expect(tells({ [AROUND]: place })).toEqual([true, false])
  expect(tells({ [AROUND]: place }, { family: 4 })).toEqual([true, false])
  expect(tells({ '2001:db8::/32': asn })).toEqual([false, true])
  expect(tells({ [AROUND]: asn, '2001:db8::/32': place })).toEqual([true, true])
  expect(tells({ [AROUND]: { name: 'x' } })).toEqual([false, false])
})

describe('a file is read in every shape of the format', () => {
  test.each([24, 28, 32] as const)('with records of %d bits', (recordSize) => {
    const bytes = mmdb(
      { '203.0.113.0/24': NESTED_OSLO, '203.0.113.128/25': FLAT_OSLO, '2001:db8::/32': FLAT_OSLO },
      { recordSize },
    )
    const { geo, problems } = open({ city: [file(bytes)] })
    expect(geo.lookup('203.0.113.7')).toEqual({ ...OSLO, radiusKm: 20 })
    expect(geo.lookup('203.0.113.200')).toEqual(OSLO)
    expect(geo.lookup('::ffff:203.0.113.7')).toEqual({ ...OSLO, radiusKm: 20 })
    expect(geo.lookup('2001:db8:1::1')).toEqual(OSLO)
    expect(geo.lookup('203.0.114.7')).toBeUndefined()
    expect(geo.lookup('2001:db9::1')).toBeUndefined()
    expect(problems).toEqual([])
  })

  test('an IPv4 file has no answer for an IPv6 address whose first bits are the same', () => {
    const { geo } = open({ city: [file(mmdb({ '32.1.13.184': FLAT_OSLO }, { family: 4 }))] })
    expect(geo.lookup('32.1.13.184')).toEqual(OSLO)
    expect(geo.lookup('2001:db8::1')).toBeUndefined()
  })

  test('text that is no address is not looked up, although the format would answer', () => {
    const { geo } = open({ city: [file(mmdb({ '0.0.0.0/1': FLAT_OSLO }, { family: 4 }))] })
    expect(geo.lookup('12.1.1.1')).toEqual(OSLO)
    for (const text of ['012.1.1.1', '1.2.3', ' 12.1.1.1', 'x', '']) {
      expect(geo.lookup(text)).toBeUndefined()
    }
  })

  test('several files complete each other; the first that knows a fact wins', () => {
    const { geo } = open({
      city: [file(mmdb({ [AROUND]: { country_code: 'SE' } })), file(mmdb({ [AROUND]: FLAT_OSLO }))],
      asn: [file(mmdb({ [AROUND]: asnRecord(14593, 'Starlink') }))],
    })
    expect(geo.lookup(INSIDE)).toEqual({
      ...OSLO,
      country: 'SE',
      asn: 14593,
      organisation: 'Starlink',
      kind: 'satellite',
    })
  })

  test('what a network is comes from a list that can be replaced', () => {
    const asn = [file(mmdb({ [AROUND]: asnRecord(14593, 'Starlink') }))]
    const { geo } = open({ asn, kinds: new Map([[14593, 'corporate']]) })
    expect(geo.lookup(INSIDE)?.kind).toBe('corporate')
    expect(open({ asn, kinds: new Map() }).geo.lookup(INSIDE)).not.toHaveProperty('kind')
  })
})

describe('a list of networks', () => {
  const list = (text: string): string => file(Buffer.from(text))

  test('says what a network is before its provider does, or where no data does', () => {
    const asn = [file(mmdb({ [AROUND]: asnRecord(16509, 'Amazon') }))]
    const networks = { corporate: [list('203.0.113.0/29\n')], tor: [list('192.0.2.1\n')] }
    const { geo } = open({ asn, networks })

    expect(geo.lookup(INSIDE)).toMatchObject({ asn: 16509, kind: 'corporate' })
    expect(geo.lookup('203.0.113.8')).toMatchObject({ asn: 16509, kind: 'hosting' })
    expect(geo.lookup('192.0.2.1')).toEqual({ kind: 'tor' })
    expect(geo.lookup('192.0.2.2')).toBeUndefined()
  })

  test('gives way to a narrower one, whichever comes first', () => {
    const wide = list('203.0.0.0/16\n')
    const narrow = list('203.0.113.0/24\n')

    for (const networks of [
      { hosting: [wide], corporate: [narrow] },
      { hosting: [narrow], corporate: [wide] },
    ]) {
      const kind = networks.hosting[0] === narrow ? 'hosting' : 'corporate'
      expect(open({ networks }).geo.lookup(INSIDE)?.kind).toBe(kind)
    }
    const both = { hosting: [narrow], corporate: [list('203.0.113.0/24')] }
    expect(open({ networks: both }).geo.lookup(INSIDE)?.kind).toBe('corporate')
  })

  test('is read again when it changes; a bad line is named and changes nothing', async () => {
    const path = list('203.0.113.0/24\n')
    const { geo, problems } = open({ networks: { vpn: [path] } })
    problems.length = 0

    replaceFile(path, Buffer.from('203.0.113.0/24\n198.51.100.0/33\n'))
    expect([await geo.refresh(), await geo.refresh()]).toEqual([false, false])
    expect(geo.lookup(INSIDE)?.kind).toBe('vpn')
    expect(problems).toMatchObject([{ kind: 'broken', file: path }])
    expect(problems[0]?.message).toContain(`${path} has a line 2 that is no network`)
    expect(geo.lists()).toEqual([{ path, kind: 'vpn', networks: 1 }])

    replaceFile(path, Buffer.from('198.51.100.0/24\n192.0.2.0/24'))
    expect(await geo.refresh()).toBe(true)
    expect(geo.lookup(INSIDE)).toBeUndefined()
    expect(geo.lists()).toEqual([{ path, kind: 'vpn', networks: 2 }])
  })

  test('that is not there is said once, and nothing is known of it', async () => {
    const path = file()
    const { geo, problems } = open({ networks: { tor: [path] } })
    await geo.refresh()

    expect(problems.filter(({ file: named }) => named === path)).toMatchObject([
      { kind: 'missing', message: expect.stringContaining('not known as tor') },
    ])
    expect(geo.lists()).toEqual([{ path, kind: 'tor', networks: null }])
  })
})

describe('a file that changes', () => {
  test('answers anew after a refresh, remembered answers too', async () => {
    const path = file(mmdb({ [AROUND]: { country_code: 'NO' } }, { builtAt: 1_000 }))
    const { geo } = open({ city: [path] })
    expect(geo.lookup(INSIDE)).toEqual({ country: 'NO' })

    replaceFile(path, mmdb({ [AROUND]: { country_code: 'SE' } }, { builtAt: 2_000 }))
    expect(geo.lookup(INSIDE)).toEqual({ country: 'NO' })
    const [first, second] = await Promise.all([geo.refresh(), geo.refresh()])

    expect([first, second]).toEqual([true, true])
    expect(geo.lookup(INSIDE)).toEqual({ country: 'SE' })
    expect(geo.files()).toEqual([{ path, role: 'city', loaded: { type: 'Test', builtAt: 2_000 } }])
    expect(await geo.refresh()).toBe(false)
  })

  test('and is broken is complained about once, while the old one stays in use', async () => {
    const whole = mmdb({ [AROUND]: { country_code: 'NO' } })
    const path = file(whole)
    const { geo, problems } = open({ city: [path] })

    const damaged = withBrokenRecord(whole, 'NO')
    for (const broken of [
      Buffer.alloc(0),
      Buffer.from('<html>'),
      whole.subarray(0, -20),
      damaged,
    ]) {
      problems.length = 0
      replaceFile(path, broken)
      expect(await geo.refresh()).toBe(false)
      expect(await geo.refresh()).toBe(false)
      expect(problems).toMatchObject([{ kind: 'broken', file: path }])
      expect(problems[0]?.message).toContain('the one read before stays in use. Fetch it again')
      expect(geo.lookup(INSIDE)).toEqual({ country: 'NO' })
    }

    replaceFile(path, mmdb({ [AROUND]: { country_code: 'SE' } }))
    expect(await geo.refresh()).toBe(true)
    expect(geo.lookup(INSIDE)).toEqual({ country: 'SE' })
  })

  test('and disappears stays in use; it is said once', async () => {
    const path = file(mmdb({ [AROUND]: { country_code: 'NO' } }))
    const { geo, problems } = open({ city: [path] })
    unlinkSync(path)
    await geo.refresh()
    await geo.refresh()
    expect(problems).toMatchObject([{ kind: 'missing', file: path }])
    expect(geo.lookup(INSIDE)).toEqual({ country: 'NO' })
  })
})

describe('missing data is unknown, said once', () => {
  test('no file is configured', () => {
    const { geo, problems } = open({})
    expect([geo.lookup(INSIDE), geo.lookup('2001:db8::1')]).toEqual([undefined, undefined])
    expect(problems).toMatchObject([{ kind: 'none', file: null }])
  })

  test('a file is not there, until it is', async () => {
    const path = file()
    const { geo, problems } = open({ city: [path] })
    expect(geo.lookup(INSIDE)).toBeUndefined()
    await geo.refresh()
    expect(problems).toMatchObject([{ kind: 'missing', file: path }])
    expect(geo.files()).toEqual([{ path, role: 'city', loaded: null }])

    replaceFile(path, mmdb({ [AROUND]: FLAT_OSLO }))
    expect(await geo.refresh()).toBe(true)
    expect(geo.lookup(INSIDE)).toEqual(OSLO)
    expect(problems).toHaveLength(1)
  })

  test('a file is a folder', () => {
    const { geo, problems } = open({ asn: [folder] })
    expect(geo.lookup(INSIDE)).toBeUndefined()
    expect(problems).toMatchObject([{ kind: 'missing', file: folder }])
  })

  test('its first record is broken: it is not used', () => {
    const bytes = mmdb({ [AROUND]: { country_code: 'NO' } })
    const { geo, problems } = open({ city: [file(withBrokenRecord(bytes, 'NO'))] })
    expect([geo.lookup(INSIDE), geo.lookup('203.0.113.8')]).toEqual([undefined, undefined])
    expect(problems).toMatchObject([{ kind: 'broken' }])
    expect(geo.files()).toMatchObject([{ loaded: null }])
  })

  test('a later record is broken: its addresses are unknown, the others are not', () => {
    const bytes = mmdb({ '192.0.2.0/24': { country_code: 'SE' }, [AROUND]: { country_code: 'NO' } })
    const { geo, problems } = open({ city: [file(withBrokenRecord(bytes, 'NO'))] })
    expect(problems).toEqual([])

    const found = [INSIDE, '203.0.113.8', '192.0.2.1'].map((address) => geo.lookup(address))

    expect(found).toEqual([undefined, undefined, { country: 'SE' }])
    expect(problems).toMatchObject([{ kind: 'broken' }])
    expect(problems[0]?.message).toContain('their addresses are unknown. Fetch it again')
  })
})

describe('hostile files and options', () => {
  test('no damage to a file makes opening or asking do anything but refuse or answer', () => {
    const bytes = mmdb({ [AROUND]: NESTED_OSLO, '8.8.8.0/24': FLAT_OSLO }, { family: 4 })
    const damage = fc.array(
      fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 })),
      { minLength: 1, maxLength: 4 },
    )
    const path = file()
    fc.assert(
      fc.property(damage, (bites) => {
        const damaged = Buffer.from(bytes)
        for (const [at, value] of bites) damaged[at] = value
        writeFileSync(path, damaged)
        const problems: GeoProblem[] = []
        const geo = geoLookup({ city: [path], asn: [], onProblem: (it) => problems.push(it) })
        geo.lookup(INSIDE)
        geo.lookup('8.8.8.8')
        geo.close()
        return problems.length <= 2
      }),
      { numRuns: 500 },
    )
  })

  test('a file that is not MMDB is refused with a code', () => {
    for (const bytes of [new Uint8Array(0), Buffer.from('no'), new Uint8Array(100_000)]) {
      expect(() => openMmdb(bytes)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    }
  })

  test('remembers a bounded number of answers and keeps answering', () => {
    const city = [file(mmdb({ [AROUND]: FLAT_OSLO }))]
    for (const cached of [0, 1, 3]) {
      const { geo } = open({ city, cached })
      for (let i = 0; i < 20; i++) expect(geo.lookup(`203.0.113.${i % 7}`)).toEqual(OSLO)
    }
  })

  test.each([{ checkEvery: 10 }, { checkEvery: Number.NaN }, { cached: -1 }, { cached: 0.5 }])(
    '%o is refused',
    (options) => {
      expect(() => open(options)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    },
  )
})

test('the writer of test files stores any address where it is found again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 30 }),
      (ips) => {
        const named = new Map(
          ips.map((ip) => [ip, { autonomous_system_number: ips.indexOf(ip) + 1 }]),
        )
        const opened = openMmdb(mmdb(Object.fromEntries(named)))
        for (const ip of ips) {
          const address = parseAddress(ip)
          // Two spellings of one address: the later one wins.
          const last = ips.findLastIndex(
            (other) => JSON.stringify(parseAddress(other)) === JSON.stringify(address),
          )
          expect(address && opened.find(address)?.asn).toBe(ips.indexOf(ips[last] ?? '') + 1)
        }
      },
    ),
    { numRuns: 200 },
  )
})
