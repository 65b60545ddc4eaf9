import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeDevice, deviceReader } from '../../src/core/device.ts'
import type { RequestFacts } from '../../src/core/request.ts'

const browser: RequestFacts = {
  ip: null,
  method: 'GET',
  url: '/',
  headers: {
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  },
  client: { screen: '1920x1080', timezone: 'Europe/Oslo', languages: ['nb'] },
}

test('the same browser is read once', () => {
  const read = deviceReader()

  expect(read({ ...browser, url: '/other', ip: '192.0.2.1' })).toBe(read(browser))
})

test('what is remembered is bounded in number and in length', () => {
  const read = deviceReader({ remember: 2 })
  const long = { ...browser, headers: { ...browser.headers, 'accept-language': 'nb,'.repeat(500) } }
  const first = read(browser)

  expect(read(long)).not.toBe(read(long))
  read({ ...browser, headers: { 'user-agent': 'Mozilla/5.0 Firefox/1' } })
  expect(read(browser)).toBe(first)
  for (let version = 2; version <= 6; version++) {
    read({ ...browser, headers: { 'user-agent': `Mozilla/5.0 Firefox/${version}` } })
  }
  expect(read(browser)).not.toBe(first)
})

test('remembering never changes what is read, whatever clients send between', () => {
  const text = fc.constantFrom(
    '',
    '"',
    '","',
    'nb',
    'Mozilla/5.0 Chrome/1',
    'curl/8',
    '1x1',
    'UTC',
    '?1',
    '"Chromium";v="1"',
  )
  const value = fc.oneof(text, fc.array(text, { maxLength: 2 }))
  const names = [
    'user-agent',
    'accept',
    'accept-language',
    'sec-ch-ua',
    'sec-ch-ua-mobile',
    'sec-ch-ua-platform',
  ]
  const request = fc.record({
    headers: fc.dictionary(fc.constantFrom(...names), value),
    client: fc.record(
      { screen: text, timezone: text, languages: fc.array(text, { maxLength: 2 }) },
      { requiredKeys: [] },
    ),
  })

  fc.assert(
    fc.property(fc.array(request, { maxLength: 20 }), (requests) => {
      const read = deviceReader({ remember: 5 })
      for (const facts of requests) {
        const each = { ...browser, ...facts }
        expect(read(each)).toEqual(describeDevice(each))
      }
    }),
    { numRuns: 500 },
  )
})
