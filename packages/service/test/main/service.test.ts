import { readFileSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'holdfast/client'
import { describe, expect, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { startService } from '../../src/index.ts'
import { abroad, atHome, configOf, folder, KEYS, LOGIN, running } from '../support.ts'

test('a full run leaves no secret, no subject and no address of a user in the log', async () => {
  const run = await running({ HOLDFAST_POLICY: 'strict', HOLDFAST_LOG_LEVEL: 'debug' })
  const sessions = connect({ url: run.service.url, key: KEYS.all })
  const created = await sessions.create({ ...LOGIN, subject: 'ada.lovelace', request: atHome() })
  if (!created.ok) throw new Error(created.code)
  const { token, session } = created
  run.host.advance(360_000)
  const rotated = await sessions.verify({ token, request: atHome(), deliverable: true })
  await sessions.verify({ token, request: abroad() })
  const begun = await sessions.beginStepUp({ token, request: abroad() })
  await sessions.list({ subject: 'ada.lovelace' })
  await run.call('GET', `/v1/sessions/${session.id}?subject=ada.lovelace`)
  await run.call('POST', '/v1/verify', { body: `{"token":"${token}","junk":` })
  await run.call('POST', '/v1/verify', { body: { token, [token]: 1 } })
  await run.call('GET', `/v1/${token}?key=${KEYS.app}`, { key: null })
  await run.call('POST', '/v1/verify', { key: `${KEYS.app}-almost`, body: {} })
  await sessions.logout(token)

  const log = run.log()

  expect(log.split('\n').length).toBeGreaterThan(15)
  const secrets = [
    token,
    rotated.ok ? (rotated.token ?? token) : token,
    begun.ok ? begun.challenge : token,
    session.formToken,
    ...Object.values(KEYS),
    'ada.lovelace',
    '192.0.2.10',
    '203.0.113.66',
    'Mozilla',
  ]
  for (const secret of secrets) expect(log).not.toContain(secret)
  const proof = token.split('.')[2] ?? token
  expect(log).not.toContain(proof)
})

test('each request is one line: who, what, how it ended and the request id', async () => {
  const run = await running()

  const answer = await run.call('GET', '/v1/subjects/ada/sessions', { key: KEYS.admin })
  await answer.arrayBuffer()

  const line = run
    .log()
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text))
    .find(({ msg }) => msg === 'request')
  expect(line).toMatchObject({
    method: 'GET',
    route: '/v1/subjects/{subject}/sessions',
    status: 200,
    caller: 'ops',
    request_id: answer.headers.get('x-request-id'),
    address: '127.0.0.1',
  })
})

test('the caller in the log is the one that a trusted proxy names', async () => {
  const trusting = await running({ HOLDFAST_TRUSTED_PROXIES: '127.0.0.1' })
  const alone = await running()
  const headers = { 'x-forwarded-for': '10.9.8.7' }

  await (await trusting.call('GET', '/openapi.json', { headers })).arrayBuffer()
  await (await alone.call('GET', '/openapi.json', { headers })).arrayBuffer()

  expect(trusting.log()).toContain('"address":"10.9.8.7"')
  expect(alone.log()).not.toContain('10.9.8.7')
})

describe('the management listener', () => {
  test('says that the process lives and that the store answers', async () => {
    const { service } = await running()

    const live = await fetch(`${service.managementUrl}/livez`)
    const ready = await fetch(`${service.managementUrl}/readyz`)
    const other = await fetch(`${service.managementUrl}/v1/verify`)
    const posted = await fetch(`${service.managementUrl}/livez`, { method: 'POST', body: 'x' })

    expect([live.status, ready.status, other.status, posted.status]).toEqual([200, 200, 404, 405])
  })

  test('counts requests, verifications and events; no client chooses labels', async () => {
    const run = await running()
    const created = await run.call('POST', '/v1/sessions', {
      body: { ...LOGIN, request: atHome() },
    })
    const { token } = await created.json()
    await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })
    await run.call('POST', '/v1/verify', { body: { token: 'junk', request: atHome() } })
    await run.call('GET', '/never/heard/of')

    const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()

    expect(text).toMatch(/holdfast_verifications_total\{outcome="allow",code="ok"\} 1/)
    expect(text).toMatch(/holdfast_verifications_total\{outcome="none",code="token_malformed"\} 1/)
    expect(text).toMatch(/holdfast_events_total\{type="session-established"\} 1/)
    expect(text).toMatch(
      new RegExp(
        'holdfast_http_request_duration_seconds_count' +
          '\\{method="POST",route="/v1/verify",status="200"\\} 2',
      ),
    )
    expect(text).toContain('route="none"')
    expect(text).not.toContain('/never')
    expect(text).toContain('process_cpu_user_seconds_total')
  })

  test('tells how many entries its memories have', async () => {
    const run = await running()
    const body = { ...LOGIN, request: atHome() }
    const { token } = await (await run.call('POST', '/v1/sessions', { body })).json()
    await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })
    const entries = async (): Promise<Record<string, string>> => {
      const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
      const lines = text.matchAll(/^holdfast_memory_entries\{what="(\w+)"\} (\d+)$/gm)
      return Object.fromEntries([...lines].map(([, what = '', count = '']) => [what, count]))
    }
    const before = await entries()

    await run.call('POST', '/v1/logout', { body: { token } })

    expect(before).toMatchObject({ records: '1', versions: '1', copies: '0', ended: '0' })
    await until('it has heard', async () => (await entries()).revocations === '1')
    expect(await entries()).toMatchObject({ ended: '1' })
  })

  test('keeps local copies when it is told to, and counts how often one was of use', async () => {
    const run = await running({ HOLDFAST_LOCAL_COPIES: 'true' })
    const body = { ...LOGIN, request: atHome() }
    const { token } = await (await run.call('POST', '/v1/sessions', { body })).json()
    const counted = async (): Promise<string> =>
      (await fetch(`${run.service.managementUrl}/metrics`)).text()

    await until('a copy answers', async () => {
      await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })
      return /holdfast_local_copies\{state="hit"\} [1-9]/.test(await counted())
    })
    await run.call('POST', '/v1/logout', { body: { token } })
    const after = await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })

    expect(await after.json()).toMatchObject({ ok: false, code: 'session_unknown' })
    expect(await counted()).toMatch(/holdfast_local_copies\{state="miss"\} [1-9]/)
  })
})

describe('stopping', () => {
  test('lets a request in flight finish, takes no new one, and can be asked twice', async () => {
    const { service } = await running()
    const body = JSON.stringify({ token: 'junk' })
    const answered = new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest(
        `${service.url}/v1/logout`,
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${KEYS.app}`,
            'content-type': 'application/json',
            'content-length': body.length,
          },
        },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      sent.on('error', reject)
      sent.write(body.slice(0, 5), async () => {
        await fetch(`${service.managementUrl}/livez`) // the request above has arrived by now
        stopped = service.close()
        sent.end(body.slice(5))
      })
    })
    let stopped: Promise<void> | undefined

    const status = await answered
    await stopped

    expect(status).toBe(204)
    await expect(fetch(`${service.url}/openapi.json`)).rejects.toThrow()
    await expect(service.close()).resolves.toBeUndefined()
  })

  test('drains first: says "not ready" and goes on serving until it closes', async () => {
    const run = await running({ HOLDFAST_DRAIN: '2s' })
    const before = await run.call('GET', '/openapi.json', { key: null })

    const stopped = run.service.close()
    const ready = await fetch(`${run.service.managementUrl}/readyz`)
    const during = await run.call('POST', '/v1/logout', { body: { token: 'junk' } })
    await stopped

    expect(before.headers.get('connection')).toBe('keep-alive')
    expect(ready.status).toBe(503)
    expect(during.status).toBe(204)
    expect(during.headers.get('connection')).toBe('close')
    await expect(fetch(`${run.service.url}/openapi.json`)).rejects.toThrow()
  })

  test('says "not ready" while requests are still finishing', async () => {
    const { service } = await running({ HOLDFAST_STOP_TIMEOUT: '2s' })
    const stuck = httpRequest(`${service.url}/v1/logout`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEYS.app}`,
        'content-type': 'application/json',
        'content-length': 10,
      },
    })
    const cut = new Promise((resolve) => stuck.on('error', resolve))
    await new Promise((resolve) => stuck.write('{', resolve))
    await fetch(`${service.managementUrl}/livez`)

    const stopped = service.close()
    const ready = await fetch(`${service.managementUrl}/readyz`)
    await stopped

    expect(ready.status).toBe(503)
    expect(await cut).toBeInstanceOf(Error)
  })
})

describe('the key ring', () => {
  test('of a development start is made once beside the store, for its owner alone', async () => {
    const env = { HOLDFAST_STORE: `lmdb:${folder()}/store` }
    const first = await running(env)
    const created = await first.call('POST', '/v1/sessions', {
      body: { ...LOGIN, request: atHome() },
    })
    const { token } = await created.json()
    await first.service.close()

    const second = await running(env)
    const answer = await second.call('POST', '/v1/verify', { body: { token, request: atHome() } })

    expect(first.log()).toContain('DEVELOPMENT KEY RING')
    const ring = `${env.HOLDFAST_STORE.slice(5, -6)}/development-keyring.json`
    expect(statSync(ring).mode & 0o777).toBe(0o600)
    expect(second.log()).not.toContain(JSON.parse(readFileSync(ring, 'utf8')).index)
    expect(await answer.json()).toMatchObject({ ok: true })
  })

  test('that is configured and missing stops the start', async () => {
    const config = configOf({ HOLDFAST_KEYRING: '/nowhere/ring.json' })

    const start = startService(config, { log: { write: () => {} } })

    await expect(start).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('holdfast keys new'),
    })
  })
})

test('a port that is taken stops the start, and leaves nothing listening', async () => {
  const first = await running()
  const taken = new URL(first.service.url).host
  const config = configOf({ HOLDFAST_LISTEN: taken })

  const start = startService(config, { log: { write: () => {} } })

  await expect(start).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining(`${taken} (EADDRINUSE)`),
  })
  await expect(start).rejects.toThrow('set HOLDFAST_LISTEN')
})

test('a management port that is taken is named with its own setting', async () => {
  const first = await running()
  const config = configOf({
    HOLDFAST_MANAGEMENT_LISTEN: new URL(first.service.url).host,
  })

  const start = startService(config, { log: { write: () => {} } })

  await expect(start).rejects.toThrow('set HOLDFAST_MANAGEMENT_LISTEN')
})
