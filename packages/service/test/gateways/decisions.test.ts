import { describe, expect, test } from 'vitest'
import { KEYS, LOGIN } from '../support.ts'
import { CHROME, cookieOf, forwarded, type Gated, gated, original, passedOn } from './gates.ts'

const NAVIGATION = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
}
const SITES = {
  HOLDFAST_ORIGINS: 'https://shop.example',
  HOLDFAST_LOGIN_URL: 'https://account.example/login',
  HOLDFAST_STEP_UP_URL: '/step-up',
}

/** One and the same request, as each dialect tells of it. */
const DIALECTS = [
  {
    name: 'forward-auth',
    longUrl: (long: string) => ({ 'x-forwarded-uri': `/orders?open=${long}` }),
    ask: (run: Gated, more: Record<string, string>, options = '') =>
      run.ask(`/v1/gate/forward-auth${options && `?${options}`}`, forwarded(more)),
  },
  {
    name: 'auth-request',
    longUrl: (long: string) => ({ 'x-original-url': `https://shop.example/orders?open=${long}` }),
    ask: (run: Gated, more: Record<string, string>, options = '') =>
      run.ask(`/v1/gate/auth-request${options && `?${options}`}`, original(more)),
  },
  {
    name: 'ext-authz',
    longUrl: () => ({}),
    ask: (run: Gated, more: Record<string, string>, options = '') =>
      run.ask(`/v1/gate/ext-authz/${options || '-'}/orders?open=1`, passedOn(more)),
  },
]

test('a handshake from a gateway counts only in the header the operator names', async () => {
  const own = 't13d1516h2_8daaf6152771_02713d6af862'
  const tool = 't13d190900_9dc949149365_97f8aa674fd9'
  for (const [env, expected] of [
    [{}, false],
    [{ HOLDFAST_GATE_TLS_HEADER: 'x-ja4' }, true],
  ] as const) {
    const run = await gated(env)
    const request = {
      ip: '192.0.2.10',
      method: 'POST',
      url: '/',
      headers: { 'user-agent': CHROME },
    }
    const body = { ...LOGIN, request: { ...request, tls: own } }
    const { token, session } = await (await run.call('POST', '/v1/sessions', { body })).json()

    await run.ask('/v1/gate/forward-auth', forwarded({ cookie: cookieOf(token), 'x-ja4': tool }))

    const seen = await run.call('GET', `/v1/sessions/${session.id}`, { key: KEYS.admin })
    expect((await seen.text()).includes('tls_changed')).toBe(expected)
  }
})

describe.each(DIALECTS)('$name', ({ name, longUrl, ask }) => {
  test('lets a session pass; without an audience the Authorization is empty', async () => {
    const run = await gated()

    const answer = await ask(run, {
      cookie: cookieOf(run.token),
      authorization: 'Basic c3BvbnRhbmU=',
    })

    expect(answer.status).toBe(200)
    expect(answer.header('authorization')).toBe('')
    expect(answer.header('cache-control')).toBe('no-store')
    expect(answer.setCookies).toEqual([])
    expect(answer.header('x-user-id')).toBeUndefined()
  })

  test('takes the bearer token of a session, and leaves foreign credentials alone', async () => {
    const run = await gated()

    const native = await ask(run, { authorization: `Bearer ${run.token}` })
    const foreign = await ask(run, { authorization: 'Bearer eyJhbGciOiJub25lIn0' })
    const both = await ask(run, {
      authorization: `Bearer ${run.token}`,
      cookie: cookieOf(run.token),
    })

    expect([native.status, foreign.status, both.status]).toEqual([200, 401, 401])
    expect(foreign.json()).toMatchObject({ code: 'token_missing' })
    expect(both.json()).toMatchObject({ code: 'token_duplicated' })
  })

  test('refuses who has no session with 401; an optional route lets them pass', async () => {
    const run = await gated()

    const missing = await ask(run, {})
    const optional = await ask(run, { authorization: 'Basic c3BvbnRhbmU=' }, 'optional=yes')

    expect(missing.status).toBe(401)
    expect(missing.header('www-authenticate')).toBe('Bearer')
    expect(missing.header('holdfast-code')).toBe('token_missing')
    expect(missing.json()).toMatchObject({ code: 'token_missing', status: 401 })
    expect(optional.status).toBe(200)
    expect(optional.header('authorization')).toBe('')
  })

  test("refuses with the headers of the API's answers, redirects included", async () => {
    const run = await gated(SITES)

    const program = await ask(run, {})
    const person = await ask(run, NAVIGATION)

    for (const answer of [program, person]) {
      expect(answer.header('cache-control')).toBe('no-store')
      expect(answer.header('x-content-type-options')).toBe('nosniff')
      expect(answer.header('content-security-policy')).toContain("default-src 'none'")
      expect(answer.header('cross-origin-resource-policy')).toBe('same-origin')
      expect(answer.header('referrer-policy')).toBe('no-referrer')
    }
  })

  test('sends who is refused for good to the page that says so', async () => {
    const run = await gated({ ...SITES, HOLDFAST_REFUSED_URL: '/refused' })
    const cookie = cookieOf(run.token)
    const foreign = { cookie, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0' }
    const request = { ip: '203.0.113.66', method: 'GET', url: '/', headers: foreign }
    for (let i = 0; i < 4; i++) {
      const body = { token: run.token, request: { ...request, headers: {} } }
      await run.call('POST', '/v1/step-up/begin', { body })
    }

    const refused = await ask(run, { ...NAVIGATION, ...foreign, 'x-forwarded-for': request.ip })

    expect(refused.header('holdfast-code')).toBe('context_refused')
    expect(refused.header('location')).toContain('/refused?')
    expect(refused.header('location')).toContain('reason=context_refused')
  })

  test('expires a dead cookie in a navigation, and leaves it in the background', async () => {
    const run = await gated()
    await run.call('POST', '/v1/logout', { body: { token: run.token } })
    const cookie = cookieOf(run.token)

    const page = await ask(run, { cookie, ...NAVIGATION })
    const script = await ask(run, {
      cookie,
      'sec-fetch-mode': 'cors',
      'sec-fetch-site': 'same-origin',
    })

    expect([page.status, script.status]).toEqual([401, 401])
    expect(page.setCookies).toEqual([expect.stringContaining('Max-Age=0')])
    expect(script.setCookies).toEqual([])
  })

  test('hands on an access token for the route’s audience, in under 4 KB', async () => {
    const run = await gated({ HOLDFAST_AUDIENCES: '{ orders: {} }' })

    const answer = await ask(run, { cookie: cookieOf(run.token) }, 'audience=orders&rotate=yes')

    expect(answer.status).toBe(200)
    const [scheme, token = ''] = answer.header('authorization')?.split(' ') ?? []
    const [head = '', claims = ''] = token.split('.')
    expect(scheme).toBe('Bearer')
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ typ: 'at+jwt' })
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      aud: 'orders',
      sub: 'ada',
    })
    expect(token.length).toBeLessThan(1_024)
  })

  test('rotates only where the gateway hands cookies on, one cookie at a time', async () => {
    const run = await gated()
    run.host.advance(600_000)
    const cookie = cookieOf(run.token)

    const kept = await ask(run, { cookie })
    const rotated = await ask(run, { cookie }, 'rotate=yes')

    expect([kept.status, rotated.status]).toEqual([200, 200])
    expect(kept.setCookies).toEqual([])
    expect(rotated.setCookies).toEqual([expect.stringMatching(/^__Host-session=hf1\..+Secure/)])
    expect(rotated.setCookies[0]).not.toContain(run.token)
  })

  test('asks for a step-up in the words of RFC 9470 where the route wants more', async () => {
    const run = await gated()

    const answer = await ask(run, { cookie: cookieOf(run.token) }, 'acr=urn:hardware&fresh=5m')

    expect(answer.status).toBe(401)
    expect(answer.header('www-authenticate')).toContain('insufficient_user_authentication')
    expect(answer.header('www-authenticate')).toContain('acr_values="urn:hardware"')
    expect(answer.header('www-authenticate')).toContain('max_age="300"')
  })

  test('sends a navigation to the pages that help, and back to the site it came from', async () => {
    const run = await gated(SITES)

    const login = await ask(run, NAVIGATION)
    const stepUp = await ask(
      run,
      { ...NAVIGATION, cookie: cookieOf(run.token) },
      'acr=urn:hardware',
    )
    const script = await ask(run, { accept: 'application/json' })

    const moved = name === 'auth-request' ? 401 : 303
    expect([login.status, stepUp.status, script.status]).toEqual([moved, moved, 401])
    expect(login.header('location')).toBe(
      'https://account.example/login?return=https%3A%2F%2Fshop.example%2Forders%3Fopen%3D1',
    )
    expect(stepUp.header('location')).toBe(
      'https://shop.example/step-up?acr=urn%3Ahardware&return=%2Forders%3Fopen%3D1',
    )
    expect(script.header('location')).toBeUndefined()
    if (name === 'auth-request') expect(login.header('holdfast-status')).toBe('303')
  })

  test('judges by the address that the gateway saw, not by what the client wrote', async () => {
    const run = await gated()
    const cookie = cookieOf(run.token)

    const elsewhere = await ask(run, {
      cookie,
      'x-forwarded-for': '192.0.2.10, 203.0.113.66',
      'user-agent': 'curl/8.5.0',
    })
    const trusting = await gated({ HOLDFAST_TRUSTED_PROXIES: '203.0.113.0/24' })
    const athome = await ask(trusting, {
      cookie: cookieOf(trusting.token),
      'x-forwarded-for': '203.0.113.99, 192.0.2.10, 203.0.113.66',
    })

    expect(elsewhere.json()).toMatchObject({ code: 'step_up_required' })
    expect(athome.status).toBe(200)
  })

  test('refuses a session cookie where the gateway names the scheme http', async () => {
    const run = await gated()

    const answer = await ask(run, {
      cookie: cookieOf(run.token),
      ...(name === 'auth-request'
        ? { 'x-original-url': 'http://shop.example/orders?open=1' }
        : { 'x-forwarded-proto': 'http' }),
    })

    expect(answer.status).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'https_required' })
  })

  test('refuses requests and handshakes of other sites, on optional routes too', async () => {
    const run = await gated()
    const foreign = { cookie: cookieOf(run.token), 'sec-fetch-site': 'cross-site' }

    const image = await ask(run, { ...foreign, 'sec-fetch-mode': 'no-cors' }, 'optional=yes')
    const socket = await ask(run, {
      cookie: cookieOf(run.token),
      origin: 'https://evil.example',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    })

    expect([image.status, socket.status]).toEqual([403, 403])
    expect(socket.json()).toMatchObject({ code: 'cross_site_request' })
  })

  test('a preflight has no cookie and is judged like any request', async () => {
    const run = await gated()
    const method =
      name === 'forward-auth'
        ? { 'x-forwarded-method': 'OPTIONS' }
        : { 'x-original-method': 'OPTIONS' }

    const answer =
      name === 'ext-authz'
        ? await run.ask('/v1/gate/ext-authz/-/orders', passedOn(), { method: 'OPTIONS' })
        : await ask(run, method)

    expect(answer.status).toBe(401)
  })

  test('a long URL and long headers change nothing, with a session and without', async () => {
    const run = await gated()
    const long = 'x'.repeat(9_000)
    const more = { accept: long, 'user-agent': `${CHROME} ${long}`, ...longUrl(long) }

    const answers = [
      await ask(run, { ...more, cookie: cookieOf(run.token) }),
      await ask(run, more, 'optional=yes'),
      await ask(run, more),
    ]

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401])
    expect(answers[2]?.json()).toMatchObject({ code: 'token_missing' })
  })

  test('what a bound still refuses never looks like a missing login', async () => {
    const run = await gated()
    const cookie = `${cookieOf(run.token)}; a=${'x'.repeat(17_000)}`

    const answers = [
      await ask(run, { cookie }),
      await ask(run, { cookie: cookie.replace(/^[^;]*; /, '') }),
      await ask(run, { cookie }, 'optional=yes'),
    ]

    const told = name === 'auth-request' ? 403 : 431
    expect(answers.map(({ status }) => status)).toEqual([told, told, told])
    expect(answers[0]?.json()).toMatchObject({ code: 'headers_too_large', status: 431 })
  })

  test('unknown options are the operator’s mistake: 400, counted, logged once', async () => {
    const run = await gated()
    const cookie = cookieOf(run.token)

    const answers = [
      await ask(run, { cookie }, 'audiense=orders'),
      await ask(run, { cookie }, 'fresh=soon'),
      await ask(run, { cookie }, 'rotate=yes&rotate=no'),
      await ask(run, { cookie }, 'audience=nobody'),
    ]

    const told = name === 'auth-request' ? 403 : 400
    expect(answers.map(({ status }) => status)).toEqual([told, told, told, told])
    expect(answers[3]?.json()).toMatchObject({ code: 'invalid_input', status: 400 })
    const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
    expect(text).toContain(
      `holdfast_gate_rejected_total{dialect="${name}",reason="option_unknown"} 4`,
    )
    expect(text).toContain(`holdfast_gate_requests_total{dialect="${name}",status="${told}"} 4`)
    expect(run.log().split('a gateway sends unknown options').length).toBe(2)
  })
})

describe('who may ask', () => {
  test('nobody without the key of a gate: 401 without a word about any session', async () => {
    const run = await gated()
    const headers = forwarded({ cookie: cookieOf(run.token) })

    const answers = [
      await run.ask('/v1/gate/forward-auth', headers, { key: null }),
      await run.ask('/v1/gate/forward-auth', headers, { key: `${KEYS.gate}x` }),
      await run.ask('/v1/gate/forward-auth', headers, { key: KEYS.admin }),
      await run.ask('/v1/gate/forward-auth?optional=yes', headers, { key: KEYS.app }),
    ]

    for (const answer of answers) {
      expect(answer.status).toBe(401)
      expect(answer.header('holdfast-code')).toBe('caller_unauthenticated')
      expect(answer.setCookies).toEqual([])
    }
    expect(run.log()).toContain('a gate was asked without a key')
    expect(run.log()).not.toContain(KEYS.gate)
  })

  test('a named peer needs no key', async () => {
    const run = await gated({ HOLDFAST_GATE_PEERS: '127.0.0.0/8' })

    const answer = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ cookie: cookieOf(run.token) }),
      {
        key: null,
      },
    )

    expect(answer.status).toBe(200)
  })

  test('the gate is another listener than the API, and has nothing else', async () => {
    const run = await gated()

    const api = await run.ask('/v1/sessions', {})
    const gate = await run.call('GET', '/v1/gate/forward-auth')
    const health = await run.ask('/livez', {})
    const near = await run.ask('/v1/gate/forward-auth/x', forwarded())
    const noOptions = await run.ask('/v1/gate/ext-authz/', passedOn())

    expect([api.status, gate.status, health.status, near.status, noOptions.status]).toEqual([
      404, 404, 404, 404, 404,
    ])
  })
})
