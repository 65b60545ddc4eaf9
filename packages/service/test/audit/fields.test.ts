import { expect, test } from 'vitest'
import { prefixOf } from '../../src/audit/fields.ts'

test.for([
  ['203.0.113.7', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.0/24'],
  ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['203.0.113.0/24', '203.0.113.0/24'],
  ['2001:db8:1:2::/64', '2001:db8:1:2::/64'],
  ['203.0.113.07', null],
  ['', null],
  [null, null],
] as const)('the network of %s is %s', ([address, network]) => {
  expect(prefixOf(address)).toBe(network)
})
