import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress, networkOf, parseAddress, prefixText } from '../../src/network/address.ts'
import { spellings } from './spellings.ts'

function canonical(text: string): string | undefined {
  const address = parseAddress(text)
  return address === undefined ? undefined : formatAddress(address)
}

describe('an address has one text', () => {
  const vectors: readonly (readonly [spelling: string, text: string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    // RFC 5952, sections 1, 2 and 4
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:0:1', '2001:db8:aaaa:bbbb:cccc:dddd:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8::0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    // IPv4-mapped, in every spelling
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:c000:0201', '192.0.2.1'],
    ['::0:ffff:192.0.2.1', '192.0.2.1'],
    ['0::ffff:c000:0201', '192.0.2.1'],
    // looks like it, is not
    ['::192.0.2.1', '::c000:201'],
    ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
    ['1::ffff:192.0.2.1', '1::ffff:c000:201'],
    // a zone id is dropped
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%3', 'fe80::1'],
    ['::ffff:192.0.2.1%lo', '192.0.2.1'],
  ]

  test.each(vectors)('%s is %s', (spelling, text) => {
    expect(canonical(spelling)).toBe(text)
  })
})

describe('what two readers could read differently is no address', () => {
  const refused: Readonly<Record<string, readonly string[]>> = {
    octal: ['0300.0250.1.10', '1.2.3.04', '00.0.0.0', '012.1.2.3'],
    hexadecimal: ['0xc0a8010a', '0xc0.0xa8.1.10', '1.2.3.0x4'],
    short: ['127.1', '192.168.257', '3232235786', '1.2.3', '1', '1.2.3.'],
    'too much': ['1.2.3.4.5', '256.1.1.1', '1.2.3.999', '1:2:3:4:5:6:7:8:9', '12345::', '::12345'],
    ports: ['1.2.3.4:80', '[::1]:80', '[::1]', '1.2.3.4/24'],
    'white space': [' 1.2.3.4', '1.2.3.4 ', '1.2.3.4\n', '1. 2.3.4', '::1 ', '\t::1', '1.2.3.4\0'],
    'wrong colons': [
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7:8::',
      '1::2:3:4:5:6:7:8',
      ':1:2:3:4:5:6:7:8',
      '1:',
    ],
    'wrong dots': ['::1.2.3', '::1.2.3.4.5', '1.2.3.4::', '::1.2.3.4:5', '::01.2.3.4', '.1.2.3.4'],
    'wrong zones': ['::1%', '::1%a b', '::1%a/b', '1.2.3.4%eth0', `::1%${'a'.repeat(33)}`],
    'other letters': ['١.٢.٣.٤', '１.2.3.4', '::g', '+1.2.3.4', '-1.2.3.4', '1e1.2.3.4', ''],
  }

  test.each(Object.entries(refused))('%s', (_, texts) => {
    expect(texts.filter((text) => parseAddress(text) !== undefined)).toEqual([])
  })
})

describe('against the parsers of Node', () => {
  test('200 000 strings near an address are accepted exactly where net.isIP accepts them', () => {
    const disagreements: string[] = []
    let accepted = 0
    for (const text of spellings(200_000)) {
      const bare = text.split('%')[0] ?? ''
      const zone = text.length > bare.length
      const expected = isIP(bare) > (zone ? 4 : 0) && (!zone || /%[\w.:-]{1,32}$/.test(text))
      const address = parseAddress(text)
      if (address !== undefined) accepted++
      if ((address !== undefined) !== expected) disagreements.push(text)
    }
    expect(disagreements).toEqual([])
    expect(accepted).toBeGreaterThan(20_000)
  })

  test('the text of an address is the same address to net.BlockList, and to us', () => {
    const disagreements: string[] = []
    for (const text of spellings(20_000)) {
      const address = parseAddress(text)
      if (address === undefined || text.includes('%')) continue
      const list = new BlockList()
      list.addAddress(text, isIP(text) === 4 ? 'ipv4' : 'ipv6')
      const again = formatAddress(address)
      const same = list.check(again, address.family === 4 ? 'ipv4' : 'ipv6')
      if (!same || canonical(again) !== again) disagreements.push(text)
    }
    expect(disagreements).toEqual([])
  })
})

describe('for every string', () => {
  test('parsing never throws, and formatting what it accepts is stable', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%/[]') }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const first = canonical(text)
        return first === undefined || canonical(first) === first
      }),
      { numRuns: 20_000 },
    )
  })

  test('all IPv4 and IPv6 addresses that fast-check writes are accepted', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => parseAddress(text) !== undefined),
      { numRuns: 5_000 },
    )
  })
})

describe('the network around an address', () => {
  const vectors: readonly (readonly [string, number, string])[] = [
    ['203.0.113.77', 24, '203.0.113.0/24'],
    ['203.0.113.77', 16, '203.0.0.0/16'],
    ['203.0.113.77', 32, '203.0.113.77/32'],
    ['203.0.113.77', 25, '203.0.113.0/25'],
    ['255.255.255.255', 1, '128.0.0.0/1'],
    ['255.255.255.255', 0, '0.0.0.0/0'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6', 56, '2001:db8:1::/56'],
    ['2001:db8:1:2:3:4:5:6', 32, '2001:db8::/32'],
    ['2001:db8:1:2:3:4:5:6', 128, '2001:db8:1:2:3:4:5:6/128'],
    ['ffff:ffff::', 33, 'ffff:ffff::/33'],
    ['::ffff:203.0.113.77', 24, '203.0.113.0/24'],
  ]

  test.each(vectors)('%s at %d bits is %s', (text, bits, expected) => {
    const address = parseAddress(text)
    expect(address && prefixText(address, bits)).toBe(expected)
  })

  test('is its own network', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.integer({ min: 0, max: 128 }), (text, bits) => {
        const address = parseAddress(text)
        if (address === undefined) return false
        const network = networkOf(address, Math.min(bits, address.words.length * 32))
        expect(networkOf(network, Math.min(bits, network.words.length * 32))).toEqual(network)
        return true
      }),
    )
  })
})
