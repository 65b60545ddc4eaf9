import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mayCarryTokens, ownOrigin } from '../../src/adapters/guard/entry-checks.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import {
  isNavigation,
  mayExpireCookies,
  ownPath,
  pageRedirect,
  returnPath,
} from '../../src/adapters/guard/redirects.ts'

function facts(changes: Partial<HttpFacts>, headers: Record<string, string> = {}): HttpFacts {
  return {
    method: 'GET',
    url: '/',
    peer: '127.0.0.1',
    encrypted: false,
    header: (name) => headers[name],
    ...changes,
  }
}

describe('a path to return to', () => {
  test.each(['/', '/a', '/a?b=c&d=%2F%2Fe', '/a#b', '/a//b', '/@evil.example', '/:80'])(
    '%j stays as it is',
    (path) => {
      expect(ownPath(path)).toBe(path)
    },
  )

  test.each([
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\\\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    'evil.example',
    '/ ',
    '/é',
    '',
    ['/a'],
    undefined,
    null,
    `/${'a'.repeat(2048)}`,
  ])('%j becomes /', (path) => {
    expect(ownPath(path)).toBe('/')
  })

  test('no text leads to another origin', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('/', '\\', '.', ':', '@', '\t', '\n', 'evil.example', 'https:', '?'))
        .map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, (path) => {
        for (const url of [ownPath(path), returnPath(facts({ url: path }), undefined)]) {
          expect(new URL(url, 'https://shop.example').origin).toBe('https://shop.example')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a form returns to the page that held it, if that page is ours', () => {
    const post = (referer: string): string =>
      returnPath(facts({ method: 'POST', url: '/orders' }, { referer }), 'https://shop.example')

    expect(post('https://shop.example/cart?x=1')).toBe('/cart?x=1')
    expect(post('https://evil.example/cart')).toBe('/')
    expect(post('')).toBe('/')
  })

  test('an absolute request target keeps its path only', () => {
    expect(returnPath(facts({ url: 'http://evil.example//x/y?z' }), undefined)).toBe('/')
    expect(returnPath(facts({ url: 'http://evil.example/x?z' }), undefined)).toBe('/x?z')
  })
})

describe('a redirect to a page', () => {
  const pages = { loginPage: '/login?lang=nb', stepUpPage: '/step-up' }

  test('keeps the page’s own query and encodes what it adds', () => {
    expect(pageRedirect(pages, { code: 'token_missing' }, { url: '/a', back: '/a?b=1&c=2' })).toBe(
      '/login?lang=nb&return=%2Fa%3Fb%3D1%26c%3D2',
    )
  })

  test('never leads from a page to itself', () => {
    const at = (url: string): string | undefined =>
      pageRedirect(pages, { code: 'token_missing' }, { url, back: '/' })

    expect(at('/login')).toBeUndefined()
    expect(at('/login?return=%2F')).toBeUndefined()
    expect(at('/login2')).toBeDefined()
  })

  test('is not for refusals that no page can resolve', () => {
    for (const code of ['cross_site_request', 'store_unavailable', 'context_refused'] as const) {
      expect(pageRedirect(pages, { code }, { url: '/a', back: '/a' })).toBeUndefined()
    }
  })
})

test.each([
  [{ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, true],
  [{ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, false],
  [{ 'sec-fetch-mode': 'cors', accept: 'text/html' }, false],
  [{ 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: 'text/html' }, false],
  [{ accept: 'text/html,application/xhtml+xml' }, true],
  [{ accept: 'application/json, text/html' }, false],
  [{ accept: '*/*' }, false],
  [{}, false],
])('a request with %j is a navigation: %s', (headers: Record<string, string>, expected) => {
  expect(isNavigation(facts({}, headers))).toBe(expected)
})

const PAGE = 'text/html,application/xhtml+xml,application/xml;q=0.9'

test.each([
  ['fetch(event.request)', 'navigate', PAGE, true],
  ['new Request(event.request)', 'same-origin', PAGE, true],
  ['a call for data', 'same-origin', 'application/json', false],
  ['fetch(event.request.url)', 'cors', '*/*', false],
])('%s of a service worker is a navigation by what it accepts: %s %s', (_, mode, accept, is) => {
  const headers = { 'sec-fetch-mode': mode, 'sec-fetch-dest': 'empty', accept }

  expect(isNavigation(facts({}, headers))).toBe(is)
  expect(mayExpireCookies(facts({}, headers))).toBe(is)
})

describe('the transport', () => {
  test.each([
    // TLS to this process, what a trusted proxy says, host, may carry tokens
    [true, null, 'shop.example', true],
    [true, false, 'shop.example', false],
    [false, true, 'shop.example', true],
    [false, null, 'shop.example', false],
    [false, null, 'localhost:3000', true],
    [false, null, 'a.b.localhost', true],
    [false, null, '127.255.0.1', true],
    [false, null, '[::1]:3000', true],
    [false, null, 'localhost.', false],
    [false, null, 'evil-localhost', false],
    [false, null, '127.0.0.1@evil.example', false],
    [false, null, '128.0.0.1', false],
    [false, null, '[::2]', false],
    [false, null, '', false],
  ])('TLS %s, proxy %s, host %j: %s', (encrypted, proxied, host, expected) => {
    expect(mayCarryTokens(facts({ encrypted }, { host }), proxied)).toBe(expected)
  })

  test.each([
    ['Shop.example:443', true, 'https://shop.example'],
    ['shop.example:80', null, 'http://shop.example'],
    ['shop.example:8443', true, 'https://shop.example:8443'],
    ['[::1]:3000', null, 'http://[::1]:3000'],
    ['evil@shop.example', true, undefined],
    ['shop.example/path', true, undefined],
    ['shop.example:99999', true, undefined],
    ['', true, undefined],
  ])('host %j (proxy says https: %s) has the origin %s', (host, proxied, origin) => {
    expect(ownOrigin(facts({}, { host }), proxied)).toBe(origin)
  })

  test('HTTP/2 names its host in :authority', () => {
    expect(ownOrigin(facts({ encrypted: true }, { ':authority': 'shop.example' }), null)).toBe(
      'https://shop.example',
    )
  })
})
