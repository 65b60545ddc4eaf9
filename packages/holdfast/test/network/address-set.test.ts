import { BlockList } from 'node:net'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress } from '../../src/network/address.ts'
import { addressSet, parseCidr } from '../../src/network/address-set.ts'

function setOf(...texts: string[]): (text: string) => boolean {
  const networks = texts.map((text) => {
    const cidr = parseCidr(text)
    if (cidr === undefined) throw new Error(`not a network: ${text}`)
    return cidr
  })
  const set = addressSet(networks)
  return (text) => {
    const address = parseAddress(text)
    if (address === undefined) throw new Error(`not an address: ${text}`)
    return set.has(address)
  }
}

describe('a network in CIDR notation', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0', 8],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['192.0.2.7', '192.0.2.7', 32],
    ['192.0.2.7/32', '192.0.2.7', 32],
    ['2001:DB8::/32', '2001:db8::', 32],
    ['::/0', '::', 0],
    ['::1', '::1', 128],
    ['::ffff:10.0.0.0/104', '10.0.0.0', 8],
    ['::ffff:a00:0/104', '10.0.0.0', 8],
  ])('%s is read', (text, address, bits) => {
    const cidr = parseCidr(text)
    expect(cidr && [formatAddress(cidr.address), cidr.bits]).toEqual([address, bits])
  })

  test.each([
    '10.0.0.1/8',
    '2001:db8::1/32',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8 ',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10/8',
    '::ffff:10.0.0.0/64',
    'fe80::%eth0/64',
    '/8',
    '',
    'localhost',
  ])('%s is refused', (text) => {
    expect(parseCidr(text)).toBeUndefined()
  })
})

describe('a set of networks', () => {
  test('holds a mapped address exactly where it holds the IPv4 address', () => {
    const has = setOf('10.0.0.0/8', '2001:db8::/32')
    expect(['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '2001:db8::1'].map(has)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['11.1.2.3', '::ffff:11.1.2.3', '::a01:203', '2001:db9::'].map(has)).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  test('::/0 is all of IPv6 and nothing of IPv4', () => {
    const has = setOf('::/0')
    expect([has('2001:db8::1'), has('::'), has('10.0.0.1'), has('::ffff:10.0.0.1')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('knows its borders, overlaps and duplicates', () => {
    const has = setOf('10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8', '9.255.255.255', '12.0.0.0/31')
    const inside = ['9.255.255.255', '10.0.0.0', '10.255.255.255', '12.0.0.0', '12.0.0.1']
    const outside = ['9.255.255.254', '11.0.0.0', '12.0.0.2', '0.0.0.0', '255.255.255.255']
    expect(inside.filter((text) => !has(text))).toEqual([])
    expect(outside.filter(has)).toEqual([])
    expect(setOf()('10.0.0.1')).toBe(false)
  })

  test('agrees with net.BlockList and ipaddr.js for any networks and addresses', () => {
    const near = fc.integer({ min: 0, max: 0xffff }).map((n) => `10.20.${n >> 8}.${n & 255}`)
    const near6 = fc.integer({ min: 0, max: 0xffff }).map((n) => `2001:db8::${n.toString(16)}`)
    const address = fc.oneof(near, near6, fc.ipV4(), fc.ipV6())
    const network = fc.oneof(
      fc.tuple(near, fc.integer({ min: 18, max: 32 })),
      fc.tuple(near6, fc.integer({ min: 112, max: 128 })),
    )
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 20 }),
        fc.array(address),
        (networks, addresses) => {
          const list = new BlockList()
          const cidrs = networks.map(([text, bits]) => {
            list.addSubnet(text, bits, text.includes(':') ? 'ipv6' : 'ipv4')
            const kind = text.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4
            return `${kind.networkAddressFromCIDR(`${text}/${bits}`).toString()}/${bits}`
          })
          const has = setOf(...cidrs)
          for (const text of addresses) {
            const parsed = ipaddr.process(text)
            const expected = list.check(text, text.includes(':') ? 'ipv6' : 'ipv4')
            const second = cidrs.some((cidr) => {
              const range = ipaddr.parseCIDR(cidr)
              return range[0].kind() === parsed.kind() && parsed.match(range)
            })
            expect([text, has(text), second]).toEqual([text, expected, expected])
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
