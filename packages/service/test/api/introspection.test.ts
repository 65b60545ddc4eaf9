import { createHmac, createSecretKey } from 'node:crypto'
import type { Sessions } from 'holdfast'
import { accessTokens, newSigningKeys } from 'holdfast/tokens'
import { describe, expect, test } from 'vitest'
import { activeClaims } from '../../src/api/calls/introspection.ts'
import type { OwnTokens } from '../../src/main/own-tokens.ts'
import { abroad, atHome, KEYS, LOGIN, type Running, running } from '../support.ts'

const AUDIENCES = {
  HOLDFAST_AUDIENCES: '{ orders: {}, billing: { algorithm: ES256 } }',
  HOLDFAST_ISSUER: 'https://auth.example',
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

async function login(run: Running, more: object = {}): Promise<{ token: string; id: string }> {
  const body = { ...LOGIN, request: atHome(), ...more }
  const { token, session } = await (await run.call('POST', '/v1/sessions', { body })).json()
  return { token, id: session.id }
}

async function accessToken(run: Running, token: string, audience = 'orders'): Promise<string> {
  const body = { token, request: atHome(), audience }
  return (await (await run.call('POST', '/v1/verify', { body })).json()).accessToken
}

async function introspect(run: Running, token: string): Promise<Record<string, unknown>> {
  const answer = await run.call('POST', '/v1/introspect', { body: { token } })
  expect(answer.status).toBe(200)
  return answer.json()
}

describe('introspection', () => {
  test('tells of a live access token what it says, whatever its audience', async () => {
    const run = await running(AUDIENCES)
    const { token, id } = await login(run)

    const told = await introspect(run, await accessToken(run, token, 'billing'))

    const now = Math.floor(run.host.now() / 1_000)
    expect(told).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: 'https://auth.example',
      sub: 'ada',
      aud: 'billing',
      client_id: 'holdfast',
      sid: id,
      jti: expect.any(String),
      iat: now,
      exp: now + 90,
      auth_time: now,
      acr: 'urn:mfa',
      amr: ['pwd', 'otp'],
      gen: 0,
    })
  })

  test('tells of a current session token whose it is, not how it was proved', async () => {
    const run = await running(AUDIENCES)
    const { token, id } = await login(run, { tenant: 'acme' })

    const told = await introspect(run, token)

    const now = Math.floor(run.host.now() / 1_000)
    expect(told).toEqual({
      active: true,
      token_type: 'session',
      sub: 'ada',
      tid: 'acme',
      sid: id,
      iss: 'https://auth.example',
      client_id: 'holdfast',
      iat: now,
      exp: now + 86_400,
    })
  })

  test('rotates nothing, weighs nothing and keeps no session awake', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    const events = async (): Promise<number> =>
      (
        await (await run.call('GET', `/v1/events?session=${token.split('.')[1]}`)).json()
      ).items.filter(({ type }: { type: string }) => type !== 'admin-acted').length
    const before = await events()
    run.host.advance(119 * 60_000)

    expect(await introspect(run, token)).toMatchObject({ active: true })

    expect(await events()).toBe(before)
    run.host.advance(60_000)
    expect(await introspect(run, token)).toEqual({ active: false })
  })

  test('knows the predecessor of a rotated secret until the new one is shown', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    run.host.advance(6 * 60_000)
    const body = { token, request: atHome(), deliverable: true }
    const { token: next } = await (await run.call('POST', '/v1/verify', { body })).json()

    const between = [await introspect(run, token), await introspect(run, next)]
    await run.call('POST', '/v1/verify', { body: { ...body, token: next } })
    const after = [await introspect(run, token), await introspect(run, next)]

    expect(between.map(({ active }) => active)).toEqual([true, true])
    expect(after.map(({ active }) => active)).toEqual([false, true])
  })

  test('tells of the newest refresh token, not of one whose successor was shown', async () => {
    const run = await running(AUDIENCES)
    const body = { ...LOGIN, request: atHome(), refresh: true }
    const created = await (await run.call('POST', '/v1/sessions', { body })).json()
    const exchange = async (token: string): Promise<string> => {
      const ask = { body: { token, request: atHome(), deliverable: true } }
      return (await (await run.call('POST', '/v1/refresh', ask)).json()).refreshToken
    }
    const tokens = [created.refreshToken]
    expect(await introspect(run, created.refreshToken)).toMatchObject({
      active: true,
      token_type: 'refresh',
      sid: created.session.id,
    })

    tokens.push(await exchange(tokens[0]))
    await exchange(tokens[1])
    run.host.advance(41_000)
    tokens.push(await exchange(tokens[1]))

    const told = await Promise.all(tokens.map((token) => introspect(run, token)))
    expect(told.map(({ active }) => active)).toEqual([false, true, true])
    await run.call('POST', '/v1/revoke', { body: { token: tokens[2] } })
    expect(await introspect(run, created.token)).toEqual({ active: false })
  })

  test.each([
    [
      'logout',
      (run: Running, { token }: { token: string }) =>
        run.call('POST', '/v1/logout', { body: { token } }),
    ],
    [
      'its revocation',
      (run: Running, { id }: { id: string }) =>
        run.call('POST', `/v1/sessions/${id}/revoke`, { body: { reason: 'test' } }),
    ],
    [
      'the revocation of all',
      (run: Running) => run.call('POST', '/v1/subjects/ada/revoke', { body: { reason: 'test' } }),
    ],
  ])('asks the store each time: after %s no token of the session is active', async (_, end) => {
    const run = await running(AUDIENCES)
    const session = await login(run)
    const access = await accessToken(run, session.token)
    expect(await introspect(run, access)).toMatchObject({ active: true })

    await end(run, session)

    expect(await introspect(run, access)).toEqual({ active: false })
    expect(await introspect(run, session.token)).toEqual({ active: false })
  })

  test('the one session that a revocation of all leaves alive keeps its tokens', async () => {
    const run = await running(AUDIENCES)
    const kept = await login(run)
    const ended = await login(run)
    const tokens = [kept, ended].map(({ token }) => accessToken(run, token))
    run.host.advance(1_000)

    const body = { reason: 'test', except: kept.id }
    await run.call('POST', '/v1/subjects/ada/revoke', { body })

    const told = await Promise.all(tokens.map(async (token) => introspect(run, await token)))
    expect(told.map(({ active }) => active)).toEqual([true, false])
  })

  test('an expired access token is not active', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    const access = await accessToken(run, token)

    run.host.advance(95_000)

    expect(await introspect(run, access)).toEqual({ active: false })
  })

  test('forged, foreign and damaged tokens are not active, and no more is said', async () => {
    const run = await running(AUDIENCES)
    const { token, id } = await login(run)
    const access = await accessToken(run, token)
    const [head = '', claims = '', signature = ''] = access.split('.')
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString())
    const { keys } = await (await run.call('GET', '/.well-known/jwks.json')).json()
    const secret = createSecretKey(Buffer.from(keys[0].x, 'base64url'))
    const swapped = `${part({ ...header, alg: 'HS256' })}.${claims}`
    const elsewhere = accessTokens({
      keys: newSigningKeys(),
      issuer: 'https://auth.example',
      audiences: { orders: {} },
    })
    const { token: foreign } = await elsewhere.issue({
      session: id,
      subject: 'ada',
      tenant: 'default',
      generation: 0,
      acr: null,
      amr: [],
      authenticatedAt: null,
      sensitivity: 'normal',
      deadline: run.host.now() + 60_000,
      audience: undefined,
      at: run.host.now(),
    })

    for (const bad of [
      'junk',
      'x'.repeat(9_000),
      'hf1.x',
      `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`,
      `${head}.${claims}.`,
      `${head}.${claims}.${Buffer.alloc(64).toString('base64url')}`,
      `${head}.${part({ sub: 'eve', sid: id })}.${signature}`,
      `${part({ ...header, alg: 'none' })}.${claims}.`,
      `${swapped}.${createHmac('sha256', secret).update(swapped).digest('base64url')}`,
      `${part({ ...header, typ: 'JWT' })}.${claims}.${signature}`,
      foreign,
    ]) {
      expect(await introspect(run, bad), bad).toEqual({ active: false })
    }
  })

  test('where nothing is issued no JWT is active', async () => {
    const issuing = await running(AUDIENCES)
    const { token } = await login(issuing)

    const run = await running()

    expect(await introspect(run, await accessToken(issuing, token))).toEqual({ active: false })
  })

  test('whoever would be challenged is active all the same: this judges nobody', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    const body = { token, request: abroad() }
    const judged = await (await run.call('POST', '/v1/verify', { body })).json()

    expect(judged).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(await introspect(run, token)).toMatchObject({ active: true })
  })
})

describe('revocation by token', () => {
  test.each([
    ['an access token', (run: Running, token: string) => accessToken(run, token)],
    ['a session token', async (_: Running, token: string) => token],
  ])('%s ends its session, and again is nothing new', async (_, choose) => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    const chosen = await choose(run, token)
    const revoke = (): Promise<Response> =>
      run.call('POST', '/v1/revoke', { body: { token: chosen }, key: KEYS.app })

    const first = await revoke()
    const second = await revoke()

    expect([first.status, await first.text(), second.status]).toEqual([200, '', 200])
    expect(first.headers.get('cache-control')).toBe('no-store')
    const after = await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })
    expect(await after.json()).toMatchObject({ ok: false, code: 'session_unknown' })
  })

  test('a token that nobody knows is 200 and ends nothing', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)

    for (const unknown of ['junk', 'a.b.c', `${token}x`]) {
      const answer = await run.call('POST', '/v1/revoke', { body: { token: unknown } })
      expect(answer.status).toBe(200)
    }

    expect(await introspect(run, token)).toMatchObject({ active: true })
  })
})

describe('the shapes of OAuth', () => {
  test('a form is read as JSON is, and fields of other standards are passed over', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    const form = (fields: object): string => new URLSearchParams({ ...fields }).toString()

    const told = await run.call('POST', '/v1/introspect', {
      body: form({ token, token_type_hint: 'access_token', resource: 'x' }),
      headers: FORM,
    })
    const revoked = await run.call('POST', '/v1/revoke', {
      body: form({ token, client_id: 'shop' }),
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
    })

    expect(await told.json()).toMatchObject({ active: true, sub: 'ada' })
    expect(revoked.status).toBe(200)
    expect(await introspect(run, token)).toEqual({ active: false })
  })

  test.each([
    ['no token', '', FORM, 400, 'token'],
    ['two tokens', 'token=a&token=b', FORM, 400, 'token'],
    ['an empty token', 'token=', FORM, 400, 'token'],
    ['another content type', 'x', { 'content-type': 'application/xml' }, 400, 'content-type'],
    ['a body beyond every bound', `token=${'x'.repeat(16_400)}`, FORM, 413, undefined],
    ['an unknown field of JSON', '{"token":"x","tokn":1}', {}, 400, 'tokn'],
    ['a token that is no text', '{"token":{"$ne":1}}', {}, 400, 'token'],
  ])('%s is a fault with its field', async (_, body, headers, status, field) => {
    const run = await running(AUDIENCES)

    for (const path of ['/v1/introspect', '/v1/revoke']) {
      const answer = await run.call('POST', path, { body, headers })
      expect(answer.status).toBe(status)
      expect((await answer.json()).field).toBe(field)
    }
  })

  test.each([
    ['app', [200, 200]],
    ['gate', [200, 403]],
    ['audit', [403, 403]],
    ['admin', [403, 403]],
  ] as const)('who may ask and who may revoke: %s', async (role, expected) => {
    const run = await running(AUDIENCES)
    const ask = async (path: string, key: string | null): Promise<number> =>
      (await run.call('POST', path, { body: { token: 'junk' }, key })).status

    const [introspection, revocation] = expected
    expect(await ask('/v1/introspect', KEYS[role])).toBe(introspection)
    expect(await ask('/v1/revoke', KEYS[role])).toBe(revocation)
    expect(await ask('/v1/introspect', null)).toBe(401)
  })

  test('clients of OAuth show name and key, and find the error where they look', async () => {
    const run = await running(AUDIENCES)
    const { token } = await login(run)
    const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` })
    const ask = async (path: string, headers: Record<string, string>, body: object = { token }) => {
      const answer = await run.call('POST', path, { body, key: null, headers })
      const { error, active } = await answer.json()
      return { error, active, asked: answer.headers.get('www-authenticate') }
    }
    const asked = 'Basic realm="holdfast"'

    for (const path of ['/v1/introspect', '/v1/revoke']) {
      const stranger = await ask(path, basic('all:no-such-key-is-known-here'))
      expect(stranger).toMatchObject({ error: 'invalid_client', asked })
      expect(await ask(path, basic(`audit:${KEYS.audit}`))).toMatchObject({
        error: 'unauthorized_client',
      })
      expect(await ask(path, basic(`all:${KEYS.all}`), {})).toMatchObject({
        error: 'invalid_request',
      })
    }
    expect(await ask('/v1/introspect', basic(`all:${KEYS.all}`))).toMatchObject({ active: true })
    const elsewhere = await run.call('POST', '/v1/verify', { body: {}, key: null })
    expect(await elsewhere.json()).not.toHaveProperty('error')
    expect(elsewhere.headers.get('www-authenticate')).toBe('Bearer realm="holdfast"')
  })
})

test('a session that this process has ended is not active, whatever the store lost', async () => {
  const session = 'A'.repeat(43)
  const expiresAt = Date.now() + 60_000
  const inspected = { kind: 'session', session, subject: 'ada', tenant: 'default' } as const
  const active = (token: string, found: object | undefined) =>
    activeClaims({
      sessions: { show: async () => found } as unknown as Sessions,
      inspector: {
        token: async () => ({ ...inspected, issuedAt: 0, expiresAt }),
        isLive: async () => true,
      },
      ownTokens: {
        verify: async () => (token === 'access' ? { sid: session, aud: 'orders' } : undefined),
      } as unknown as OwnTokens,
    })(token, { name: 'shop', roles: ['app'] })

  for (const token of ['access', 'opaque']) {
    expect(await active(token, {})).toMatchObject({ sid: session })
    expect(await active(token, undefined)).toBeUndefined()
  }
})
