import { connect } from 'holdfast/client'
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/config/api-keys.ts'
import { gatewaysOf } from '../../src/gates/callers.ts'
import { CHROME, cookieOf, forwarded, original } from '../gateways/gates.ts'
import { atHome, KEYS, LOGIN, narrowKeys, type Running, running } from '../support.ts'

const LINES = { accept: 'application/x-ndjson' }

const narrowed = (): Promise<Running> => running(narrowKeys())

interface LoggedIn {
  readonly token: string
  readonly refreshToken: string
  readonly id: string
}

async function login(run: Running): Promise<LoggedIn> {
  const body = { ...LOGIN, refresh: true, request: atHome() }
  const answer = await run.call('POST', '/v1/sessions', { body })
  const { token, refreshToken, session } = await answer.json()
  return { token, refreshToken, id: session.id }
}

async function accessToken(run: Running, token: string, audience: string): Promise<string> {
  const body = { token, request: atHome(), audience }
  return (await (await run.call('POST', '/v1/verify', { body })).json()).accessToken
}

async function forbidden(answer: Response, audience: string): Promise<void> {
  expect(answer.status).toBe(403)
  const problem = await answer.json()
  expect(problem).toMatchObject({ code: 'caller_forbidden' })
  expect(problem.detail).toContain(`"${audience}"`)
  expect(problem.detail).toContain('`audiences` of the key in the setting `apiKeys`')
}

async function verifications(run: Running): Promise<number> {
  const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  const counted = [...text.matchAll(/^holdfast_verifications_total\{.*\} (\d+)$/gm)]
  return counted.reduce((sum, [, count]) => sum + Number(count), 0)
}

async function eventsOf(run: Running): Promise<number> {
  const { items } = await (await run.call('GET', '/v1/events')).json()
  return items.filter(({ type }: { type: string }) => type !== 'admin-acted').length
}

describe.each([
  ['in front of the general machinery', 'short'],
  ['the long way', 'long'],
])('a key of some audiences asks for access tokens, %s', (_, way) => {
  /** A body without a length goes the long way. */
  async function ask(run: Running, path: string, key: string, body: object, headers = {}) {
    if (way === 'short') return run.call('POST', path, { key, body, headers })
    return fetch(`${run.service.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: new Blob([JSON.stringify(body)]).stream(),
      duplex: 'half',
    } as RequestInit)
  }

  test('and gets them for its own; else it is told which one and in which setting', async () => {
    const run = await narrowed()
    const { token } = await login(run)
    const body = (audience: string): object => ({ token, request: atHome(), audience })

    const own = await ask(run, '/v1/verify', KEYS.app, body('billing'))
    const other = await ask(run, '/v1/verify', KEYS.app, body('orders'))
    const unknown = await ask(run, '/v1/verify', KEYS.gate, body('payroll'))

    expect(decodeJwt((await own.json()).accessToken).aud).toBe('billing')
    await forbidden(other, 'orders')
    await forbidden(unknown, 'payroll')
  })

  test('and is judged without one as ever', async () => {
    const run = await narrowed()
    const { token } = await login(run)

    const answer = await ask(run, '/v1/verify', KEYS.app, { token, request: atHome() })

    const judged = await answer.json()
    expect(judged).toMatchObject({ ok: true, session: { subject: 'ada' } })
    expect(judged).not.toHaveProperty('accessToken')
  })

  test('a refused call judges nobody: no secret rotates and no event is written', async () => {
    const run = await narrowed()
    const { token } = await login(run)
    run.host.advance(6 * 60_000)
    const before = await eventsOf(run)
    const body = { token, request: atHome(), deliverable: true, audience: 'orders' }

    await forbidden(await ask(run, '/v1/verify', KEYS.app, body), 'orders')

    expect(await eventsOf(run)).toBe(before)
    const next = await ask(run, '/v1/verify', KEYS.app, { ...body, audience: 'billing' })
    expect(await next.json()).toMatchObject({ ok: true, token: expect.any(String) })
  })

  test('in a batch with lines the one presentation alone is refused', async () => {
    const run = await narrowed()
    const { token } = await login(run)
    const presented = ['billing', 'orders', undefined].map((audience) => ({
      token,
      request: atHome(),
      ...(audience === undefined ? {} : { audience }),
    }))

    const answer = await ask(run, '/v1/verify/batch', KEYS.app, { presented }, LINES)

    expect(answer.status).toBe(200)
    const lines = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    lines.sort((a, b) => a.at - b.at)
    expect(lines).toMatchObject([
      { at: 0, result: { ok: true, accessToken: expect.any(String) } },
      { at: 1, problem: { code: 'caller_forbidden', status: 403 } },
      { at: 2, result: { ok: true } },
    ])
    expect(lines[1].problem.detail).toContain('"orders"')
  })

  test('a batch that is answered as a whole is refused before any of it is judged', async () => {
    const run = await narrowed()
    const { token } = await login(run)
    run.host.advance(6 * 60_000)
    const own = { token, request: atHome(), deliverable: true, audience: 'billing' }
    const presented = [own, { ...own, audience: 'orders' }]

    await forbidden(await ask(run, '/v1/verify/batch', KEYS.app, { presented }), 'orders')

    const next = await ask(run, '/v1/verify', KEYS.app, own)
    expect(await next.json()).toMatchObject({ ok: true, token: expect.any(String) })
    expect(await verifications(run)).toBe(1)
  })
})

test('in one turn of an application the forbidden presentation alone fails', async () => {
  const run = await narrowed()
  const { token } = await login(run)
  const sessions = connect({ url: run.service.url, key: KEYS.app })

  const [own, other, plain] = await Promise.allSettled(
    [{ audience: 'billing' }, { audience: 'orders' }, {}].map((ask) =>
      sessions.verify({ token, request: atHome(), ...ask }),
    ),
  )

  expect(own).toMatchObject({ value: { ok: true, accessToken: expect.any(String) } })
  expect(other).toMatchObject({
    reason: { code: 'config_invalid', message: expect.stringContaining('"orders"') },
  })
  expect(plain).toMatchObject({ value: { ok: true } })
})

describe('a refresh by a key of some audiences', () => {
  const ask = (run: Running, token: string, more: object = {}, key: string = KEYS.app) =>
    run.call('POST', '/v1/refresh', {
      key,
      body: { token, request: atHome(), deliverable: true, ...more },
    })

  test.each([
    ['names another one', { audience: 'orders' }],
    ['names none, and the first of the setting is another one', {}],
  ])('is refused where it %s, and the refresh token stays good', async (_, more) => {
    const run = await narrowed()
    const { refreshToken } = await login(run)

    await forbidden(await ask(run, refreshToken, more), 'orders')

    const answer = await ask(run, refreshToken, { audience: 'billing' })
    const refreshed = await answer.json()
    expect(refreshed).toMatchObject({ status: 'rotated' })
    expect(decodeJwt(refreshed.accessToken).aud).toBe('billing')
  })

  test('a key without audiences gets one for the first of the setting', async () => {
    const run = await narrowed()
    const { refreshToken } = await login(run)

    const answer = await ask(run, refreshToken, {}, KEYS.all)

    expect(decodeJwt((await answer.json()).accessToken).aud).toBe('orders')
  })
})

describe('a key of some audiences shows an access token', () => {
  const introspected = async (run: Running, token: string, key: string): Promise<object> =>
    (await run.call('POST', '/v1/introspect', { body: { token }, key })).json()

  test.each(['app', 'gate'] as const)(
    'and %s is told of its own alone: one of others is inactive, without another word',
    async (name) => {
      const run = await narrowed()
      const { token, id } = await login(run)
      const own = await accessToken(run, token, 'billing')
      const other = await accessToken(run, token, 'orders')

      expect(await introspected(run, own, KEYS[name])).toMatchObject({ active: true, sid: id })
      expect(await introspected(run, other, KEYS[name])).toEqual({ active: false })
      expect(await introspected(run, other, KEYS.all)).toMatchObject({ active: true, sid: id })
    },
  )

  test('and of session and refresh tokens, which are for no audience, as ever', async () => {
    const run = await narrowed()
    const { token, refreshToken } = await login(run)

    expect(await introspected(run, token, KEYS.gate)).toMatchObject({ token_type: 'session' })
    expect(await introspected(run, refreshToken, KEYS.gate)).toMatchObject({
      token_type: 'refresh',
    })
  })

  test('and ends no session by one of others, and is told so', async () => {
    const run = await narrowed()
    const { token } = await login(run)
    const other = await accessToken(run, token, 'orders')

    const answer = await run.call('POST', '/v1/revoke', { key: KEYS.app, body: { token: other } })

    expect(await answer.clone().json()).toMatchObject({ error: 'unauthorized_client' })
    await forbidden(answer, 'orders')
    expect(await introspected(run, other, KEYS.all)).toMatchObject({ active: true })
  })

  test.each([
    [
      'an access token of its own',
      (run: Running, { token }: LoggedIn) => accessToken(run, token, 'billing'),
    ],
    ['a session token', async (_: Running, { token }: LoggedIn) => token],
    ['a refresh token', async (_: Running, { refreshToken }: LoggedIn) => refreshToken],
  ])('and ends the session by %s', async (_, choose) => {
    const run = await narrowed()
    const session = await login(run)
    const chosen = await choose(run, session)

    const answer = await run.call('POST', '/v1/revoke', { key: KEYS.app, body: { token: chosen } })

    expect(answer.status).toBe(200)
    expect(await introspected(run, session.token, KEYS.all)).toEqual({ active: false })
  })

  test('and an expired one of others is nothing to end, as what nobody knows', async () => {
    const run = await narrowed()
    const { token } = await login(run)
    const other = await accessToken(run, token, 'orders')
    run.host.advance(95_000)

    const answer = await run.call('POST', '/v1/revoke', { key: KEYS.app, body: { token: other } })

    expect(answer.status).toBe(200)
    expect(await introspected(run, token, KEYS.all)).toMatchObject({ active: true })
  })
})

describe('the key of a gateway', () => {
  const REFUSED = 'a gateway asks for access tokens of an audience that its key is not for'

  async function gate(run: Running, path: string, ask: RequestInit): Promise<Response> {
    return fetch(`${run.service.gateUrl}/v1/gate/${path}`, ask)
  }

  test.each([
    ['forward-auth', forwarded, '?'],
    ['auth-request', original, '?'],
  ] as const)('%s is held to them', async (name, told, sign) => {
    const run = await narrowed()
    const cookie = cookieOf((await atChrome(run)).token)
    const ask = (options: string, key: string): Promise<Response> =>
      gate(run, `${name}${sign}${options}`, {
        headers: { ...told({ cookie }), 'holdfast-key': key },
      })

    const own = await ask('audience=billing', KEYS.gate)
    const other = await ask('audience=orders', KEYS.gate)
    const optional = await ask('audience=orders&optional=yes', KEYS.gate)
    const unbound = await ask('audience=orders', KEYS.all)

    expect(own.status).toBe(200)
    expect(decodeJwt(own.headers.get('authorization')?.slice(7) ?? '').aud).toBe('billing')
    await forbidden(other, 'orders')
    await forbidden(optional, 'orders')
    expect(other.headers.get('set-cookie')).toBeNull()
    expect(unbound.status).toBe(200)
    const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
    expect(text).toContain(
      `holdfast_gate_rejected_total{dialect="${name}",reason="audience_forbidden"} 2`,
    )
    expect(run.log().split(REFUSED).length).toBe(2)
  })

  test('holds from a trusted address, too; who shows no key there is for all', () => {
    const key = { name: 'edge', roles: ['gate'], digest: digestOf(KEYS.gate) } as const
    const find = gatewaysOf([{ ...key, audiences: ['billing'] }], ['192.0.2.0/24'])
    const address = '192.0.2.1'

    expect(find({ key: KEYS.gate, address })?.audiences).toEqual(['billing'])
    expect(find({ key: undefined, address })).toEqual({})
    expect(find({ key: undefined, address: '198.51.100.1' })).toBeUndefined()
  })

  async function atChrome(run: Running): Promise<LoggedIn> {
    const request = {
      ip: '192.0.2.10',
      method: 'POST',
      url: '/login',
      headers: { 'user-agent': CHROME },
    }
    return (await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request } })).json()
  }
})
