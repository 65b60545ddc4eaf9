import { createServer, type RequestListener } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import {
  keySet,
  type VerifierOptions,
  verifier,
  verifyAccessToken,
} from '../../src/tokens/index.ts'
import { listening } from '../contracts/apps/listening.ts'
import {
  AUDIENCE,
  CLAIMS,
  ED,
  ES,
  ISSUER,
  jwkOf,
  NOW,
  ours,
  pair,
  RS,
  revocationsAt,
  SECONDS,
  SKEW,
  tokenBy,
} from '../support/access-tokens.ts'

const INVALID = { ok: false, code: 'access_token_invalid' }

test.each([ED, ES, RS])('a token by $alg passes with its claims', async (key) => {
  const access = await ours().verify(tokenBy(key))

  expect(access).toEqual({ ok: true, claims: CLAIMS })
})

test('a token that jose signs passes, for several audiences and types', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const keys = keySet({
    keys: [{ ...(await exportJWK(publicKey)), kid: 'j', alg: 'ES256', use: 'sig' }],
  })
  const token = await new SignJWT({ ...CLAIMS, aud: ['billing', AUDIENCE], scope: 'read' })
    .setProtectedHeader({ alg: 'ES256', typ: 'application/AT+JWT', kid: 'j' })
    .sign(privateKey)

  const access = await verifyAccessToken(token, {
    issuer: ISSUER,
    audience: AUDIENCE,
    keys,
    now: () => NOW,
  })

  expect(access).toMatchObject({ ok: true, claims: { sub: 'ada', aud: ['billing', AUDIENCE] } })
  expect(access.ok && access.claims).not.toHaveProperty('scope')
})

test('claims are frozen: one request cannot change what the next one is told', async () => {
  const access = await ours().verify(tokenBy(ED))
  if (!access.ok) throw new Error(access.reason)

  expect(Object.isFrozen(access.claims)).toBe(true)
  expect(Object.isFrozen(access.claims.amr)).toBe(true)
})

test.each<[edge: string, claims: object, code: string | undefined]>([
  ['a second before exp + skew', { exp: SECONDS - SKEW + 1 }, undefined],
  ['at exp + skew', { exp: SECONDS - SKEW }, 'access_token_expired'],
  ['long after exp', { exp: SECONDS - 3_600 }, 'access_token_expired'],
  ['at nbf - skew', { nbf: SECONDS + SKEW }, undefined],
  ['a second before nbf - skew', { nbf: SECONDS + SKEW + 1 }, 'access_token_invalid'],
  ['at iat - skew', { iat: SECONDS + SKEW }, undefined],
  ['a second before iat - skew', { iat: SECONDS + SKEW + 1 }, 'access_token_invalid'],
  ['a second before auth_time - skew', { auth_time: SECONDS + SKEW + 1 }, 'access_token_invalid'],
])('the edges of time: %s', async (_, claims, code) => {
  const access = await ours().verify(tokenBy(ED, { claims: { ...claims } }))

  expect(access.ok ? undefined : access.code).toBe(code)
})

test('the last millisecond before exp + skew counts, and that instant no longer', async () => {
  let now = (CLAIMS.exp + SKEW) * 1_000 - 1
  const { verify } = ours({ now: () => now })
  const token = tokenBy(ED)

  expect(await verify(token)).toMatchObject({ ok: true })
  now += 1
  expect(await verify(token)).toMatchObject({ ok: false, code: 'access_token_expired' })
})

test('a token that was verified before is refused once its session is revoked', async () => {
  const at = { state: 'fresh' as const, revoked: [] as string[] }
  const { verify } = ours({ revocations: revocationsAt(at) })
  const token = tokenBy(ED)

  expect(await verify(token)).toMatchObject({ ok: true })
  at.revoked.push(CLAIMS.sid)
  expect(await verify(token)).toMatchObject({ ok: false, code: 'session_revoked' })
})

test('a token that was verified before is refused once its key has left the set', async () => {
  const sets = [keySet({ keys: [jwkOf(ED), jwkOf(ES)] }), keySet({ keys: [jwkOf(ES)] })]
  let set = 0
  const { verify } = ours({ keys: { find: (kid) => sets[set]?.find(kid) } })
  const token = tokenBy(ED)

  expect(await verify(token)).toMatchObject({ ok: true })
  set = 1
  expect(await verify(token)).toMatchObject(INVALID)
})

test('a verified token is refused once its key has another under its name', async () => {
  const sets = [keySet({ keys: [jwkOf(ED)] }), keySet({ keys: [jwkOf(pair('EdDSA', ED.kid))] })]
  let set = 0
  const { verify } = ours({ keys: { find: (kid) => sets[set]?.find(kid) } })
  const token = tokenBy(ED)

  expect(await verify(token)).toMatchObject({ ok: true })
  set = 1
  expect(await verify(token)).toMatchObject(INVALID)
})

test.each(['stale', 'blind'] as const)(
  'a feed that is %s leaves tokens alone, unless the route refuses without it',
  async (state) => {
    const { verify } = ours({ revocations: revocationsAt({ state, revoked: [] }) })

    expect(await verify(tokenBy(ED))).toMatchObject({ ok: true })
    expect(await verify(tokenBy(ED), { whenBlind: 'refuse' })).toMatchObject({
      ok: false,
      code: 'revocations_unavailable',
    })
  },
)

test('what a blind feed has heard before it went blind still counts', async () => {
  const { verify } = ours({
    revocations: revocationsAt({ state: 'blind', revoked: [CLAIMS.sid] }),
  })

  expect(await verify(tokenBy(ED))).toMatchObject({ ok: false, code: 'session_revoked' })
})

test('a route that asks for more than the token proves gets a step-up', async () => {
  const { verify } = ours({ acrOrder: ['aal1', 'aal2', 'aal3'] })
  const token = tokenBy(ED)

  expect(await verify(token, { acr: 'aal1', maxAge: 60_000 })).toMatchObject({ ok: true })
  expect(await verify(token, { acr: 'aal3' })).toMatchObject({
    ok: false,
    code: 'step_up_required',
    requirements: { acr: 'aal3' },
  })
  expect(await verify(token, { maxAge: 59_999 })).toMatchObject({
    ok: false,
    code: 'step_up_required',
    requirements: { maxAgeMs: 59_999 },
  })
})

test('without an order, acr is compared for equality', async () => {
  const { verify } = ours()
  const silent = tokenBy(ED, { claims: { acr: undefined, auth_time: undefined } })

  expect(await verify(tokenBy(ED), { acr: 'aal2' })).toMatchObject({ ok: true })
  expect(await verify(tokenBy(ED), { acr: 'aal1' })).toMatchObject({ code: 'step_up_required' })
  expect(await verify(silent, { acr: 'aal2' })).toMatchObject({ code: 'step_up_required' })
  expect(await verify(silent, { maxAge: 60_000 })).toMatchObject({ code: 'step_up_required' })
})

test.each<[what: string, requirements: object, options: Partial<VerifierOptions>]>([
  ['strict without an authority', { strict: true }, {}],
  ['whenBlind: refuse without revocations', { whenBlind: 'refuse' }, {}],
  ['an empty acr', { acr: '' }, {}],
  ['no time at all', { maxAge: 0 }, {}],
])(
  'requirements that can never be met are an exception as the route is made: %s',
  (_, requirements, options) => {
    expect(() => ours(options).checkRequirements(requirements)).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  },
)

test('options that can never work are an exception', () => {
  const config = expect.objectContaining({ code: 'config_invalid' })

  expect(() => verifier({ issuer: ISSUER, audience: AUDIENCE })).toThrow(config)
  expect(() => ours({ issuer: '' })).toThrow(config)
  expect(() => ours({ audience: '' })).toThrow(config)
  // What is known to be revoked is kept for no longer.
  expect(() => ours({ skew: 5_001 })).toThrow(config)
})

const key = 'an-api-key-of-the-gate'

async function authority(answer: RequestListener): Promise<VerifierOptions['authority'] & object> {
  const { origin, close } = await listening(createServer(answer))
  onTestFinished(close)
  return { url: origin, key }
}

test('a strict route asks the authority about every token, with its key', async () => {
  const asked: unknown[] = []
  let active = true
  const { verify } = ours({
    authority: await authority(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked.push([request.url, request.headers.authorization, body])
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(active ? { active, sid: CLAIMS.sid } : { active }))
    }),
  })
  const token = tokenBy(ED)

  expect(await verify(token, { strict: true })).toMatchObject({ ok: true })
  expect(await verify(token)).toMatchObject({ ok: true })
  active = false
  expect(await verify(token, { strict: true })).toMatchObject({
    ok: false,
    code: 'session_revoked',
  })
  expect(asked).toEqual(
    Array(2).fill(['/v1/introspect', `Bearer ${key}`, JSON.stringify({ token })]),
  )
})

test('an answer of the authority about another session is no yes', async () => {
  const { verify } = ours({
    authority: await authority((_, response) => {
      response.end(JSON.stringify({ active: true, sid: 'somebody else' }))
    }),
  })

  expect(await verify(tokenBy(ED), { strict: true })).toMatchObject({ code: 'session_revoked' })
})

test.each<[what: string, answer: RequestListener]>([
  ['breaks off', (request) => request.socket.destroy()],
  ['has a fault', (_, response) => response.writeHead(503).end()],
  ['does not know the key', (_, response) => response.writeHead(401).end()],
  ['sends us elsewhere', (_, response) => response.writeHead(302, { location: '/' }).end()],
  ['says nothing', (_, response) => response.end()],
  ['says nearly yes', (_, response) => response.end('{"active":"true"}')],
  ['never ends', (_, response) => void response.write('{"active":')],
])('where the authority %s, a strict route lets nobody pass', async (_, answer) => {
  const { verify } = ours({ authority: { ...(await authority(answer)), timeout: 200 } })

  expect(await verify(tokenBy(ED), { strict: true })).toMatchObject({
    ok: false,
    code: 'revocations_unavailable',
  })
})
