import { connect } from 'holdfast/client'
import { cookie as cookieCarrier } from 'holdfast/gateway'
import { describe, expect, test } from 'vitest'
import { abroad, atHome, folder, KEYS, LOGIN, type Running, running } from '../support.ts'

/** The service's cookies are those of the library's carrier, whose tests say what guards them. */
const carrier = cookieCarrier()
const FOR_NOW = { persistent: false, expiresAt: 0, now: 0 }

const stores = [
  ['memory', () => ({ HOLDFAST_STORE: 'memory:' })],
  ['lmdb', () => ({ HOLDFAST_STORE: `lmdb:${folder()}/store` })],
] as const

async function login(
  run: Running,
  more: object = {},
): Promise<{
  token: string
  session: { id: string; subject: string; attributesVersion: number }
  cookie: string
}> {
  const response = await run.call('POST', '/v1/sessions', {
    body: { ...LOGIN, request: atHome(), ...more },
  })
  expect(response.status).toBe(201)
  return response.json()
}

describe.each(stores)('the API over %s', (_, env) => {
  test('a login answers the session, its token and a guarded cookie', async () => {
    const run = await running(env())

    const { token, session, cookie } = await login(run)

    expect(session).toMatchObject({ subject: 'ada', tenant: 'default', attributes: { cart: 3 } })
    expect(cookie).toBe(carrier.deliver(token, FOR_NOW))
  })

  test('a session of the class remember gets a cookie that outlives the browser', async () => {
    const run = await running(env())

    const { cookie } = await login(run, { class: 'remember' })

    expect(cookie).toContain('Max-Age=2592000')
  })

  test('its holder is let through, a garbled token is refused and its cookie expired', async () => {
    const run = await running(env())
    const { token } = await login(run)

    const good = await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })
    const bad = await run.call('POST', '/v1/verify', {
      body: { token: `${token}x`, request: atHome() },
    })

    expect(await good.json()).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
    expect(bad.status).toBe(200)
    expect(await bad.json()).toEqual({
      ok: false,
      code: 'token_malformed',
      cookie: carrier.clear(),
    })
  })

  test('what a page asks in the background expires no cookie of a newer login', async () => {
    const run = await running(env())
    const ask = async (mode: string): Promise<unknown> => {
      const request = { ...atHome(), headers: { ...atHome().headers, 'sec-fetch-mode': mode } }
      const body = { token: 'hf1.old', request }
      return (await run.call('POST', '/v1/verify', { body })).json()
    }

    expect(await ask('cors')).toEqual({ ok: false, code: 'token_malformed' })
    expect(await ask('navigate')).toMatchObject({ cookie: expect.stringMatching('Max-Age=0') })
  })

  test('a rotated secret comes with its cookie', async () => {
    const run = await running(env())
    const { token } = await login(run)
    run.host.advance(6 * 60_000)

    const answer = await run.call('POST', '/v1/verify', {
      body: { token, request: atHome(), deliverable: true },
    })

    const body = await answer.json()
    expect(body.token).not.toBe(token)
    expect(body.cookie).toContain(`__Host-session=${body.token};`)
  })

  test('a batch answers each in its order', async () => {
    const run = await running(env())
    const { token } = await login(run)

    const answer = await run.call('POST', '/v1/verify/batch', {
      body: {
        presented: [
          { token: 'junk', request: atHome() },
          { token, request: atHome() },
        ],
      },
    })

    const { results } = await answer.json()
    expect(results.map(({ ok }: { ok: boolean }) => ok)).toEqual([false, true])
  })

  test('logging out is idempotent and final', async () => {
    const run = await running(env())
    const { token } = await login(run)

    const first = await run.call('POST', '/v1/logout', { body: { token } })
    const second = await run.call('POST', '/v1/logout', { body: { token } })
    const after = await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })

    expect([first.status, second.status]).toEqual([204, 204])
    expect(await after.json()).toMatchObject({ ok: false, code: 'session_unknown' })
  })

  test('lists and details of sessions keep the form token back, which is a secret', async () => {
    const run = await running(env())
    const { session } = await login(run)

    const shown = await (await run.call('GET', `/v1/sessions/${session.id}`)).json()
    const listed = await (await run.call('GET', '/v1/subjects/ada/sessions')).json()

    expect(session).toHaveProperty('formToken')
    expect(shown).toMatchObject({ id: session.id })
    expect(listed.items).toMatchObject([{ id: session.id }])
    expect(JSON.stringify([shown, listed])).not.toContain('formToken')
  })

  test('attributes change by merge patch against their version alone', async () => {
    const run = await running(env())
    const { session } = await login(run)
    const path = `/v1/sessions/${session.id}/attributes`
    const shown = await run.call('GET', `/v1/sessions/${session.id}`)
    const etag = shown.headers.get('etag') ?? ''

    const done = await run.call('PATCH', path, {
      body: { cart: null, theme: 'dark' },
      headers: { 'if-match': etag, 'content-type': 'application/merge-patch+json' },
    })
    const late = await run.call('PATCH', path, { body: { x: 1 }, headers: { 'if-match': etag } })

    expect(done.status).toBe(200)
    expect(done.headers.get('etag')).toBe(`"${(await done.json()).version}"`)
    expect(late.status).toBe(412)
    expect(await late.json()).toMatchObject({ code: 'attributes_conflict' })
    const now = await (await run.call('GET', `/v1/sessions/${session.id}`)).json()
    expect(now.attributes).toEqual({ theme: 'dark' })
  })

  test('an app changes the attributes of a session only by naming its owner', async () => {
    const run = await running(env())
    const { session } = await login(run)
    const patch = (query: string, key: string): Promise<Response> =>
      run.call('PATCH', `/v1/sessions/${session.id}/attributes${query}`, {
        key,
        body: { cart: null },
        headers: { 'if-match': `"${session.attributesVersion}"` },
      })

    const byIdAlone = await patch('', KEYS.app)
    const another = await patch('?subject=grace', KEYS.app)
    const elsewhere = await patch('?subject=ada&tenant=acme', KEYS.app)
    const adminOfAnother = await patch('?subject=grace', KEYS.admin)
    const owner = await patch('?subject=ada', KEYS.app)

    expect([byIdAlone.status, (await byIdAlone.json()).detail]).toEqual([
      403,
      'Without the role admin, name the subject that owns the session.',
    ])
    expect([another.status, elsewhere.status, adminOfAnother.status]).toEqual([404, 404, 404])
    expect(await owner.json()).toEqual({ version: session.attributesVersion + 1 })
  })

  test('an application looks after the sessions of a subject that it names alone', async () => {
    const run = await running(env())
    const { session } = await login(run)
    const path = `/v1/sessions/${session.id}`

    const unnamed = await run.call('GET', path, { key: KEYS.app })
    const wrong = await run.call('GET', `${path}?subject=eve`, { key: KEYS.app })
    const foreign = await run.call('POST', `${path}/revoke`, {
      key: KEYS.app,
      body: { reason: 'x', subject: 'ada', tenant: 'acme' },
    })
    const right = await run.call('GET', `${path}?subject=ada`, { key: KEYS.app })
    const revoked = await run.call('POST', `${path}/revoke`, {
      key: KEYS.app,
      body: { reason: 'closed_by_owner', subject: 'ada' },
    })

    expect([unnamed, wrong, foreign, right, revoked].map(({ status }) => status)).toEqual([
      403, 404, 404, 200, 204,
    ])
    expect((await run.call('GET', path)).status).toBe(404)
  })

  test('a revocation is logged with the key that ordered it and the request', async () => {
    const run = await running(env())
    const { session } = await login(run)
    const headers = { 'x-request-id': 'request-of-ops' }

    const path = `/v1/sessions/${session.id}/revoke`
    await run.call('POST', path, { key: KEYS.admin, body: { reason: 'stolen_laptop' }, headers })

    const { items } = await (
      await run.call('GET', `/v1/events?session=${session.id}&type=session-revoked`)
    ).json()
    expect(items).toMatchObject([
      { actor: 'ops', reason: 'stolen_laptop', correlation: 'request-of-ops' },
    ])
  })

  test('sessions of a subject are listed in pages and ended together, but for one', async () => {
    const run = await running(env())
    const ids: string[] = []
    for (let at = 0; at < 3; at++) {
      ids.push((await login(run)).session.id)
      run.host.advance(1_000)
    }

    const first = await (await run.call('GET', '/v1/subjects/ada/sessions?limit=2')).json()
    const rest = await (
      await run.call(
        'GET',
        `/v1/subjects/ada/sessions?limit=2&after=${encodeURIComponent(first.next)}`,
      )
    ).json()
    await run.call('POST', '/v1/subjects/ada/revoke', {
      body: { reason: 'spring_clean', except: ids[1] },
    })
    const left = await (await run.call('GET', '/v1/subjects/ada/sessions')).json()

    expect([...first.items, ...rest.items].map(({ id }: { id: string }) => id)).toEqual(ids)
    expect(rest.next).toBeUndefined()
    expect(left.items.map(({ id }: { id: string }) => id)).toEqual([ids[1]])
  })

  test('a login beyond the limit is refused as a conflict when so configured', async () => {
    const run = await running({
      ...env(),
      HOLDFAST_SESSION_LIMIT: '1',
      HOLDFAST_SESSION_LIMIT_BEYOND: 'refuse',
    })
    await login(run)

    const refused = await run.call('POST', '/v1/sessions', {
      body: { ...LOGIN, request: atHome() },
    })

    expect(refused.status).toBe(409)
    expect(await refused.json()).toMatchObject({ code: 'session_limit_reached', status: 409 })
  })

  test('a thief abroad is challenged, the owner passes a step-up by the same calls', async () => {
    const run = await running({ ...env(), HOLDFAST_POLICY: 'strict' })
    const { token } = await login(run)
    const body = { token, request: abroad() }

    const refused = await (await run.call('POST', '/v1/verify', { body })).json()
    const begun = await (await run.call('POST', '/v1/step-up/begin', { body })).json()
    const done = await (
      await run.call('POST', '/v1/step-up/complete', {
        body: { ...body, challenge: begun.challenge, subject: 'ada', amr: ['otp'] },
      })
    ).json()

    expect(refused).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(begun).toMatchObject({ ok: true, factors: ['otp'], subject: 'ada' })
    expect(done).toMatchObject({ ok: true, session: { subject: 'ada' } })
    expect(done.cookie).toContain(done.token)
  })

  test('every method of a connected client gives what the engine gives', async () => {
    const run = await running({ ...env(), HOLDFAST_POLICY: 'strict' })
    const sessions = connect({ url: run.service.url, key: KEYS.all })
    const created = await sessions.create({ ...LOGIN, request: atHome() })
    if (!created.ok) throw new Error(created.code)
    const { id } = created.session
    const { token } = created

    expect(Object.keys(created).sort()).toEqual([
      'decision',
      'ok',
      'persistent',
      'session',
      'token',
    ])
    const verified = await sessions.verify({ token, request: atHome() })
    expect(verified).toMatchObject({ ok: true, persistent: false })
    expect(verified).not.toHaveProperty('cookie')
    expect(await sessions.verify({ token: 'junk', request: atHome() })).toEqual({
      ok: false,
      code: 'token_malformed',
    })
    const owner = { subject: 'ada' }
    const { attributesVersion } = created.session
    expect(await sessions.patchAttributes(id, { cart: 4 }, attributesVersion, owner)).toBe(
      attributesVersion + 1,
    )
    await expect(sessions.patchAttributes(id, {}, 99, owner)).rejects.toMatchObject({
      code: 'attributes_conflict',
    })
    await expect(
      sessions.patchAttributes(id, {}, attributesVersion + 1, { subject: 'grace' }),
    ).rejects.toMatchObject({ code: 'not_found' })
    expect((await sessions.list({ subject: 'ada' })).items).toHaveLength(1)
    expect(await sessions.show(id)).toMatchObject({ id, attributes: { cart: 4 } })

    expect(await sessions.verify({ token, request: abroad() })).toMatchObject({ ok: false })
    const begun = await sessions.beginStepUp({ token, request: abroad() })
    if (!begun.ok) throw new Error(begun.code)
    const done = await sessions.completeStepUp({
      challenge: begun.challenge,
      token,
      request: abroad(),
      subject: 'ada',
    })
    if (!done.ok) throw new Error(done.code)

    await sessions.report({ kind: 'login_failed', subject: 'ada', request: abroad() })
    await sessions.revokeSubject({ subject: 'ada' }, { reason: 'everywhere', except: id })
    expect(await sessions.show(id)).toBeDefined()
    await sessions.logout(done.token ?? '')
    expect(await sessions.show(id)).toBeUndefined()
    await sessions.revoke(id, { reason: 'twice' })
    await expect(
      sessions.verify({ token, request: atHome({ url: 1 as never }) }),
    ).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })
})

test('every answer forbids caching and sniffing, and carries the request id', async () => {
  const run = await running()

  const answers = [
    await run.call('GET', '/openapi.json', { headers: { 'x-request-id': 'given-by-caller' } }),
    await run.call('POST', '/v1/verify', { key: null, headers: { 'x-request-id': 'no good id' } }),
    await run.call('GET', '/nowhere'),
  ]

  for (const { headers } of answers) {
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  }
  expect(answers[0]?.headers.get('x-request-id')).toBe('given-by-caller')
  expect(answers[1]?.headers.get('x-request-id')).toMatch(/^[\w-]{22}$/)
})
