import { connect, type RemoteSessions } from 'holdfast/client'
import { cookie } from 'holdfast/gateway'
import { expect, test } from 'vitest'
import { abroad, atHome, KEYS, LOGIN, type Running, running } from '../support.ts'

const MINUTE = 60_000

/** The service's cookies are those of the library's carrier, whose tests say what guards them. */
const carrier = cookie({ name: '__Secure-refresh', path: '/refresh', sameSite: 'strict' })
const FOR_NOW = { persistent: false, expiresAt: 0, now: 0 }

interface LoggedIn {
  readonly token: string
  readonly refreshToken: string
  readonly refreshCookie: string
}

async function login(run: Running, more: object = {}): Promise<LoggedIn> {
  const body = { ...LOGIN, request: atHome(), refresh: true, ...more }
  const response = await run.call('POST', '/v1/sessions', { body })
  expect(response.status).toBe(201)
  return response.json()
}

function refresh(run: Running, token: string, request: object = atHome()): Promise<Response> {
  return run.call('POST', '/v1/refresh', { body: { token, request } })
}

async function refreshesIn(run: Running): Promise<Record<string, number>> {
  const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  const rows = text.matchAll(/^holdfast_refreshes_total\{status="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...rows].map(([, row, count]) => [row, Number(count)]))
}

test('a login that asks for it answers a refresh token and a cookie for it', async () => {
  const run = await running()

  const { refreshToken, refreshCookie } = await login(run)
  const remembered = await login(run, { class: 'remember' })

  expect(refreshCookie).toBe(carrier.deliver(refreshToken, FOR_NOW))
  expect(remembered.refreshCookie).toContain('; Max-Age=2592000')
})

test('a refresh answers the successor with its cookie, the session and the decision', async () => {
  const run = await running({ HOLDFAST_AUDIENCES: '{ orders: {} }' })
  const { refreshToken } = await login(run)
  run.host.advance(MINUTE)

  const answer = await refresh(run, refreshToken)
  const body = await answer.json()

  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(body).toMatchObject({
    session: { subject: 'ada' },
    decision: { outcome: 'allow' },
    status: 'rotated',
    persistent: false,
    accessToken: expect.stringMatching(/^eyJ/),
    expiresIn: 90,
  })
  expect(body.refreshToken).not.toBe(refreshToken)
  expect(body.refreshCookie).toBe(carrier.deliver(body.refreshToken, FOR_NOW))
})

test('name and path of the cookie are settings', async () => {
  const run = await running({
    HOLDFAST_REFRESH_COOKIE_NAME: '__Secure-renew',
    HOLDFAST_REFRESH_PATH: '/auth/renew',
  })

  const { refreshToken, refreshCookie } = await login(run)

  const named = cookie({ name: '__Secure-renew', path: '/auth/renew', sameSite: 'strict' })
  expect(refreshCookie).toBe(named.deliver(refreshToken, FOR_NOW))
})

test('a refusal is a problem with the decision, and clears a dead cookie', async () => {
  const run = await running()
  const { token, refreshToken } = await login(run)
  const challenged = await refresh(run, refreshToken, abroad())
  const wrong = await refresh(run, token)
  await run.call('POST', '/v1/logout', { body: { token } })
  const over = await refresh(run, refreshToken)
  const background = await refresh(run, refreshToken, {
    ...atHome(),
    headers: { ...atHome().headers, 'sec-fetch-mode': 'cors' },
  })

  expect(challenged.status).toBe(401)
  expect(challenged.headers.get('content-type')).toBe('application/problem+json')
  const problem = await challenged.json()
  expect(problem).toMatchObject({
    type: 'urn:holdfast:code:step_up_required',
    status: 401,
    code: 'step_up_required',
    decision: { outcome: 'challenge' },
    requestId: expect.any(String),
  })
  expect(problem).not.toHaveProperty('refreshCookie')
  expect(await wrong.json()).toMatchObject({ code: 'wrong_token_use', status: 401 })
  expect(await over.json()).toMatchObject({
    code: 'session_unknown',
    refreshCookie: carrier.clear(),
  })
  expect(await background.json()).not.toHaveProperty('refreshCookie')
})

test('who asks is an application, and what is asked is checked', async () => {
  const run = await running()
  const { refreshToken } = await login(run)
  const body = { token: refreshToken, request: atHome() }

  const gate = await run.call('POST', '/v1/refresh', { key: KEYS.gate, body })
  const unknown = await run.call('POST', '/v1/refresh', { body: { ...body, reason: 'not' } })

  expect(gate.status).toBe(403)
  expect(unknown.status).toBe(400)
  expect((await refresh(run, refreshToken)).status).toBe(200)
})

test('a completed step-up brings the refresh cookie along', async () => {
  const run = await running()
  const { token } = await login(run)
  const request = atHome()
  const begun = await run.call('POST', '/v1/step-up/begin', { body: { token, request } })
  const { challenge } = await begun.json()
  const proof = { challenge, token, request, subject: 'ada', amr: ['otp'] }

  const passed = await (await run.call('POST', '/v1/step-up/complete', { body: proof })).json()

  expect(passed.refreshCookie).toBe(carrier.deliver(passed.refreshToken, FOR_NOW))
  expect((await refresh(run, passed.refreshToken)).status).toBe(200)
})

test('refreshes are counted by what became of their tokens', async () => {
  const run = await running()
  const { refreshToken } = await login(run)
  run.host.advance(MINUTE)
  const { refreshToken: successor } = await (await refresh(run, refreshToken)).json()
  await refresh(run, successor)
  await refresh(run, refreshToken)
  run.host.advance(21_000)
  await refresh(run, refreshToken)
  const other = await login(run)
  const next = await (await refresh(run, other.refreshToken)).json()
  await refresh(run, next.refreshToken)
  run.host.advance(21_000)
  await refresh(run, other.refreshToken, abroad())
  await refresh(run, 'junk')

  expect(await refreshesIn(run)).toEqual({
    rotated: 2,
    kept: 2,
    in_flight: 1,
    forked: 1,
    other_context: 1,
    refused: 1,
  })
})

test('through connect() everything comes out as in process', async () => {
  const run = await running()
  const sessions: RemoteSessions = connect({ url: run.service.url, key: KEYS.all })
  const created = await sessions.create({
    subject: 'ada',
    factors: ['otp'],
    request: atHome(),
    refresh: true,
  })
  if (!created.ok || created.refreshToken === undefined) throw new Error('no refresh token')
  const { token, refreshToken } = created
  run.host.advance(MINUTE)

  const first = await sessions.refresh({ token: refreshToken, request: atHome() })
  expect(first).toEqual({
    ok: true,
    decision: { outcome: 'allow', score: 0, because: [] },
    session: expect.objectContaining({ id: created.session.id }),
    status: 'rotated',
    refreshToken: expect.any(String),
    persistent: false,
  })
  const demanding = { token: refreshToken, request: atHome(), acr: 'urn:mfa' }
  expect(await sessions.refresh(demanding)).toEqual({
    ok: false,
    code: 'step_up_required',
    decision: expect.objectContaining({ outcome: 'challenge' }),
    requirements: { acr: 'urn:mfa' },
  })
  expect(await sessions.refresh({ token, request: atHome() })).toEqual({
    ok: false,
    code: 'wrong_token_use',
  })
  await sessions.refresh({ token: first.ok ? (first.refreshToken ?? '') : '', request: atHome() })
  run.host.advance(21_000)
  expect(await sessions.refresh({ token: refreshToken, request: abroad() })).toMatchObject({
    ok: false,
    code: 'session_revoked',
    decision: { outcome: 'revoke' },
  })
  expect(await sessions.refresh({ token: refreshToken, request: atHome() })).toEqual({
    ok: false,
    code: 'session_unknown',
  })
  const gate = connect({ url: run.service.url, key: KEYS.gate })
  await expect(gate.refresh({ token: refreshToken, request: atHome() })).rejects.toMatchObject({
    code: 'config_invalid',
  })
})

test('RFC 7662 and RFC 7009 know refresh tokens: revoking one ends the session', async () => {
  const run = await running()
  const { token, refreshToken } = await login(run)
  const introspect = async (shown: string): Promise<unknown> =>
    (await run.call('POST', '/v1/introspect', { body: { token: shown } })).json()
  const second = (await (await refresh(run, refreshToken)).json()).refreshToken
  await refresh(run, second)
  run.host.advance(41_000)
  const third = (await (await refresh(run, second)).json()).refreshToken

  expect(await introspect(third)).toMatchObject({ active: true, token_type: 'refresh', sub: 'ada' })
  expect(await introspect(second)).toMatchObject({ active: true })
  expect(await introspect(refreshToken)).toEqual({ active: false })

  const revoked = await run.call('POST', '/v1/revoke', { body: { token: third } })
  expect(revoked.status).toBe(200)
  expect(await introspect(token)).toEqual({ active: false })
  expect((await refresh(run, third)).status).toBe(401)
})
