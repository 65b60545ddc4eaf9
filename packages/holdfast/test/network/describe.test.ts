import { describe, expect, test } from 'vitest'
import type { Lookup } from '../../src/core/lookup.ts'
import { describeNetwork } from '../../src/network/describe.ts'

const everywhereOslo: Lookup = () => ({ asn: 2119, country: 'NO', city: 'Oslo', kind: 'fixed' })

describe('the network of an address', () => {
  test('behind NAT64 is that of the IPv4 address, and not all of IPv4 in one', () => {
    const direct = describeNetwork('203.0.113.77', { lookup: everywhereOslo })

    expect(describeNetwork('64:ff9b::cb00:714d', { lookup: everywhereOslo })).toEqual(direct)
    expect(describeNetwork('64:ff9b::203.0.113.77', { lookup: everywhereOslo })).toEqual(direct)
    expect(describeNetwork('64:ff9b::10.0.0.1').kind).toBe('private')
    expect(describeNetwork('64:ff9b:1::203.0.113.77').address).toBe('64:ff9b:1::cb00:714d')
  })

  test('has the address, its prefix, its block, and what the data says', () => {
    expect(describeNetwork('203.0.113.77', { lookup: everywhereOslo })).toEqual({
      address: '203.0.113.77',
      prefix: '203.0.113.0/24',
      block: '203.0.0.0/16',
      asn: 2119,
      organisation: null,
      kind: 'fixed',
      country: 'NO',
      city: 'Oslo',
      latitude: null,
      longitude: null,
      radiusKm: null,
    })
    expect(describeNetwork('2001:DB8:1:2:3::4')).toMatchObject({
      address: '2001:db8:1:2:3::4',
      prefix: '2001:db8:1:2::/64',
      block: '2001:db8::/32',
      kind: 'unknown',
      country: null,
    })
  })

  test('of a mapped address is that of the IPv4 address, in every spelling', () => {
    const plain = describeNetwork('203.0.113.77', { lookup: everywhereOslo })
    for (const text of ['::ffff:203.0.113.77', '::FFFF:cb00:714d', '0:0:0:0:0:ffff:cb00:714d']) {
      expect(describeNetwork(text, { lookup: everywhereOslo })).toEqual(plain)
    }
  })

  test('has the prefix lengths that are configured', () => {
    const prefixes = { v4: 20, v6: 56 }
    expect(describeNetwork('203.0.113.77', { prefixes }).prefix).toBe('203.0.112.0/20')
    expect(describeNetwork('2001:db8:1:2ff::4', { prefixes }).prefix).toBe('2001:db8:1:200::/56')
    for (const wrong of [
      { v4: 0, v6: 64 },
      { v4: 33, v6: 64 },
      { v4: 24, v6: 129 },
      { v4: 24.5, v6: 64 },
      { v4: Number.NaN, v6: 64 },
    ]) {
      expect(() => describeNetwork(null, { prefixes: wrong })).toThrow(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    }
  })
})

describe('addresses that say nothing about a place', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '169.254.1.1',
    '0.0.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::ffff:10.1.2.3',
    '::1',
    'fd00::1',
    'fe80::1%eth0',
    'ff02::1',
    '::7f00:1',
    '2001:20::1',
  ])('%s is private, keeps its prefix and is looked up nowhere', (text) => {
    let asked = false
    const lookup: Lookup = () => {
      asked = true
      return { country: 'NO' }
    }
    expect(describeNetwork(text, { lookup })).toMatchObject({
      kind: 'private',
      prefix: expect.stringContaining('/'),
      country: null,
      asn: null,
    })
    expect(asked).toBe(false)
  })

  test.each(['9.255.255.255', '11.0.0.0', '172.32.0.0', '100.128.0.0', '198.20.0.0', '2a00::1'])(
    '%s is next to them and is not',
    (text) => {
      expect(describeNetwork(text, { lookup: everywhereOslo }).country).toBe('NO')
    },
  )

  test('no address, and text that is none, is the unknown network', () => {
    const none = ['0.0.0.0', '::', '::ffff:0.0.0.0', '0:0:0:0:0:0:0:0']
    for (const ip of [
      null,
      '',
      'unknown',
      '012.1.1.1',
      '1.2.3.4:80',
      'x'.repeat(10_000),
      ...none,
    ]) {
      const network = describeNetwork(ip, { lookup: everywhereOslo })
      expect(network).toMatchObject({ address: null, prefix: null, block: null, kind: 'unknown' })
      expect(network.country).toBeNull()
    }
  })
})
