import { describe, expect, test } from 'vitest'
import { claimsOf } from '../../src/tokens/access-claims.ts'
import { AUDIENCE, CLAIMS, ISSUER } from '../support/access-tokens.ts'

const expected = { issuer: ISSUER, audience: AUDIENCE }

describe('claims that pass', () => {
  test('are handed on as they are, without those that nobody here reads', () => {
    expect(claimsOf({ ...CLAIMS, scope: 'read', __proto__: {} }, expected)).toEqual(CLAIMS)
  })

  test('may be without each of the optional ones, which are then absent', () => {
    const { acr: _acr, amr: _amr, auth_time: _time, ...least } = CLAIMS

    expect(claimsOf(least, expected)).toEqual(least)
  })

  test('may have all of the optional ones, also where they say nothing', () => {
    const whole = { ...CLAIMS, nbf: 0, acr: '', amr: [], tid: '' }

    expect(claimsOf(whole, expected)).toEqual(whole)
  })

  test('may be for several audiences, among them this one, wherever it stands', () => {
    for (const aud of [[AUDIENCE], ['billing', AUDIENCE], [AUDIENCE, 'billing']]) {
      expect(claimsOf({ ...CLAIMS, aud }, expected)).toEqual({ ...CLAIMS, aud })
    }
  })

  test('are frozen as deep as they go', () => {
    const claims = claimsOf({ ...CLAIMS, aud: ['billing', AUDIENCE] }, expected)
    if (typeof claims === 'string') throw new Error(claims)

    expect(Object.isFrozen(claims)).toBe(true)
    expect(Object.isFrozen(claims.amr)).toBe(true)
    expect(Object.isFrozen(claims.aud)).toBe(true)
  })
})

describe('claims that do not pass say which of them is wrong', () => {
  test.each([null, undefined, 'ada', 7, [CLAIMS]])('for %j', (payload) => {
    expect(claimsOf(payload, expected)).toBe('the claims are no object')
  })

  test.each(['iss', 'sub', 'aud', 'client_id', 'sid', 'jti', 'iat', 'exp', 'gen'])(
    'for %s, which each token has, itself and not by inheritance',
    (name) => {
      const { [name]: left, ...rest } = CLAIMS as Record<string, unknown>

      expect(claimsOf(rest, expected)).toBe(`${name} is missing`)
      expect(claimsOf(Object.assign(Object.create({ [name]: left }), rest), expected)).toBe(
        `${name} is missing`,
      )
      expect(claimsOf({ ...rest, [name]: undefined }, expected)).toBe(`${name} is not of its type`)
    },
  )

  test('an optional claim by inheritance is none', () => {
    const claims = claimsOf(Object.assign(Object.create({ tid: 'evil' }), CLAIMS), expected)

    expect(claims).toEqual(CLAIMS)
  })

  test.each<[name: string, values: readonly unknown[]]>([
    ['iss', ['', 7, null, [ISSUER]]],
    ['sub', ['', 7, null, {}]],
    ['client_id', ['', 7, []]],
    ['jti', ['', 7, null]],
    ['aud', [7, null, {}, [7], [AUDIENCE, 7]]],
    ['sid', ['', 7, [CLAIMS.sid], CLAIMS.sid.slice(1), `${CLAIMS.sid}A`]],
    ['iat', ['1', -1, 0.5, Number.NaN, 2 ** 53, null]],
    ['exp', ['1', -1, 0.5, Number.POSITIVE_INFINITY, null]],
    ['gen', ['1', -1, 0.5, null, true]],
    ['nbf', ['1', -1, 0.5, null]],
    ['auth_time', ['1', -1, 0.5, null]],
    ['acr', [2, null, ['aal2']]],
    ['amr', ['pwd', ['pwd', 7], null, {}]],
    ['tid', [7, null, ['x']]],
  ])('for %s of the wrong type', (name, values) => {
    for (const value of values) {
      expect(claimsOf({ ...CLAIMS, [name]: value }, expected)).toBe(`${name} is not of its type`)
    }
  })

  test('zero and the greatest exact number are times', () => {
    const times = { iat: 0, exp: Number.MAX_SAFE_INTEGER, gen: 0 }

    expect(claimsOf({ ...CLAIMS, ...times }, expected)).toMatchObject(times)
  })

  test('for another issuer or another service, letter by letter', () => {
    for (const iss of [`${ISSUER}/`, ISSUER.toUpperCase(), 'x']) {
      expect(claimsOf({ ...CLAIMS, iss }, expected)).toBe('iss is another issuer')
    }
    for (const aud of ['', 'Orders', 'orders2', 'order', [], ['billing'], ['orders2']]) {
      expect(claimsOf({ ...CLAIMS, aud }, expected)).toBe('aud is another service')
    }
  })
})
