import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress, networkOf, parseAddress } from '../../src/network/address.ts'
import { addressSet, type Cidr } from '../../src/network/address-set.ts'
import { drained } from '../../src/network/data-file.ts'
import { parsePrefixList } from '../../src/network/prefix-list.ts'
import { prefixSetBuilder } from '../../src/network/prefix-set.ts'

function listOf(text: string): (address: string) => number | undefined {
  const set = parsePrefixList(Buffer.from(text))
  return (address) => {
    const parsed = parseAddress(address)
    if (parsed === undefined) throw new Error(`not an address: ${address}`)
    return set.longest(parsed)
  }
}

describe('a list of networks', () => {
  test('has one a line, with comments, in CSV, with any end of line', () => {
    const find = listOf(
      [
        '# exits, 2026-01-05',
        '192.0.2.7',
        '',
        '  198.51.100.0/24   # the office',
        '203.0.113.0/28,NL,NL-NH,Amsterdam,',
        '2001:db8:1::/48,US,,,',
        '::ffff:198.18.0.0/112\r',
        '2001:db8::1',
      ].join('\n'),
    )

    expect(find('192.0.2.7')).toBe(32)
    expect(find('192.0.2.8')).toBeUndefined()
    expect(find('198.51.100.255')).toBe(24)
    expect(find('203.0.113.15')).toBe(28)
    expect(find('203.0.113.16')).toBeUndefined()
    expect(find('2001:db8:1:2::3')).toBe(48)
    expect(find('::ffff:198.18.1.1')).toBe(16)
    expect(find('198.19.0.9')).toBeUndefined()
    expect(find('2001:db8::1')).toBe(128)
    expect(find('2001:db8::2')).toBeUndefined()
  })

  test('answers the narrowest', () => {
    const find = listOf('198.51.0.0/16\n198.51.100.0/24\n198.51.100.128/25\n198.51.100.0/24\n')

    expect([find('198.51.1.1'), find('198.51.100.1'), find('198.51.100.200')]).toEqual([16, 24, 25])
  })

  test.each([
    ['192.0.2.0/24\nip_prefix\n', /line 2 that is no network/],
    ['192.0.2.0/24\n192.0.2.1/24\n', /line 2 that is no network/],
    ['\n\n,192.0.2.0/24', /line 3 that is no network/],
    ['0.0.0.0/0', /line 1 that covers too much/],
    ['::/0', /line 1 that covers too much/],
    [`192.0.2.1${' '.repeat(2_000)}`, /endless line 1/],
    ['\u0000\u0001MZ', /line 1 that is no network/],
  ])('that has a line which is none is refused, with its number', (text, problem) => {
    expect(() => parsePrefixList(Buffer.from(text))).toThrow(problem)
    expect(() => parsePrefixList(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  const network: fc.Arbitrary<Cidr> = fc
    .oneof(
      fc.tuple(
        fc.constant(4 as const),
        fc.tuple(fc.nat(0xffff_ffff)),
        fc.integer({ min: 8, max: 32 }),
      ),
      fc.tuple(
        fc.constant(6 as const),
        fc.tuple(fc.constant(0x2001_0db8), fc.nat(3), fc.nat(3), fc.nat(0xffff_ffff)),
        fc.integer({ min: 16, max: 128 }),
      ),
    )
    .map(([family, words, bits]) => ({ address: networkOf({ family, words }, bits), bits }))

  test('for any networks and address: the longest that a set of that one alone would hold', () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 40 }), network, (networks, { address }) => {
        const builder = prefixSetBuilder()
        for (const one of networks) builder.add(one)
        const holding = networks.filter((one) => addressSet([one]).has(address))
        const longest = holding.reduce((most, { bits }) => Math.max(most, bits), -1)

        expect(drained(builder.build()).longest(address) ?? -1, formatAddress(address)).toBe(
          longest,
        )
      }),
    )
  })
})
