import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import type { AccessGrant } from '../../src/core/access-token.ts'
import {
  type AccessTokensOptions,
  accessTokens,
  newSigningKeys,
  publicKeySet,
  rotateSigningKeys,
  type SigningKeys,
} from '../../src/tokens/index.ts'

const AT = 1_800_000_000_500
const keys = newSigningKeys({ algorithms: ['EdDSA', 'ES256', 'RS256'] })
const OPTIONS: AccessTokensOptions = {
  keys,
  issuer: 'https://auth.example',
  audiences: { orders: {}, billing: { algorithm: 'ES256' }, old: { algorithm: 'RS256' } },
}
const GRANT: AccessGrant = {
  session: 'UG9ybXVsYXJ5LW9mLW51bGwtYW5kLXZvaWQtMTIzNDU',
  subject: 'ada',
  tenant: 'default',
  generation: 1_799_999_000_000,
  acr: 'urn:mfa',
  amr: ['pwd', 'otp'],
  authenticatedAt: AT - 60_000,
  sensitivity: 'normal',
  deadline: AT + 3_600_000,
  audience: 'orders',
  at: AT,
}

function issued(grant: Partial<AccessGrant> = {}, options: Partial<AccessTokensOptions> = {}) {
  return accessTokens({ ...OPTIONS, ...options }).issue({ ...GRANT, ...grant })
}

describe('an access token', () => {
  test.each(['orders', 'billing', 'old'])(
    'verifies under its audience algorithm and stays below 1 KiB: %s',
    async (audience) => {
      const { token, expiresIn } = await issued({ audience })

      const { payload, protectedHeader } = await jwtVerify(
        token,
        createLocalJWKSet({ keys: publicKeySet(keys).keys.map((key) => ({ ...key })) }),
        { issuer: 'https://auth.example', audience, typ: 'at+jwt', currentDate: new Date(AT) },
      )
      const algorithm = OPTIONS.audiences[audience]?.algorithm ?? 'EdDSA'
      const active = keys.keys.find((key) => key.algorithm === algorithm && key.state === 'active')
      expect(protectedHeader).toEqual({ alg: algorithm, typ: 'at+jwt', kid: active?.kid })
      expect(payload).toEqual({
        iss: 'https://auth.example',
        sub: 'ada',
        aud: audience,
        client_id: 'holdfast',
        sid: GRANT.session,
        jti: expect.stringMatching(/^[\w-]{22}$/),
        iat: 1_800_000_000,
        exp: 1_800_000_090,
        auth_time: 1_799_999_940,
        acr: 'urn:mfa',
        amr: ['pwd', 'otp'],
        gen: GRANT.generation,
      })
      expect(expiresIn).toBe(90)
      expect(token.length).toBeLessThan(1_024)
    },
  )

  test('names a tenant that is not the default one', async () => {
    const { token } = await issued({ tenant: 'acme' })

    expect(decodeJwt(token)).toMatchObject({ tid: 'acme' })
  })

  test('leaves out what does not count in the presenting context', async () => {
    const { token } = await issued({ acr: null, amr: [], authenticatedAt: null })

    const claims = decodeJwt(token)
    for (const name of ['acr', 'amr', 'auth_time']) expect(claims).not.toHaveProperty(name)
  })

  test('never outlives its session', async () => {
    const { token, expiresIn } = await issued({ deadline: AT + 20_000 })

    expect(decodeJwt(token).exp).toBe(1_800_000_020)
    expect(expiresIn).toBe(20)
  })

  test('lives as long as its audience says', async () => {
    const { expiresIn } = await issued(
      {},
      { audiences: { orders: { lifetime: 15_000 } }, accessTokenLifetime: 120_000 },
    )

    expect(expiresIn).toBe(15)
  })

  test('is for the first audience when none is named, and for none that is unknown', async () => {
    const { token } = await issued({ audience: undefined })

    expect(decodeJwt(token).aud).toBe('orders')
    for (const audience of ['stock', '', '__proto__', 'constructor']) {
      await expect(issued({ audience })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(/^audience /),
      })
    }
  })
})

test('names the sensitivity that was judged, where it is not the normal one', async () => {
  const claims = await Promise.all(
    (['normal', 'sensitive'] as const).map(async (sensitivity) => {
      const { token } = await issued({ sensitivity })
      return decodeJwt(token).sensitivity
    }),
  )

  expect(claims).toEqual([undefined, 'sensitive'])
})

describe('issuing again', () => {
  test('gives the same token within half of its life, and then a fresh one', async () => {
    const tokens = accessTokens(OPTIONS)
    const askedAt = (seconds: number) => tokens.issue({ ...GRANT, at: AT + seconds * 1_000 })
    const first = await askedAt(0)

    const second = await askedAt(45)
    const third = await askedAt(46)

    expect(second).toEqual({ token: first.token, expiresIn: 45 })
    expect(third.token).not.toBe(first.token)
    expect(third.expiresIn).toBe(90)
  })

  test('gives another token to whatever differs in any claim', async () => {
    const tokens = accessTokens(OPTIONS)
    const changes: Partial<AccessGrant>[] = [
      {},
      { session: `${GRANT.session.slice(0, -1)}w` },
      { audience: 'billing' },
      { acr: null },
      { amr: ['pwd'] },
      { authenticatedAt: AT - 1_000 },
      { generation: AT },
      { sensitivity: 'sensitive' },
      { deadline: AT + 1_000 },
    ]

    const all = await Promise.all(changes.map((change) => tokens.issue({ ...GRANT, ...change })))

    expect(new Set(all.map(({ token }) => token)).size).toBe(changes.length)
  })

  test('signs anew when the ring has rotated; no token is of the future', async () => {
    const host = fakeHost()
    let ring = newSigningKeys({ host })
    const live: SigningKeys = {
      get keys() {
        return ring.keys
      },
    }
    const tokens = accessTokens({ ...OPTIONS, keys: live, audiences: { orders: {} } })
    const before = await tokens.issue(GRANT)

    ring = rotateSigningKeys(ring, { host, now: true })
    const after = await tokens.issue(GRANT)
    const earlier = await tokens.issue({ ...GRANT, at: AT - 10_000 })

    expect(decodeProtectedHeader(after.token).kid).not.toBe(decodeProtectedHeader(before.token).kid)
    expect(decodeJwt(earlier.token).iat).toBe(1_799_999_990)
  })
})

test.each([
  ['an issuer that is no URL', { issuer: 'auth' }, 'issuer'],
  ['no audience', { audiences: {} }, 'audiences'],
  ['a lifetime too short', { accessTokenLifetime: 9_999 }, 'accessTokenLifetime'],
  ['a lifetime too long', { audiences: { orders: { lifetime: 120_001 } } }, 'orders.lifetime'],
  ['an algorithm without a key', { keys: newSigningKeys() }, 'ES256'],
])('what can never be issued is refused at once: %s', (_, change, said) => {
  const attempt = (): unknown => accessTokens({ ...OPTIONS, ...change })

  expect(attempt).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  expect(attempt).toThrow(said)
})
