import { createRequire } from 'node:module'
import { rawTimeZones } from '@vvo/tzdb'
import { describe, expect, test } from 'vitest'
import { TIME_ZONE_TABLE, TZ_VERSION } from '../../src/core/time-zone-table.ts'
import { currentZoneName, isZoneOf, sameZone } from '../../src/core/time-zones.ts'

/** The tz data of an npm package: rules of a zone, or the name that it is linked to. */
interface Published {
  readonly version: string
  readonly zones: Readonly<Record<string, string | readonly unknown[]>>
}

const published = createRequire(import.meta.url)('tzdata') as Published
const names = new Set(TIME_ZONE_TABLE.split(/\s+/).filter((word) => !word.startsWith(':')))

describe('a zone under its old and its new name is one', () => {
  test.each([
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['Europe/Kiev', 'Europe/Kyiv'],
    ['Asia/Saigon', 'Asia/Ho_Chi_Minh'],
    ['US/Eastern', 'America/New_York'],
    ['America/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['America/Godthab', 'America/Nuuk'],
    ['Asia/Katmandu', 'Asia/Kathmandu'],
    ['Asia/Rangoon', 'Asia/Yangon'],
    ['Africa/Asmera', 'Africa/Asmara'],
    ['Pacific/Truk', 'Pacific/Chuuk'],
    ['Iceland', 'Atlantic/Reykjavik'],
    ['GB', 'Europe/London'],
  ])('%s is %s', (old, current) => {
    expect(currentZoneName(old)).toBe(current)
    expect(sameZone(old, current)).toBe(true)
  })

  test('and two zones are two, also where both keep the same time', () => {
    expect(sameZone('Europe/Oslo', 'Europe/Berlin')).toBe(false)
    expect(sameZone('Europe/Bratislava', 'Europe/Prague')).toBe(false)
    expect(sameZone(null, 'Europe/Oslo')).toBe(false)
    expect(sameZone('Mars/Olympus', 'Mars/Tharsis')).toBe(false)
    expect(sameZone(null, null)).toBe(true)
  })
})

describe('a zone belongs to the countries whose clocks keep it', () => {
  test.each([
    ['Asia/Tokyo', 'JP', true],
    ['Asia/Tokyo', 'US', false],
    ['Asia/Calcutta', 'IN', true],
    ['America/Los_Angeles', 'US', true],
    ['Europe/Oslo', 'NO', true],
    ['Europe/Amsterdam', 'NL', true],
    ['Europe/Zurich', 'LI', true],
    ['Europe/Vaduz', 'LI', true],
    ['America/Phoenix', 'CA', true],
    ['Atlantic/Canary', 'ES', true],
  ] as const)('%s in %s: %s', (zone, country, expected) => {
    expect(isZoneOf(zone, country)).toBe(expected)
  })

  test.each(['UTC', 'Etc/UTC', 'Etc/GMT+5', 'GMT', 'EST', 'Mars/Olympus', 'constructor'])(
    '%s is the time of no country, and says nothing',
    (zone) => {
      expect(isZoneOf(zone, 'US')).toBeUndefined()
    },
  )

  test('a country or a zone that is not known says nothing', () => {
    expect(isZoneOf('Europe/Belgrade', 'XK')).toBeUndefined()
    expect(isZoneOf('Europe/Oslo', null)).toBeUndefined()
    expect(isZoneOf(null, 'NO')).toBeUndefined()
  })
})

describe('the table holds against other sources', () => {
  test(`tz ${TZ_VERSION} has every name that this JavaScript engine may report`, () => {
    const reported = Intl.supportedValuesOf('timeZone')

    expect(reported.filter((name) => !names.has(name))).toEqual([])
    const placeless = reported.filter((name) => isZoneOf(name, 'NO') === undefined)
    expect(placeless.filter((name) => !/^(UTC|GMT|Etc\/)/.test(name))).toEqual([])
  })

  test('what this JavaScript engine takes for one zone is one', () => {
    const reportedAs = (name: string): string | undefined => {
      try {
        return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
      } catch {
        return undefined
      }
    }
    const apart = [...names].filter((name) => {
      const other = reportedAs(name)
      const ofCountry = isZoneOf(name, 'NO') !== undefined
      return ofCountry && other !== undefined && !sameZone(name, other)
    })

    expect(apart).toEqual([])
  })

  test(`every name and every link to a country's zone of the package tzdata`, () => {
    const all = Object.entries(published.zones)

    // "Factory" and "localtime" name no place.
    expect(all.map(([name]) => name).filter((name) => !names.has(name))).toEqual([])
    expect(all.length).toBeGreaterThan(550)
  })

  test('every zone of @vvo/tzdb, with its names and its country', () => {
    const wrong = rawTimeZones.filter(({ name, group, countryCode }) => {
      const known = [name, ...group].every((each) => names.has(each))
      return !known || isZoneOf(name, countryCode) !== true
    })

    expect(wrong.map(({ name, countryCode }) => `${name} ${countryCode}`)).toEqual([])
    expect(rawTimeZones.length).toBeGreaterThan(300)
  })
})
