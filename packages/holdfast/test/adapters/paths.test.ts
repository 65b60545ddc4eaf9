import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mayCarryTokens, ownOrigin } from '../../src/adapters/guard/entry-checks.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import {
  beyondStepUp,
  isNavigation,
  mayExpireCookies,
  ownPath,
  pageRedirect,
  requirementsIn,
  returnPath,
} from '../../src/adapters/guard/redirects.ts'
import type { Code } from '../../src/core/errors.ts'

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

  test('carries codes and what a route asked for, and nothing else', () => {
    const all = { ...pages, refusedPage: '/refused' }
    const requirements = { acr: 'aal2', maxAgeMs: 90_500, sensitivity: 'sensitive' } as const
    const detailsFor = (code: Code): string => {
      const location = pageRedirect(all, { code, requirements }, { url: '/a', back: '/' }) ?? ''
      const { searchParams } = new URL(location, 'http://localhost')
      return [...searchParams]
        .filter(([name]) => name !== 'return' && name !== 'lang')
        .map((pair) => pair.join('='))
        .join('&')
    }

    expect(detailsFor('token_missing')).toBe('')
    for (const code of ['session_expired', 'session_revoked', 'token_superseded'] as const) {
      expect(detailsFor(code)).toBe(`reason=${code}`)
    }
    expect(detailsFor('context_refused')).toBe('reason=context_refused')
    expect(detailsFor('step_up_required')).toBe('acr=aal2&max_age=90&sensitivity=sensitive')
  })

  test('to the step-up page is read again there, within bounds', () => {
    const given = { acr: 'aal2', maxAgeMs: 90_000, sensitivity: 'sensitive' }

    expect(requirementsIn('/step-up?acr=aal2&max_age=90&sensitivity=sensitive')).toEqual(given)
    expect(requirementsIn('/step-up?max_age=0')).toEqual({ maxAgeMs: 1 })
    for (const odd of ['', `acr=${'x'.repeat(65)}`, 'max_age=-1', 'max_age=1e9', 'sensitivity=x']) {
      expect(requirementsIn(`/step-up?${odd}`)).toEqual({})
    }
  })

  test('after a login never leads back to a step-up that is over', () => {
    const back = (path: string): string => beyondStepUp(path, '/step-up?brand=1')

    expect(back('/step-up?return=%2Forders%3Fa%3D1&sensitivity=sensitive')).toBe('/orders?a=1')
    expect(back('/step-up/continue?form=x&return=%2Faccount')).toBe('/account')
    expect(back('/step-up?return=%2Fstep-up%3Freturn%3D%252Fcart')).toBe('/cart')
    expect(back('/step-up')).toBe('/')
    expect(back('/step-up?return=https%3A%2F%2Fevil.example')).toBe('/')
    expect(back('/step-upward?return=%2Forders')).toBe('/step-upward?return=%2Forders')
    expect(beyondStepUp('/step-up?return=%2Forders', undefined)).toBe('/step-up?return=%2Forders')
    let deep = '/orders'
    for (let i = 0; i < 9; i++) deep = `/step-up?${new URLSearchParams({ return: deep })}`
    expect(back(deep)).toBe('/')
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
