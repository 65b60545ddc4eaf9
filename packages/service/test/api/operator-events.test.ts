import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions, newKeyring, SessionError, systemHost } from 'holdfast'
import { connect } from 'holdfast/client'
import { lmdbStore } from 'holdfast/lmdb'
import { formatKeyring, type SessionEvent } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import { adminActs } from '../../src/api/admin-acts.ts'
import { forwarded, gated } from '../gateways/gates.ts'
import { atHome, folder, KEYS, LOGIN, type Running, running } from '../support.ts'

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const NAMED = { 'x-request-id': 'request-of-ops', traceparent: trace }
const TRACED = { correlation: 'request-of-ops', trace }

async function login(run: Running): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: atHome() } })
  const { token, session } = await answer.json()
  return { id: session.id, token }
}

async function eventsOf(run: Running, search = ''): Promise<readonly SessionEvent[]> {
  const answer = await run.call('GET', `/v1/events?limit=1000${search}`, { key: KEYS.audit })
  return (await answer.json()).items
}

const ACTS = [
  { reason: 'session_viewed', method: 'GET', path: '/v1/sessions/ID', named: true },
  { reason: 'sessions_listed', method: 'GET', path: '/v1/subjects/ada/sessions' },
  {
    ...{ reason: 'session_revoked', method: 'POST', path: '/v1/sessions/ID/revoke', named: true },
    body: { reason: 'stolen_laptop' },
  },
  {
    ...{ reason: 'subject_revoked', method: 'POST', path: '/v1/subjects/ada/revoke' },
    body: { reason: 'spring_clean' },
  },
  {
    ...{ reason: 'attributes_changed', method: 'PATCH', path: '/v1/sessions/ID/attributes' },
    ...{ body: { cart: 4 }, headers: { 'if-match': '"1"' }, named: true },
  },
] as const

/** What operators did, without the auditor's own reading. */
async function actsOf(run: Running): Promise<readonly SessionEvent[]> {
  return (await eventsOf(run, '&type=admin-acted')).filter(({ actor }) => actor !== 'audit')
}

test.each(ACTS)('$reason is told of an operator', async (act) => {
  const run = await running()
  const { id } = await login(run)

  const { status } = await run.call(act.method, act.path.replace('ID', id), {
    ...('body' in act ? { body: act.body } : {}),
    headers: { ...NAMED, ...('headers' in act ? act.headers : {}) },
    key: KEYS.admin,
  })

  expect(status).toBeLessThan(300)
  const [established] = await eventsOf(run, '&type=session-established')
  expect(await actsOf(run)).toMatchObject([
    {
      ...{ actor: 'ops', reason: act.reason, ...TRACED },
      subject: established?.subject,
      session: 'named' in act ? id : null,
    },
  ])
})

test('who reads the log is told of in it, and the subject that was asked for', async () => {
  const run = await running()
  const { id } = await login(run)

  await eventsOf(run, '&subject=ada')
  const read = (await eventsOf(run, '&type=admin-acted')).filter(({ subject }) => subject !== null)

  const [established] = await eventsOf(run, `&session=${id}&type=session-established`)
  const { subject } = established ?? {}
  expect(read).toMatchObject([{ actor: 'audit', reason: 'events_read', subject, session: null }])
})

test('what an application looks at and does is no act of an operator', async () => {
  const run = await running()
  const { id } = await login(run)
  const calls = [
    ['GET', `/v1/sessions/${id}?subject=ada`, {}],
    ['GET', '/v1/subjects/ada/sessions', {}],
    ['POST', `/v1/sessions/${id}/revoke`, { body: { subject: 'ada', reason: 'by_owner' } }],
  ] as const

  for (const [method, path, more] of calls) {
    expect((await run.call(method, path, { ...more, key: KEYS.app })).status).toBeLessThan(300)
  }

  expect(await actsOf(run)).toEqual([])
})

test('who asks again and again has looked once a minute', async () => {
  const run = await running()
  const { id } = await login(run)
  const view = () => run.call('GET', `/v1/sessions/${id}`, { key: KEYS.admin })
  for (let times = 0; times < 5; times++) await view()
  expect(await actsOf(run)).toHaveLength(1)
  run.host.advance(60_000)
  await view()
  expect(await actsOf(run)).toHaveLength(2)
})

test('what cannot be noted is not shown, and is tried again', async () => {
  let tries = 0
  const record = async (): Promise<void> => {
    tries++
    throw new SessionError('store_unavailable', 'away')
  }
  const { looked } = adminActs({ record }, () => 0)
  const caller = { name: 'ops', roles: ['admin'] } as const
  const asker = { caller, requestId: 'r', traced: {} }

  for (let times = 1; times <= 2; times++) {
    await expect(looked(asker, 'events_read', {})).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect(tries).toBe(times)
  }
})

test('the headers of a call name its events, and those of a body before them', async () => {
  const run = await running()
  const headers = NAMED
  const own = { correlation: 'own', trace: trace.replace('-01', '-00') }

  const { token } = await login(run)
  const request = atHome()
  await run.call('POST', '/v1/logout', { body: { token }, headers })
  await run.call('POST', '/v1/reports', {
    ...{ headers, body: { kind: 'login_failed', subject: 'ada', request, ...own } },
  })
  await run.call('POST', '/v1/reports', {
    body: { kind: 'login_failed', subject: 'ada', request, trace: `${trace}x` },
    headers,
  })

  expect(await eventsOf(run, '&type=session-revoked')).toMatchObject([TRACED])
  const [first, second] = await eventsOf(run, '&type=login-failed')
  expect(first).toMatchObject(own)
  expect(second).toMatchObject({ correlation: 'request-of-ops' })
  expect(second).not.toHaveProperty('trace')
})

test('connect() hands on the ids of the request, alone and in batches', async () => {
  const run = await running()
  const sessions = connect({ url: run.service.url, key: KEYS.app })
  const headers = { ...atHome().headers, ...NAMED }
  const request = atHome({ headers })
  const login = { subject: 'ada', request, factors: ['otp'] }

  const made = await sessions.create(login)
  if (!made.ok) throw new Error(made.code)
  const presented = { token: made.token, request, acr: 'urn:mfa' }
  await Promise.all(
    [1, 2, 3].map((at) =>
      sessions.verify({
        ...presented,
        request: atHome({ headers: { ...headers, 'x-request-id': `request-${at}` } }),
      }),
    ),
  )
  const owner = { subject: 'ada', ...TRACED }
  await sessions.patchAttributes(made.session.id, { cart: 1 }, 0, owner)
  await sessions.revoke(made.session.id, { reason: 'test', ...owner })

  const events = await eventsOf(run, `&session=${made.session.id}`)
  const ids = events.map(({ type, correlation, trace }) => [type, correlation, trace])
  expect(ids).toEqual([
    ['session-established', 'request-of-ops', trace],
    ['step-up-required', expect.stringMatching(/^request-\d$/), trace],
    ['attributes-changed', 'request-of-ops', trace],
    ['session-revoked', 'request-of-ops', trace],
  ])
  expect(run.log()).toContain('"request_id":"request-of-ops"')
})

test('personal facts are shown to an auditor who asks for them, and logged nowhere', async () => {
  const path = folder()
  const keyring = newKeyring()
  writeFileSync(join(path, 'ring.json'), formatKeyring(keyring), { mode: 0o600 })
  const run = await running({
    HOLDFAST_STORE: `lmdb:${path}/store`,
    HOLDFAST_KEYRING: join(path, 'ring.json'),
  })
  const store = lmdbStore({ path: `${path}/store` })
  onTestFinished(() => store.close())
  const host = { ...systemHost(), now: run.host.now }
  const sessions = createSessions({ store, keyring, host, personalFacts: 'full' })
  await sessions.create({ subject: 'ada@example.org', request: atHome() })
  const search = '&type=session-established'

  const open = await eventsOf(run, search)
  const whole = await eventsOf(run, `${search}&personal=full`)
  const other = await run.call('GET', '/v1/events?personal=full', { key: KEYS.admin })
  const wrong = await run.call('GET', '/v1/events?personal=network', { key: KEYS.audit })

  expect(open).toHaveLength(1)
  expect(open[0]).not.toHaveProperty('personal')
  expect(JSON.stringify(open)).not.toMatch(/example\.org|192\.0\.2|Mozilla/)
  expect(whole).toMatchObject([
    {
      id: open[0]?.id,
      personal: { subject: 'ada@example.org', tenant: 'default', address: '192.0.2.10' },
    },
  ])
  expect([other.status, wrong.status]).toEqual([403, 400])
  expect(run.log()).not.toMatch(/example\.org|192\.0\.2/)
})

test('what a gate refuses by itself is told with the ids of the request', async () => {
  const { ask, token, log } = await gated()
  const headers = {
    ...forwarded({ 'x-forwarded-method': 'POST' }),
    ...NAMED,
    cookie: `__Host-session=${token}`,
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'cors',
  }

  const answer = await ask('/v1/gate/forward-auth', headers)
  const missing = await ask('/v1/gate/forward-auth', forwarded())

  expect([answer.status, missing.status]).toEqual([403, 401])
  const told = log()
    .split('\n')
    .filter((line) => line.includes('"event":"request-refused"'))
  expect(told).toHaveLength(1)
  expect(JSON.parse(told[0] ?? '{}')).toMatchObject({ reason: 'cross_site_request', ...TRACED })
})
