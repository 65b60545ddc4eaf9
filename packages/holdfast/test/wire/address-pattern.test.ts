import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseClientAddress } from '../../src/network/address.ts'
import { CLIENT_ADDRESS } from '../../src/wire/address-pattern.ts'

const shape = new RegExp(CLIENT_ADDRESS.source, 'u')
const except = new RegExp(CLIENT_ADDRESS.except ?? '$.', 'u')
const pattern = { test: (text: string) => shape.test(text) && !except.test(text) }

/** Text that is nearly an address. */
const pieces = fc.constantFrom(
  '::',
  ':',
  '.',
  '0',
  '1',
  '01',
  '255',
  '256',
  'a',
  'ffff',
  'g',
  '%',
  'eth0',
)
const nearly = fc.array(pieces, { maxLength: 18 }).map((some) => some.join(''))

test('the pattern of the API document takes what the address reader takes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), nearly), (text) => {
      expect([text, pattern.test(text)]).toEqual([text, parseClientAddress(text) !== undefined])
    }),
    { numRuns: 20_000 },
  )
})

test.each([
  '::1',
  '1::',
  '::ffff:192.0.2.1',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  '1:2:3:4:5:6:192.0.2.1',
  'fe80::1%eth0',
  '0.0.0.1',
  '::ffff:0:1',
  '::ffff:0:0:0',
  'ffff::',
])('%s is an address', (text) => {
  expect(pattern.test(text)).toBe(true)
})

test.each([
  '',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '192.0.2.1%eth0',
  '[::1]',
  '1.2.3',
  '0.0.0.0',
  '::',
  '::%eth0',
  '0:0:0:0:0:0:0:0',
  '::0.0.0.0',
  '::ffff:0.0.0.0',
  '::FFFF:0:0',
  '0:0:0:0:0:ffff::',
  '0000:0:0:0:0:ffff::0',
])('"%s" is none', (text) => {
  expect(pattern.test(text)).toBe(false)
})
