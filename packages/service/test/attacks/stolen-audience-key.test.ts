import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { CHROME, cookieOf, forwarded } from '../gateways/gates.ts'
import { KEYS, LOGIN, narrowKeys, running } from '../support.ts'

const REQUEST = { ip: '192.0.2.10', method: 'GET', url: '/', headers: { 'user-agent': CHROME } }
const SPELLINGS = [
  'orders',
  'Orders',
  'orders ',
  'billing,orders',
  'billing orders',
  '*',
  '__proto__',
]

test('who holds the keys of one service gets access tokens for no other, by any call', async () => {
  const run = await running(narrowKeys())
  const body = { ...LOGIN, refresh: true, request: REQUEST }
  const { token, refreshToken } = await (await run.call('POST', '/v1/sessions', { body })).json()
  const said: string[] = []
  const ask = async (path: string, key: string, asked: object, headers = {}): Promise<void> => {
    const answer = await run.call('POST', path, { key, body: asked, headers })
    said.push(await answer.text())
  }

  for (const audience of [...SPELLINGS, ['orders'], { 0: 'orders' }, null, '']) {
    const one = { token, request: REQUEST, audience }
    for (const key of [KEYS.app, KEYS.gate]) {
      await ask('/v1/verify', key, one)
      for (const accept of ['application/json', 'application/x-ndjson']) {
        const presented = [{ ...one, audience: 'billing' }, one]
        await ask('/v1/verify/batch', key, { presented }, { accept })
      }
    }
    await ask('/v1/refresh', KEYS.app, { ...one, token: refreshToken, deliverable: true })
    await ask('/v1/step-up/begin', KEYS.app, one)
    for (const more of [`audience=${audience}`, `audience=billing&audience=${audience}`]) {
      const headers = { ...forwarded({ cookie: cookieOf(token) }), 'holdfast-key': KEYS.gate }
      const url = `${run.service.gateUrl}/v1/gate/forward-auth?${encodeURI(more)}`
      const answer = await fetch(url, { headers })
      said.push(`${answer.headers.get('authorization')} ${await answer.text()}`)
    }
  }
  await ask('/v1/refresh', KEYS.app, { token: refreshToken, request: REQUEST, deliverable: true })

  const tokens = said.flatMap((text) => text.match(/ey[\w-]+\.[\w-]+\.[\w-]+/g) ?? [])
  expect(new Set(tokens.map((one) => decodeJwt(one).aud))).toEqual(new Set(['billing']))
})

test('of a token for another service it hears nothing, and ends no session by it', async () => {
  const run = await running(narrowKeys())
  const body = { ...LOGIN, request: REQUEST }
  const { token } = await (await run.call('POST', '/v1/sessions', { body })).json()
  const verified = await run.call('POST', '/v1/verify', {
    body: { token, request: REQUEST, audience: 'orders' },
  })
  const { accessToken } = await verified.json()
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const basic = (name: 'app' | 'gate') => ({
    authorization: `Basic ${btoa(`${name}:${KEYS[name]}`)}`,
  })

  for (const hint of ['access_token', 'refresh_token', 'session']) {
    const fields = `token=${accessToken}&token_type_hint=${hint}&aud=orders`
    for (const name of ['app', 'gate'] as const) {
      const headers = { ...form, ...basic(name) }
      const told = await run.call('POST', '/v1/introspect', { key: null, body: fields, headers })
      expect(await told.json()).toEqual({ active: false })
      const ended = await run.call('POST', '/v1/revoke', { key: null, body: fields, headers })
      expect(ended.status).toBe(403)
    }
    const logout = { key: KEYS.app, body: { token: accessToken } }
    expect((await run.call('POST', '/v1/logout', logout)).status).toBe(204)
  }

  const alive = await run.call('POST', '/v1/introspect', { body: { token: accessToken } })
  expect(await alive.json()).toMatchObject({ active: true, aud: 'orders' })
})
