import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'holdfast/client'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { atHome, configOf, folder, KEYS, LOGIN, type Running, running } from '../support.ts'

const AUDIENCES = {
  HOLDFAST_AUDIENCES: '{ orders: {}, billing: { algorithm: ES256, lifetime: 60s } }',
  HOLDFAST_ISSUER: 'https://auth.example',
}

async function login(run: Running): Promise<string> {
  const body = { ...LOGIN, request: atHome() }
  return (await (await run.call('POST', '/v1/sessions', { body })).json()).token
}

test('a verification for an audience brings a token that the published keys verify', async () => {
  const run = await running(AUDIENCES)
  const token = await login(run)

  const answers = await Promise.all(
    ['orders', 'billing'].map(async (audience) => {
      const body = { token, request: atHome(), audience }
      return (await run.call('POST', '/v1/verify', { body })).json()
    }),
  )

  const keys = createRemoteJWKSet(new URL(`${run.service.url}/.well-known/jwks.json`))
  for (const [at, audience] of ['orders', 'billing'].entries()) {
    const { accessToken, expiresIn, session } = answers[at]
    const { payload, protectedHeader } = await jwtVerify(accessToken, keys, {
      issuer: 'https://auth.example',
      audience,
      typ: 'at+jwt',
    })
    expect(payload).toMatchObject({ sub: 'ada', sid: session.id, client_id: 'holdfast' })
    expect([protectedHeader.alg, expiresIn]).toEqual(at === 0 ? ['EdDSA', 90] : ['ES256', 60])
  }
})

test('each presentation of a batch has an audience of its own', async () => {
  const run = await running(AUDIENCES)
  const token = await login(run)

  const presented = [{ audience: 'billing' }, {}].map((ask) => ({
    token,
    request: atHome(),
    ...ask,
  }))
  const { results } = await (
    await run.call('POST', '/v1/verify/batch', { body: { presented } })
  ).json()

  expect(decodeJwt(results[0].accessToken).aud).toBe('billing')
  expect(results[1]).not.toHaveProperty('accessToken')
})

test('an audience that is not configured is the fault of the caller, with its field', async () => {
  const run = await running()
  const body = { token: await login(run), request: atHome(), audience: 'orders' }

  const answer = await run.call('POST', '/v1/verify', { body })

  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'invalid_input', field: 'audience' })
})

test('a remote application gets access tokens as one in process does', async () => {
  const run = await running(AUDIENCES)
  const sessions = connect({ url: run.service.url, key: KEYS.app })
  const token = await login(run)

  const answer = await sessions.verify({ token, request: atHome(), audience: 'orders' })

  expect(answer).toMatchObject({ ok: true, expiresIn: 90 })
  expect(answer.ok && decodeJwt(answer.accessToken ?? '').aud).toBe('orders')
})

test('the key set needs no key, may be cached, and answers 304 to those who have it', async () => {
  const run = await running(AUDIENCES)
  const ask = (headers: Record<string, string> = {}): Promise<Response> =>
    run.call('GET', '/.well-known/jwks.json', { key: null, headers })

  const full = await ask()
  const etag = full.headers.get('etag') ?? ''
  const known = await ask({ 'if-none-match': `"old", W/${etag}` })
  const other = await ask({ 'if-none-match': '"old"' })

  expect(full.status).toBe(200)
  expect(full.headers.get('content-type')).toBe('application/json')
  expect(full.headers.get('cache-control')).toBe('public, max-age=300, stale-if-error=86400')
  expect(etag).toMatch(/^"[\w-]{22}"$/)
  const { keys } = await full.json()
  expect(keys.map(({ alg, use }: { alg: string; use: string }) => `${alg} ${use}`)).toEqual([
    'EdDSA sig',
    'EdDSA sig',
    'ES256 sig',
    'ES256 sig',
  ])
  expect(JSON.stringify(keys)).not.toContain('"d"')
  expect([known.status, await known.text()]).toEqual([304, ''])
  expect(known.headers.get('etag')).toBe(etag)
  expect(known.headers.get('cache-control')).toContain('max-age=300')
  expect(other.status).toBe(200)
})

test('without audiences the key set is empty and no key is made up', async () => {
  const dir = folder()
  const run = await running({ HOLDFAST_STORE: `lmdb:${dir}/store` })

  const answer = await run.call('GET', '/.well-known/jwks.json', { key: null })

  expect(await answer.json()).toEqual({ keys: [] })
  expect(existsSync(join(dir, 'development-signing-keys.json'))).toBe(false)
})

test('development keys are made beside an LMDB store, loudly, and survive a restart', async () => {
  const env = { ...AUDIENCES, HOLDFAST_STORE: `lmdb:${folder()}/store` }
  const published = async (run: Running): Promise<string> =>
    (await run.call('GET', '/.well-known/jwks.json', { key: null })).text()
  const first = await running(env)
  const before = await published(first)
  await first.service.close()

  const second = await running(env)

  expect(first.log()).toContain('DEVELOPMENT SIGNING KEYS')
  expect(await published(second)).toBe(before)
})

test('a file of signing keys that others can read is used, with a warning', async () => {
  const file = join(folder(), 'signing.json')
  const keys = newSigningKeys()
  writeFileSync(file, formatSigningKeys(keys), { mode: 0o644 })

  const run = await running({ HOLDFAST_AUDIENCES: '{ orders: }', HOLDFAST_SIGNING_KEYS: file })

  const { keys: published } = await (await run.call('GET', '/.well-known/jwks.json')).json()
  expect(published.map(({ kid }: { kid: string }) => kid)).toEqual(keys.keys.map(({ kid }) => kid))
  expect(run.log()).toContain('chmod 600')
})

test.each([
  [
    'a file that is not there',
    { HOLDFAST_SIGNING_KEYS: '/nowhere/keys.json' },
    'holdfast keys new',
  ],
  [
    'an algorithm that the file has no key for',
    { HOLDFAST_AUDIENCES: '{ orders: { algorithm: RS256 } }', HOLDFAST_SIGNING_KEYS: 'made below' },
    'RS256',
  ],
])('the service does not start with %s', async (_, env, said) => {
  const file = join(folder(), 'signing.json')
  writeFileSync(file, formatSigningKeys(newSigningKeys()), { mode: 0o600 })
  const made = env.HOLDFAST_SIGNING_KEYS === 'made below'

  const refused = running({ ...env, ...(made ? { HOLDFAST_SIGNING_KEYS: file } : {}) })

  await expect(refused).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining(said),
  })
})

test('Redis demands a file of signing keys only where there are audiences', async () => {
  const redis = { HOLDFAST_STORE: 'redis://127.0.0.1:6379', HOLDFAST_KEYRING: 'ring.json' }

  expect(() => configOf(redis)).not.toThrow()
  expect(() => configOf({ ...redis, ...AUDIENCES })).toThrow(/HOLDFAST_SIGNING_KEYS|signingKeys/)
})

test.each([
  ['HOLDFAST_ISSUER', 'auth.example'],
  ['HOLDFAST_ISSUER', 'https://auth.example/?a=b'],
  ['HOLDFAST_ACCESS_TOKEN_LIFETIME', '9s'],
  ['HOLDFAST_ACCESS_TOKEN_LIFETIME', '121s'],
  ['HOLDFAST_AUDIENCES', '{ orders: { algorithm: none } }'],
  ['HOLDFAST_AUDIENCES', '{ orders: { lifetme: 30s } }'],
  ['HOLDFAST_AUDIENCES', '{ "": {} }'],
  ['HOLDFAST_AUDIENCES', '[orders]'],
])('a setting that cannot be meant is refused by its name: %s=%s', (name, value) => {
  expect(() => configOf({ [name]: value })).toThrow(name)
})

test('what is in force can be read back', async () => {
  let out = ''
  await main(['config', 'print'], {
    env: { HOLDFAST_API_KEYS: 'shop:app:not-used-by-this-command', ...AUDIENCES },
    stdout: (text) => {
      out += text
    },
    stderr: () => {},
  })

  expect(out).toContain('lifetime: 1m')
  expect(out).toContain('issuer: https://auth.example')
})
