import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { geoData } from '../../../../tools/geo-data.mjs'
import type { Network } from '../../src/core/request.ts'
import { describeNetwork } from '../../src/network/describe.ts'
import type { GeoProblem } from '../../src/network/geo-file.ts'
import { type GeoLookup, geoLookup } from '../../src/network/mmdb.ts'

/**
 * Published data of DB-IP, RouteViews and NRO (CC BY 4.0), as the development dependencies bring
 * it.
 */
describe('real data', () => {
  const problems: GeoProblem[] = []
  let geo: GeoLookup

  beforeAll(async () => {
    geo = geoLookup({ ...(await geoData()), onProblem: (problem) => problems.push(problem) })
  }, 120_000)
  afterAll(() => geo.close())

  function network(ip: string): Network {
    return describeNetwork(ip, { lookup: geo.lookup })
  }

  test('knows carriers and countries, over IPv4, IPv6 and mapped IPv4', () => {
    expect(network('217.0.43.1')).toMatchObject({
      country: 'DE',
      city: 'Hanover',
      asn: 3320,
      organisation: 'Deutsche Telekom AG',
    })
    expect(network('::ffff:217.0.43.1')).toEqual(network('217.0.43.1'))
    expect(network('2003:c0::1')).toMatchObject({ country: 'DE', asn: 3320 })
    expect(network('8.8.8.8')).toMatchObject({ country: 'US', asn: 15169 })
    expect(network('1.0.0.1')).toMatchObject({ asn: 13335, kind: 'relay' })
    expect(network('148.122.10.1')).toMatchObject({ country: 'NO', asn: 2119 })
    expect(problems).toEqual([])
  })

  test('has coordinates that lie where the place is', () => {
    const { latitude, longitude } = network('217.0.43.1')
    expect(latitude).toBeCloseTo(52.4, 0)
    expect(longitude).toBeCloseTo(9.7, 0)
  })

  test('says nothing of what no provider has', () => {
    expect(network('192.0.2.1').country).toBeNull()
    expect(network('127.0.0.1').kind).toBe('private')
  })
})
