import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cookie } from '../../src/carriers/cookie.ts'
import { refreshCarrier } from '../../src/carriers/refresh.ts'
import { scanCookies } from '../../src/carriers/scan-cookies.ts'
import { TOKEN_LENGTH } from '../../src/core/token.ts'

const DAY = 24 * 3_600_000
const token = `hf1.${'A'.repeat(43)}.${'B'.repeat(82)}`

function read(header: string | readonly string[] | undefined) {
  return cookie().read((name) => (name === 'cookie' ? header : undefined))
}

describe('reading the session cookie', () => {
  test.each([
    [`__Host-session=${token}`],
    [`a=1; __Host-session=${token}; b=2`],
    [`a=1;__Host-session=${token};b=2`],
    [`a=1;\t  __Host-session=${token} ; b=2`],
    [`x__Host-session=1; __Host-session=${token}`],
    [`__Host-session2=1; __Host-session=${token}`],
    [`a=__Host-session=1; __Host-session=${token}`],
    [`__HOST-session=evil; __host-session=evil; __Host-session=${token}`],
    [`=; ; ;;; __Host-session=${token}`],
  ])('finds the one cookie of exactly its name in %j', (header) => {
    expect(read(header)).toEqual({ ok: true, token })
  })

  test.each([
    [undefined],
    [''],
    ['__Host-session'],
    ['__Host-session='],
    ['__Host-session =x'],
    ['__HOST-session=x'],
    ['__host-session=x'],
    ['session=x'],
    ['a="; __Host-sessio'],
    ['a=b, __Host-session=x'],
    [[]],
    [['a=1', 'b=2']],
  ])('finds none in %j', (header) => {
    expect(read(header)).toEqual({ ok: false, code: 'token_missing' })
  })

  test.each([
    [`__Host-session=${token}; __Host-session=${token}`],
    [`__Host-session=; __Host-session=${token}`],
    [[`__Host-session=${token}`, `__Host-session=${token}`]],
  ])('believes none of two in %j', (header) => {
    expect(read(header)).toEqual({ ok: false, code: 'token_duplicated' })
  })

  test('finds it in whichever line of several it stands', () => {
    expect(read(['a=1', `__Host-session=${token}`])).toEqual({ ok: true, token })
    expect(read([`__Host-session=${token}`, 'a=1'])).toEqual({ ok: true, token })
  })

  test('a value longer than a token is none, one of its length is left to the engine', () => {
    expect(read(`__Host-session=${'x'.repeat(TOKEN_LENGTH + 1)}`)).toEqual({
      ok: false,
      code: 'token_malformed',
    })
    expect(read(`__Host-session=${'x'.repeat(TOKEN_LENGTH)}`)).toMatchObject({ ok: true })
  })

  test('a header above 16 KiB is not looked at', () => {
    const session = `; __Host-session=${token}`
    const fitting = `a=${'x'.repeat(16_384 - session.length - 2)}${session}`

    expect(read(fitting)).toEqual({ ok: true, token })
    expect(read(`x${fitting}`)).toEqual({ ok: false, code: 'headers_too_large' })
  })

  test('no header makes it throw, and what it finds stands between a name and a semicolon', () => {
    const piece = fc.oneof(
      fc.constantFrom('__Host-session', '=', ';', ' ', ',', '"', '\t', '__HOST-session', token),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const header = pieces.join('')
        const carried = read(header)
        const expected = header
          .split(';')
          .map((pair) => /^[ \t]*__Host-session=([\s\S]*)$/.exec(pair)?.[1]?.trim())
          .filter((value) => value !== undefined)
        expect(scanCookies(header, '__Host-session')).toEqual(expected.slice(0, 2))
        if (carried.ok) expect(expected).toEqual([carried.token])
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('writing the session cookie', () => {
  const now = 1_800_000_000_000

  test('host-bound, for https, out of reach of scripts; ends with the browser', () => {
    expect(cookie().deliver(token, { persistent: false, expiresAt: now + DAY, now })).toBe(
      `__Host-session=${token}; Path=/; Secure; HttpOnly; SameSite=Lax`,
    )
  })

  test.each([
    [30 * DAY, 2_592_000],
    [1_999, 1],
    [-1, 0],
    [1_000 * DAY, 400 * 24 * 3600],
  ])('a persistent one lasts as long as the session, at most 400 days: %i ms left', (left, age) => {
    const value = cookie().deliver(token, { persistent: true, expiresAt: now + left, now })

    expect(value.endsWith(`; Max-Age=${age}`)).toBe(true)
  })

  test('expires it with the attributes that it was set with', () => {
    expect(cookie({ name: '__Secure-id', sameSite: 'strict' }).clear()).toBe(
      '__Secure-id=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
    )
  })

  test.each([
    ['lax', 'Lax'],
    ['strict', 'Strict'],
    ['none', 'None'],
  ] as const)('SameSite is as the operator says: %s', (sameSite, written) => {
    expect(cookie({ sameSite }).clear()).toBe(
      `__Host-session=; Path=/; Secure; HttpOnly; SameSite=${written}; Max-Age=0`,
    )
  })

  test('Partitioned goes with SameSite=None alone', () => {
    const carrier = cookie({ sameSite: 'none', partitioned: true })
    const kept = 'Path=/; Secure; HttpOnly; SameSite=None; Partitioned'

    expect(carrier.clear()).toBe(`__Host-session=; ${kept}; Max-Age=0`)
    expect(carrier.deliver(token, { persistent: false, expiresAt: now + DAY, now })).toBe(
      `__Host-session=${token}; ${kept}`,
    )
    for (const sameSite of ['lax', 'strict'] as const) {
      expect(() => cookie({ sameSite, partitioned: true })).toThrowError(
        expect.objectContaining({
          code: 'config_invalid',
          message: expect.stringContaining("cookie.partitioned needs sameSite: 'none'"),
        }),
      )
    }
  })

  test('the refresh cookie goes where the session cookie does', () => {
    const carrier = refreshCarrier({ sameSite: 'none', partitioned: true })

    expect(carrier.clear?.()).toBe(
      '__Secure-refresh=; Path=/refresh; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=0',
    )
    expect(refreshCarrier().clear?.()).toContain('SameSite=Strict; Max-Age=0')
    expect(() => refreshCarrier({ partitioned: true })).toThrow('cookie.partitioned')
  })

  test('is a carrier that browsers use by themselves, under its name', () => {
    expect(cookie()).toMatchObject({ ambient: true, name: '__Host-session' })
    expect(cookie({ name: '__Secure-id' })).toMatchObject({ ambient: true, name: '__Secure-id' })
  })

  test.each([
    'session',
    '__host-session',
    '__Http-session',
    'x__Host-session',
    '__Host-',
    '__Host-a b',
    '__Host-a=b',
    '__Host-a;',
    `__Host-${'a'.repeat(57)}`,
  ])('refuses the name %j, which no browser guards', (name) => {
    expect(() => cookie({ name })).toThrowError(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('cookie.name must start with __Host- or __Secure-'),
      }),
    )
  })

  test.each(['__Host-a', '__Secure-a-B_9', `__Host-${'a'.repeat(56)}`])(
    'takes the name %j',
    (name) => {
      expect(cookie({ name }).name).toBe(name)
    },
  )
})

describe('a path of its own', () => {
  test('is where the cookie goes, and where it is cleared', () => {
    const carrier = cookie({ name: '__Secure-refresh', path: '/auth/refresh', sameSite: 'strict' })

    expect(carrier.clear()).toBe(
      '__Secure-refresh=; Path=/auth/refresh; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
    )
  })

  test.each([
    ['__Host-session', '/refresh'],
    ['__Secure-refresh', ''],
    ['__Secure-refresh', 'refresh'],
    ['__Secure-refresh', '/a; Domain=evil.example'],
    ['__Secure-refresh', '/a\r\nSet-Cookie: x=y'],
    ['__Secure-refresh', '/a b'],
    ['__Secure-refresh', `/${'a'.repeat(256)}`],
  ])('cannot be, for %s, %j', (name, path) => {
    expect(() => cookie({ name, path })).toThrowError(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('path must be an absolute path'),
      }),
    )
  })

  test.each(['/', `/${'a'.repeat(255)}`, "/a-b/c.d~e/!$&'()*+,=:@%20"])('may be %j', (path) => {
    expect(cookie({ name: '__Secure-refresh', path }).clear()).toContain(`; Path=${path}; Secure`)
  })
})
