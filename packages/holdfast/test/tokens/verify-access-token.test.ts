import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { keySet } from '../../src/tokens/key-sets.ts'
import {
  openToken,
  SKEW_MS,
  untimely,
  verifyAccessToken,
} from '../../src/tokens/verify-access-token.ts'
import {
  AUDIENCE,
  CLAIMS,
  ED,
  ES,
  ISSUER,
  jwkOf,
  NOW,
  pair,
  RS,
  tokenBy,
} from '../support/access-tokens.ts'

const keys = keySet({ keys: [ED, ES, RS].map(jwkOf) })
const options = { keys, issuer: ISSUER, audience: AUDIENCE, now: () => NOW }

function refusal(code: string, reason: string) {
  return { ok: false, code, reason }
}

describe('when a token counts', () => {
  const exp = CLAIMS.exp * 1_000
  const early = refusal('access_token_invalid', 'nbf, iat or auth_time is in the future')
  const late = refusal('access_token_expired', 'exp has passed')

  test('until exp and the skew of the clocks, and not at that instant', () => {
    expect(untimely(CLAIMS, exp + 4_999, 5_000)).toBeUndefined()
    expect(untimely(CLAIMS, exp + 5_000, 5_000)).toEqual(late)
    expect(untimely(CLAIMS, exp - 1, 0)).toBeUndefined()
    expect(untimely(CLAIMS, exp, 0)).toEqual(late)
  })

  test.each(['nbf', 'iat', 'auth_time'])('from %s on, less the skew of the clocks', (name) => {
    const claims = { ...CLAIMS, [name]: CLAIMS.iat + 20 }
    const begins = (CLAIMS.iat + 20) * 1_000

    expect(untimely(claims, begins - 5_000, 5_000)).toBeUndefined()
    expect(untimely(claims, begins - 5_001, 5_000)).toEqual(early)
    expect(untimely(claims, begins, 0)).toBeUndefined()
    expect(untimely(claims, begins - 1, 0)).toEqual(early)
  })

  test('from iat on where it says neither nbf nor when anything was proved', () => {
    const { auth_time: _time, ...claims } = CLAIMS

    expect(untimely(claims, CLAIMS.iat * 1_000, 0)).toBeUndefined()
    expect(untimely(claims, CLAIMS.iat * 1_000 - 1, 0)).toEqual(early)
  })
})

describe('verifying by signature and claims alone', () => {
  test('answers the claims of a token that passes', async () => {
    expect(await verifyAccessToken(tokenBy(ED), options)).toEqual({ ok: true, claims: CLAIMS })
  })

  test('allows clocks five seconds apart, or what is asked for', async () => {
    const expired = { ...options, now: () => CLAIMS.exp * 1_000 + 1_000 }

    expect(SKEW_MS).toBe(5_000)
    expect(await verifyAccessToken(tokenBy(ED), expired)).toMatchObject({ ok: true })
    expect(await verifyAccessToken(tokenBy(ED), { ...expired, skew: 1_000 })).toEqual(
      refusal('access_token_expired', 'exp has passed'),
    )
  })

  test('takes the time of the machine where no clock is given', async () => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { now: _now, ...unclocked } = options

    expect(await verifyAccessToken(tokenBy(ED), unclocked)).toMatchObject({ ok: true })
    vi.setSystemTime(NOW + 3_600_000)
    expect(await verifyAccessToken(tokenBy(ED), unclocked)).toMatchObject({
      code: 'access_token_expired',
    })
  })

  test('waits for keys that have to be asked for', async () => {
    const remote = { find: (kid: string) => Promise.resolve(keys.find(kid)) }

    expect(await openToken(tokenBy(ES), { ...options, keys: remote })).toMatchObject({
      ok: true,
      claims: CLAIMS,
      key: { kid: ES.kid, alg: 'ES256' },
    })
    expect(
      await openToken(tokenBy(ES), { ...options, keys: { find: async () => undefined } }),
    ).toEqual(refusal('access_token_invalid', 'kid names no key of the set'))
  })

  test.each<[string, string, string]>([
    ['has two parts', 'a.b', 'it has not three parts'],
    ['names no key', tokenBy(pair('EdDSA', 'other')), 'kid names no key of the set'],
    [
      'names another algorithm than its key has',
      tokenBy(ED, { header: { alg: 'ES256' } }),
      'alg is not that of the key',
    ],
    ['is signed by another', tokenBy(pair('EdDSA', ED.kid)), 'the signature is wrong'],
    ['is for another', tokenBy(ED, { claims: { aud: 'billing' } }), 'aud is another service'],
  ])('refuses one that %s, and says why in the log alone', async (_, token, reason) => {
    const access = await verifyAccessToken(token, options)

    expect(access).toEqual(refusal('access_token_invalid', reason))
  })
})
