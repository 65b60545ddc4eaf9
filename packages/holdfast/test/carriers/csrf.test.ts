import { describe, expect, test } from 'vitest'
import { crossSiteGate, isFormSubmission, isSafeMethod } from '../../src/carriers/csrf.ts'

const OWN = 'https://shop.example'

function passes(
  method: string,
  headers: Readonly<Record<string, string>>,
  options: Parameters<typeof crossSiteGate>[0] = {},
): boolean {
  const header = (name: string): string | undefined => headers[name]
  return crossSiteGate(options)({ method, header, ownOrigin: () => OWN }) === undefined
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

  test('believes what a browser says of where an unsafe request comes from', () => {
    expect(passes('POST', { 'sec-fetch-site': 'none' })).toBe(true)
    expect(passes('POST', { 'sec-fetch-site': 'same-origin' })).toBe(true)
    expect(passes('POST', { 'sec-fetch-site': 'same-site', origin: OWN })).toBe(false)
    expect(passes('POST', { 'sec-fetch-site': 'cross-site', origin: OWN })).toBe(false)
  })

  test('asks for the origin where the browser says nothing that is known', () => {
    expect(passes('POST', { 'sec-fetch-site': 'same-planet', origin: OWN })).toBe(true)
    expect(passes('POST', { 'sec-fetch-site': 'same-planet' })).toBe(false)
  })

  test.each([
    ['refuse', false],
    ['trust', true],
  ] as const)('a sibling host may post where the operator says so: %s', (sameSite, expected) => {
    expect(passes('POST', { 'sec-fetch-site': 'same-site' }, { sameSite })).toBe(expected)
    expect(passes('POST', { 'sec-fetch-site': 'cross-site' }, { sameSite })).toBe(false)
  })

  test('origins that the operator lists may do everything, and no others', () => {
    const options = { origins: ['https://app.example'] }
    const cross = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }

    for (const method of ['GET', 'POST']) {
      expect(passes(method, { ...cross, origin: 'https://app.example' }, options)).toBe(true)
      expect(passes(method, { ...cross, origin: 'https://app.example:444' }, options)).toBe(false)
      expect(passes(method, cross, options)).toBe(false)
    }
  })

  test.each([
    ['document', true],
    ['iframe', true],
    ['object', false],
    ['embed', false],
  ])('a link of another site may lead here, into a %s: %s', (dest, expected) => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': dest,
    }

    expect(passes('GET', headers)).toBe(expected)
    expect(passes('POST', headers)).toBe(false)
  })

  test('says which origin is none, and how one is written', () => {
    expect(() => crossSiteGate({ origins: ['app.example'] })).toThrow(
      'origins: "app.example" is not an origin. Write scheme, host and port',
    )
    expect(() => crossSiteGate({ origins: ['x'.repeat(1_000)] })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^origins: "x{127} is not/) }),
    )
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

    const asked = { method: 'POST', ownOrigin: () => undefined }

    expect(gate({ ...asked, header: () => undefined })).toMatchObject({ cause: 'unsaid' })
    expect(gate({ ...asked, header: (name) => (name === 'origin' ? 'null' : undefined) })).toEqual({
      cause: 'other_origin',
      seen: 'null',
      expected: undefined,
    })
  })

  test.each([
    ['POST', {}, 'unsaid'],
    ['POST', { 'sec-fetch-site': 'same-planet' }, 'unsaid'],
    ['POST', { origin: 'https://evil.example' }, 'other_origin'],
    ['POST', { 'sec-fetch-site': 'same-site', origin: OWN }, 'sibling'],
    ['POST', { 'sec-fetch-site': 'cross-site' }, 'other_site'],
    ['GET', { 'sec-fetch-site': 'cross-site', upgrade: 'websocket' }, 'other_site'],
    ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 'embedded'],
  ])('says why %s with %j is foreign: %s', (method, headers, cause) => {
    const header = (name: string) => (headers as Record<string, string>)[name]

    const foreign = crossSiteGate()({ method, header, ownOrigin: () => OWN })

    expect(foreign).toEqual({ cause, seen: header('origin'), expected: OWN })
  })

  test('keeps of an Origin what is bounded', () => {
    const header = (name: string) => (name === 'origin' ? 'x'.repeat(100_000) : undefined)

    const foreign = crossSiteGate()({ method: 'POST', header, ownOrigin: () => OWN })

    expect(foreign?.seen).toBe('x'.repeat(256))
  })

  test.each([
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://',
    'app://bundle',
    'chrome-extension://fmkadmapgofadopljbjfkapdkoienihi',
    'moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc',
    'safari-web-extension://2C127FA4-62C7-7E4F-90E5-472B45EECFDC',
  ])('takes %s of an application letter by letter, and nothing like it', (own) => {
    const options = { origins: [own] }
    const cross = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }

    expect(passes('POST', { ...cross, origin: own }, options)).toBe(true)
    expect(passes('POST', { origin: own }, options)).toBe(true)
    const near = [`${own}/`, `${own}:80`, `${own}.evil.example`, own.replace('://', '://x'), 'null']
    for (const origin of [...near, swapCase(own)]) {
      expect([origin, passes('POST', { ...cross, origin }, options)]).toEqual([origin, false])
      expect([origin, passes('POST', { origin }, options)]).toEqual([origin, false])
    }
  })

  function swapCase(text: string): string {
    return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase()
  }

  test.each([
    'file://',
    'file:///index.html',
    'data:text/html,x',
    'blob:https://app.example/x',
    'javascript://x',
    'capacitor://localhost/',
    'capacitor://localhost/app',
    'capacitor://me@localhost',
    'capacitor://*',
    'Capacitor://localhost',
    'capacitor:localhost',
    'HTTPS://app.example',
    'https://app.example/',
    'app.example',
    'null',
    '*',
    'https://app.example:443',
  ])('refuses %j in its list of origins', (origin) => {
    expect(() => crossSiteGate({ origins: [origin] })).toThrowError(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
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
  const header = (name: string) => (name === 'content-type' ? type : undefined)

  expect(isFormSubmission(method, header)).toBe(expected)
})

const BEACON = {
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'no-cors',
  'sec-fetch-dest': 'empty',
}

test.each([
  ['a beacon', 'text/plain;charset=UTF-8', BEACON, false],
  ['a beacon of another site', 'text/plain', { ...BEACON, 'sec-fetch-site': 'same-site' }, true],
  ['a beacon without Fetch Metadata', 'text/plain', {}, true],
  ['a form', 'text/plain', { ...BEACON, 'sec-fetch-mode': 'navigate' }, true],
  ['a form in a frame', 'text/plain', { ...BEACON, 'sec-fetch-dest': 'iframe' }, true],
  ['a form that a worker sends again', 'text/plain', { ...BEACON, 'sec-fetch-mode': 'cors' }, true],
  ['a form as a beacon', 'application/x-www-form-urlencoded', BEACON, true],
  ['a server action', 'text/plain;charset=UTF-8', { 'next-action': '40c0ffee' }, false],
  ['a server action with files', 'multipart/form-data; boundary=x', { 'next-action': '4' }, false],
  ['a library', 'multipart/form-data', { 'x-requested-with': 'XMLHttpRequest' }, false],
])('%s as %s: could be a form: %s', (_, type, headers, expected) => {
  const all: Record<string, string> = { ...headers, 'content-type': type }

  expect(isFormSubmission('POST', (name) => all[name])).toBe(expected)
})

test('a repeated content type is read by its first value', () => {
  const typed = (types: readonly string[]) =>
    isFormSubmission('POST', (name) => (name === 'content-type' ? types : undefined))

  expect(typed(['text/plain', 'application/json'])).toBe(true)
  expect(typed(['application/json', 'text/plain'])).toBe(false)
  expect(typed([])).toBe(false)
})

test('only the header of that name says what is submitted', () => {
  const header = (name: string) => (name === 'content-type' ? 'text/plain' : undefined)

  expect(isFormSubmission('POST', header)).toBe(true)
})

test.each([
  ['GET', true],
  ['HEAD', true],
  ['OPTIONS', true],
  ['POST', false],
  ['get', false],
  ['TRACE', false],
  ['', false],
])('%j is a safe method: %s', (method, safe) => {
  expect(isSafeMethod(method)).toBe(safe)
})
