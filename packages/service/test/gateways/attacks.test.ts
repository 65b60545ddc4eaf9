import { request as httpRequest } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { echoApp } from './app.ts'
import { EDGES } from './edges.ts'
import { cookieOf, forwarded, gated, original, passedOn } from './gates.ts'
import { rawLines } from './raw-line.ts'
import { openSite, type Site, visit } from './site.ts'

/** What a client can write into its request to be taken for somebody, or something, else. */
describe('at the gate itself', () => {
  test.each([
    ['method', { 'x-original-method': 'DELETE' }],
    ['URI', { 'x-original-uri': '/public' }],
    ['URI of a proxy of another make', { 'x-rewrite-url': '/public' }],
    ['URL', { 'x-original-url': 'https://shop.example/public' }],
    ['path as URL', { 'x-original-url': '/public' }],
    ['host', { 'x-original-url': 'https://evil.example/orders?open=1' }],
  ])(
    'two header families that differ in the %s are refused, whichever is true',
    async (_, more) => {
      const run = await gated()

      const answer = await run.ask(
        '/v1/gate/forward-auth?optional=yes',
        forwarded({ cookie: cookieOf(run.token), ...more }),
      )

      expect(answer.status).toBe(400)
      expect(answer.json()).toMatchObject({ code: 'invalid_input' })
      const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
      expect(text).toContain(
        'holdfast_gate_rejected_total{dialect="forward-auth",reason="headers_conflict"} 1',
      )
    },
  )

  test('families that agree are no conflict, and each dialect reads its own alone', async () => {
    const run = await gated()
    const cookie = cookieOf(run.token)
    const both = { ...forwarded({ cookie }), ...original() }

    const agreeing = [
      await run.ask('/v1/gate/forward-auth', both),
      await run.ask('/v1/gate/auth-request', both),
    ]
    const crossed = [
      await run.ask('/v1/gate/forward-auth', original({ cookie })),
      await run.ask('/v1/gate/auth-request', forwarded({ cookie })),
    ]

    expect(agreeing.map(({ status }) => status)).toEqual([200, 200])
    expect(crossed.map((answer) => answer.json())).toMatchObject([
      { status: 400, code: 'invalid_input' },
      { status: 400, code: 'invalid_input' },
    ])
  })

  test('RFC 7239 is nobody’s word: it neither names the client nor the host', async () => {
    const run = await gated({ HOLDFAST_TRUSTED_PROXIES: '192.0.2.0/24' })

    const answer = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({
        cookie: cookieOf(run.token),
        forwarded: 'for=203.0.113.66;host=evil.example;proto=http',
      }),
    )

    expect(answer.status).toBe(200)
  })

  test.each([
    ['x-forwarded-method', 'GET\tPOST'],
    ['x-forwarded-method', ''],
    ['x-forwarded-proto', 'gopher'],
    ['x-forwarded-proto', 'https, http'],
    ['x-forwarded-host', 'shop.example, evil.example'],
    ['x-forwarded-host', 'shop.example/..'],
    ['x-forwarded-host', 'user@shop.example'],
    ['x-forwarded-uri', 'orders'],
    ['x-forwarded-uri', '/orders, /public'],
    ['x-forwarded-uri', 'http://evil.example/orders'],
    ['x-forwarded-for', ''],
    ['x-forwarded-for', '192.0.2.10, unknown'],
    ['x-forwarded-for', '192.0.2.10, _hidden'],
  ])('%s that says %j is refused, never guessed at', async (name, value) => {
    const run = await gated()

    const answer = await run.ask(
      '/v1/gate/forward-auth?optional=yes',
      forwarded({ cookie: cookieOf(run.token), [name]: value }),
    )

    expect(answer.status).toBe(400)
    expect(answer.setCookies).toEqual([])
  })

  test('a missing forwarded header is refused: a client can have proxies drop it', async () => {
    const run = await gated()

    for (const name of ['method', 'proto', 'host', 'uri', 'for']) {
      const headers = forwarded({ cookie: cookieOf(run.token) })
      delete headers[`x-forwarded-${name}`]
      const answer = await run.ask('/v1/gate/forward-auth', headers)
      expect([name, answer.status]).toEqual([name, 400])
    }
  })

  test('two Host lines are as ambiguous as two of anything', async () => {
    const run = await gated()
    const { host: _, ...headers } = passedOn({ cookie: cookieOf(run.token) })

    const answer = await run.ask('/v1/gate/ext-authz/-/orders', headers, {
      lines: [
        ['Host', 'shop.example'],
        ['Host', 'evil.example'],
      ],
    })

    expect(answer.status).toBe(400)
  })

  test('two Authorization lines are refused, even if one is somebody else’s', async () => {
    const run = await gated()

    const answer = await run.ask('/v1/gate/forward-auth', forwarded(), {
      lines: [
        ['Authorization', `Bearer ${run.token}`],
        ['Authorization', 'Basic c3BvbnRhbmU='],
      ],
    })

    expect(answer.json()).toMatchObject({ status: 401, code: 'token_duplicated' })
  })

  test.each([
    '/public/..%252forders',
    '/public/%2e%2e/orders',
    '/public/..;/orders',
    '/public/%5c..%5corders',
    '//orders',
    '/orders%00.css',
    '/%E2%80%AEorders',
  ])('%s is a path like any other: no session is no session', async (path) => {
    const run = await gated()

    const answers = [
      await run.ask('/v1/gate/forward-auth', forwarded({ 'x-forwarded-uri': path })),
      await run.ask(
        '/v1/gate/auth-request',
        original({ 'x-original-url': `https://shop.example${path}` }),
      ),
      await run.ask(`/v1/gate/ext-authz/-${path}`, passedOn()),
    ]

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
  })

  test('the client’s path is never taken for the operator’s options', async () => {
    const run = await gated()

    const answers = [
      await run.ask('/v1/gate/ext-authz/-/optional=yes/orders', passedOn()),
      await run.ask('/v1/gate/ext-authz/-/orders?optional=yes', passedOn()),
      await run.ask('/v1/gate/ext-authz//optional=yes/orders', passedOn()),
      await run.ask('/v1/gate/forward-auth', forwarded({ 'x-forwarded-uri': '/o?optional=yes' })),
    ]

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 404, 401])
  })

  test('a login never returns to a foreign host, however it is written', async () => {
    const run = await gated({
      HOLDFAST_ORIGINS: 'https://shop.example',
      HOLDFAST_LOGIN_URL: 'https://account.example/login',
    })
    const page = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

    const foreign = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ ...page, 'x-forwarded-host': 'evil.example' }),
    )
    const plain = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ ...page, 'x-forwarded-proto': 'http' }),
    )
    const slashes = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ ...page, 'x-forwarded-uri': '//evil.example/x' }),
    )
    const long = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ ...page, 'x-forwarded-uri': `/${'%20'.repeat(600)}` }),
    )

    expect([foreign.status, plain.status]).toEqual([401, 403])
    const returns = [slashes, long].map((answer) =>
      new URL(answer.header('location') ?? '').searchParams.get('return'),
    )
    expect(returns).toEqual(['https://shop.example/', 'https://shop.example'])
    expect(long.header('location')?.length).toBeLessThan(2_048)
  })

  test('a cookie without Secure is no session, whatever looks like development', async () => {
    const run = await gated()
    const safari =
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 ' +
      '(KHTML, like Gecko) Version/26.0 Safari/605.1.15'

    const answer = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({
        'user-agent': safari,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'localhost:8080',
        'x-forwarded-for': '127.0.0.1',
        origin: 'http://localhost:8080',
        cookie: `session=${run.token}`,
      }),
    )

    expect(answer.status).toBe(401)
    expect(answer.json()).toMatchObject({ code: 'token_missing' })
  })

  test('an application with an origin of its own may use its sessions, and no other', async () => {
    const run = await gated({ HOLDFAST_ORIGINS: 'https://shop.example,capacitor://localhost' })
    const posted = (origin: string) =>
      run.ask(
        '/v1/gate/forward-auth',
        forwarded({
          'x-forwarded-method': 'POST',
          'sec-fetch-site': 'cross-site',
          origin,
          cookie: cookieOf(run.token),
        }),
      )

    const answers = [
      await posted('capacitor://localhost'),
      await posted('capacitor://localhost:1'),
      await posted('ionic://localhost'),
    ]

    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403])
    expect(answers[1]?.body).toContain('capacitor://localhost:1')
  })

  test('pages that other sites embed get a partitioned cookie', async () => {
    const run = await gated({
      HOLDFAST_COOKIE_SAME_SITE: 'none',
      HOLDFAST_COOKIE_PARTITIONED: 'true',
    })
    run.host.advance(10 * 60_000)

    const answer = await run.ask(
      '/v1/gate/forward-auth?rotate=yes&sensitivity=sensitive',
      forwarded({ cookie: cookieOf(run.token) }),
    )

    expect(answer.setCookies).toEqual([
      expect.stringMatching(/; Path=\/; Secure; HttpOnly; SameSite=None; Partitioned$/),
    ])
  })

  test('cookies of 16 KB are refused, and headers beyond measure; an agent is cut', async () => {
    const run = await gated()

    const cookies = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ cookie: `${cookieOf(run.token)}; junk=${'x'.repeat(16_384)}` }),
    )
    const agent = await run.ask(
      '/v1/gate/forward-auth',
      forwarded({ cookie: cookieOf(run.token), 'user-agent': 'x'.repeat(16_384) }),
    )
    const all = await run.ask('/v1/gate/forward-auth', forwarded({ junk: 'x'.repeat(70_000) }))

    expect([cookies.status, agent.status, all.status]).toEqual([431, 200, 431])
  })

  test('a handshake that a gateway passes on is answered like any request', async () => {
    const run = await gated()
    const { hostname, port } = new URL(run.gate)
    const headers = forwarded({
      'holdfast-key': 'secret-of-the-gateway',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-fetch-site': 'same-origin',
      cookie: cookieOf(run.token),
    })

    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest(
        { hostname, port, path: '/v1/gate/forward-auth', headers },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      sent.on('error', reject)
      sent.end()
    })

    expect(status).toBe(200)
  })

  test('a body is nobody’s business, however long', async () => {
    const run = await gated()
    const headers = Object.entries(forwarded({ cookie: cookieOf(run.token) }))
    const { port } = new URL(run.gate)

    const text = await rawLines(Number(port), [
      'POST /v1/gate/forward-auth HTTP/1.1',
      'Host: gate',
      'Holdfast-Key: secret-of-the-gateway',
      'Content-Length: 1000000',
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ])

    expect(text).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe.each(EDGES)('through $name', ({ start }) => {
  async function open(): Promise<Site> {
    const site = await openSite(start)
    onTestFinished(() => site.close())
    return site
  }

  test('a host in the request line, or two Host lines, change nobody’s identity', async () => {
    const site = await open()
    const cookie = `Cookie: ${cookieOf(await site.login())}`
    const { port } = site.edge

    const absolute = await rawLines(port, [
      'GET http://evil.localhost/orders HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Connection: close',
      'Sec-Fetch-Mode: navigate',
      'Sec-Fetch-Dest: document',
      'Accept: text/html',
    ])
    const double = await rawLines(port, [
      'GET /orders HTTP/1.1',
      'Host: shop.localhost',
      'Host: evil.localhost',
      'Connection: close',
      cookie,
    ])

    expect(absolute).toMatch(/^HTTP\/1\.1 (401|400) /)
    expect(absolute).not.toMatch(/location: .*evil/i)
    expect(double).toMatch(/^HTTP\/1\.[01] 400 /)
    expect(site.appSaw).toEqual([])
  })

  test('a client’s word about addresses, schemes and hosts does not count', async () => {
    const site = await open()
    const token = await site.login()
    const liar = {
      'x-forwarded-for': '203.0.113.66',
      'x-real-ip': '203.0.113.66',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.localhost',
      'x-forwarded-uri': '/news/today',
      'x-forwarded-method': 'GET',
      'x-original-url': 'https://shop.localhost/news/today',
      'x-original-method': 'GET',
      'x-rewrite-url': '/news/today',
    }

    const owner = await visit(site.edge, '/orders', {
      headers: { ...liar, cookie: cookieOf(token) },
    })
    const nobody = await visit(site.edge, '/orders', { headers: liar })
    const plain = await visit(site.edge, '/orders', {
      headers: { ...liar, host: 'shop.example', cookie: cookieOf(token) },
    })

    expect(owner.status).toBe(200)
    expect(nobody.status).toBe(401)
    expect(plain.status).toBe(403)
    expect(plain.json()).toMatchObject({ code: 'https_required' })
  })

  test('a gateway with a wrong key gets 503, and nobody is logged out', async () => {
    const site = await open()
    const app = await echoApp()
    const gate = new URL(site.service.gateUrl ?? '').host
    const edge = await start({ gate, app: app.address, key: 'a-key-of-somebody-else' })
    onTestFinished(async () => {
      await edge.close()
      await app.close()
    })

    const answer = await visit(edge, '/orders', { headers: { cookie: cookieOf('hf1.x') } })

    expect(answer.status).toBe(503)
    expect(answer.setCookies).toEqual([])
    expect(app.seen).toEqual([])
  })

  test('16 KB of headers are refused, and never as a failure of the service', async () => {
    const site = await open()

    const answer = await visit(site.edge, '/orders', {
      headers: { cookie: `${cookieOf(await site.login())}; junk=${'x'.repeat(7_000)}` },
    })
    const more = await visit(site.edge, '/orders', { headers: { junk: 'x'.repeat(17_000) } })

    expect(answer.status).toBe(200)
    expect([400, 401, 431]).toContain(more.status)
    expect(site.appSaw).toHaveLength(1)
  })
})
