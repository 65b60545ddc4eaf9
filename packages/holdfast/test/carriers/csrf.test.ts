import { describe, expect, test } from 'vitest'
import { crossSiteGate, isFormSubmission } from '../../src/carriers/csrf.ts'
import { sameText } from '../../src/core/constant-time.ts'

const OWN = 'https://shop.example'

function passes(
  method: string,
  headers: Readonly<Record<string, string>>,
  options: Parameters<typeof crossSiteGate>[0] = {},
): boolean {
  const header = (name: string): string | undefined => headers[name]
  return crossSiteGate(options)({ method, header, ownOrigin: () => OWN })
}

describe('the cross-site gate', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'post', 'get', 'QUERY'])(
    'treats %s as unsafe: without a word about its origin it is refused',
    (method) => {
      expect(passes(method, {})).toBe(false)
      expect(passes(method, { 'sec-fetch-site': 'cross-site', origin: OWN })).toBe(false)
      expect(passes(method, { origin: OWN })).toBe(true)
      expect(passes(method, { 'sec-fetch-site': 'same-origin' })).toBe(true)
    },
  )

  test.each(['GET', 'HEAD', 'OPTIONS'])('lets %s pass, unless another site embeds it', (method) => {
    expect(passes(method, {})).toBe(true)
    expect(passes(method, { 'sec-fetch-site': 'same-site' })).toBe(true)
    expect(passes(method, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(
      false,
    )
    expect(passes(method, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(
      true,
    )
  })

  test('treats a WebSocket handshake as unsafe, whatever its method', () => {
    expect(passes('GET', { upgrade: 'websocket', origin: 'https://evil.example' })).toBe(false)
    expect(passes('GET', { upgrade: 'websocket', 'sec-fetch-site': 'same-site' })).toBe(false)
    expect(passes('GET', { upgrade: 'websocket', origin: OWN })).toBe(true)
  })

  test.each([
    'https://shop.example.evil.example',
    'http://shop.example',
    'https://shop.example:444',
    'https://SHOP.example',
    'null',
    '',
  ])('does not take the origin %j for its own', (origin) => {
    expect(passes('POST', { origin })).toBe(false)
  })

  test('an unknown own origin is nobody’s origin', () => {
    const gate = crossSiteGate()

    expect(gate({ method: 'POST', header: () => undefined, ownOrigin: () => undefined })).toBe(
      false,
    )
  })

  test.each(['https://app.example/', 'app.example', 'null', '*', 'https://app.example:443'])(
    'refuses %j in its list of origins',
    (origin) => {
      expect(() => crossSiteGate({ origins: [origin] })).toThrowError(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    },
  )
})

test.each([
  ['POST', 'application/x-www-form-urlencoded', true],
  ['POST', 'Multipart/Form-Data; boundary=x', true],
  ['POST', 'text/plain;charset=UTF-8', true],
  ['POST', ' text/plain', true],
  ['POST', 'text/plain, application/json', true],
  ['PUT', 'text/plain', true],
  ['POST', 'application/json', false],
  ['POST', undefined, false],
  ['GET', 'text/plain', false],
])('%s with content type %j is a form submission: %s', (method, type, expected) => {
  expect(isFormSubmission(method, () => type)).toBe(expected)
})

test.each([
  ['', '', true],
  ['abc', 'abc', true],
  ['abc', 'abd', false],
  ['abc', 'ab', false],
  ['ab', 'abc', false],
  ['', 'a', false],
])('%j and %j are the same text: %s', (a, b, expected) => {
  expect(sameText(a, b)).toBe(expected)
})
