import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawAnswer } from '../../../holdfast/src/contracts/adapters/raw-http.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { documented, EDGES } from './edges.ts'
import { CHROME, cookieOf } from './gates.ts'
import { rawLines } from './raw-line.ts'
import { got, openSite, type Site, visit } from './site.ts'

const NAVIGATION = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
}
const HANDSHAKE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** The configurations of docs/gateways, each in a real gateway before the real service. */
describe.each(EDGES)('$name', ({ name, start, patience, delivery }) => {
  let site: Site

  beforeAll(async () => {
    site = await openSite(start)
  })
  afterAll(() => site.close())

  /** A session that is due for rotation. */
  async function due(): Promise<string> {
    const token = await site.login()
    site.host.advance(360_000)
    return token
  }

  function claimsOf(authorization: string | undefined): Record<string, unknown> {
    const [, claims = ''] = (authorization ?? '').split('.')
    return JSON.parse(Buffer.from(claims, 'base64url').toString())
  }

  test('1. an access token replaces what the client wrote into Authorization', async () => {
    const cookie = cookieOf(await site.login())

    const answer = await visit(site.edge, '/orders', {
      headers: { cookie, authorization: 'Bearer of-somebody-else' },
    })

    const { authorization = [] } = got(answer).headers
    expect(authorization).toEqual([expect.stringMatching(/^Bearer ey/)])
    expect(claimsOf(authorization[0])).toMatchObject({ aud: 'app', sub: 'ada' })
    expect(claimsOf(authorization[0])).not.toHaveProperty('sensitivity')
  })

  test('2. the session’s secret stays at the edge, and other cookies go on', async () => {
    const session = cookieOf(await site.login())

    const alone = await visit(site.edge, '/orders', { headers: { cookie: session } })
    const first = await visit(site.edge, '/orders', {
      headers: { cookie: `${session}; theme=dark; lang=nb` },
    })
    const between = await visit(site.edge, '/orders', {
      headers: { cookie: `theme=dark; ${session}; lang=nb` },
    })
    const last = await visit(site.edge, '/orders', {
      headers: { cookie: `theme=dark; ${session}` },
    })

    const cookies = [alone, first, between, last].map((answer) => got(answer).headers.cookie ?? [])
    expect(cookies).toEqual([[], ['theme=dark; lang=nb'], ['theme=dark; lang=nb'], ['theme=dark']])
  })

  test('3. an identity that the client claims in a header does not get through', async () => {
    const cookie = cookieOf(await site.login())

    const answer = await visit(site.edge, '/orders', {
      headers: { cookie, 'X-User-Id': 'root', 'X-Forwarded-User': 'root', 'Remote-User': 'root' },
    })

    expect(JSON.stringify(got(answer))).not.toContain('root')
  })

  test('4. nor under the aliases that some applications take for the same header', async () => {
    const cookie = cookieOf(await site.login())

    const answer = await visit(site.edge, '/orders', {
      headers: {
        cookie,
        X_User_Id: 'root',
        'X.User.Id': 'root',
        x_forwarded_uri: '/root',
        'X-HTTP-Method-Override': 'root',
      },
    })

    expect(JSON.stringify(got(answer))).not.toContain('root')
  })

  test('5. who passes as nobody takes no Authorization of their own along', async () => {
    const answer = await visit(site.edge, '/news/today', {
      headers: { authorization: 'Bearer of-somebody-else' },
    })

    expect((got(answer).headers.authorization ?? []).join('')).toBe('')
  })

  test('6. the authority gets the true address, method and URI, and no body', async () => {
    site.stub.answer(200)

    await visit(site.failing, '/orders/7?open=1', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        forwarded: 'for=192.0.2.1;host=evil.example',
        'x-forwarded-for': '192.0.2.1',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-uri': '/public',
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'https',
        'x-original-url': 'https://evil.example/public',
        'x-original-method': 'GET',
        'holdfast-key': 'of-the-client',
      },
      body: '{"all":"of it"}',
    })

    const asked = site.stub.asked.at(-1)
    const host = new URL(site.failing.url).host
    const headers = asked?.headers ?? {}
    expect(asked?.body).toBe('')
    expect(headers.forwarded).toBeUndefined()
    expect(headers['x-forwarded-for']).toEqual(['127.0.0.1'])
    expect(headers['holdfast-key']).not.toContain('of-the-client')
    const told =
      name === 'nginx'
        ? [headers['x-original-method'], headers['x-original-url']]
        : [headers['x-forwarded-method'], headers['x-forwarded-uri'], headers['x-forwarded-host']]
    expect(told.flat()).toEqual(
      name === 'nginx'
        ? ['POST', 'http://127.0.0.1/orders/7?open=1']
        : ['POST', '/orders/7?open=1', host],
    )
    const others = name === 'nginx' ? /^x-forwarded-(uri|host|method|proto)$/ : /^x-original-/
    expect(Object.keys(headers).filter((one) => others.test(one))).toEqual([])
  })

  test('7. the application still gets the body', async () => {
    const cookie = cookieOf(await site.login())

    const answer = await visit(site.edge, '/orders', {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: '{"all":"of it"}',
    })

    expect(got(answer)).toMatchObject({ method: 'POST', body: '{"all":"of it"}' })
  })

  test('8. a rotated cookie reaches the client, and the application’s own stays', async () => {
    const cookie = cookieOf(await due())

    const answer = await visit(site.edge, '/orders?cookie=theme%3Ddark', { headers: { cookie } })

    expect(answer.status).toBe(200)
    expect([...answer.setCookies].sort()).toEqual([
      expect.stringMatching(/^__Host-session=hf1\..+; Path=\/; Secure; HttpOnly/),
      'theme=dark',
    ])
  })

  test('9. also with an answer that says that the application failed', async () => {
    const cookie = cookieOf(await due())

    const answer = await visit(site.edge, '/orders?status=500&cookie=theme%3Ddark', {
      headers: { cookie },
    })

    expect(answer.status).toBe(500)
    expect(answer.setCookies).toHaveLength(2)
    expect(answer.body).toContain('"url"')
  })

  test('10. a page that others may keep becomes private where a cookie goes with it', async () => {
    const cookie = cookieOf(await due())

    const answer = await visit(site.edge, '/orders?cache=public,max-age=60', {
      headers: { cookie },
    })

    expect(answer.setCookies).toHaveLength(1)
    expect(answer.header('cache-control')).toBe('private, no-store')
  })

  test('11. several cookies stay several lines', async () => {
    const cookie = cookieOf(await due())

    const answer = await visit(site.edge, '/orders?cookie=a%3D1&cookie=b%3D2', {
      headers: { cookie },
    })

    expect([...answer.setCookies].sort()).toEqual([
      expect.stringContaining('__Host-session='),
      'a=1',
      'b=2',
    ])
  })

  test('12. a dead session is 401 with a body, expires its cookie, is not cached', async () => {
    const token = await site.login()
    await site.logout(token)

    const answer = await visit(site.edge, '/orders', { headers: { cookie: cookieOf(token) } })

    expect(answer.status).toBe(401)
    expect(answer.json()).toMatchObject({ status: 401, code: 'session_unknown' })
    expect(answer.setCookies).toEqual([expect.stringMatching(/^__Host-session=; .*Max-Age=0/)])
    expect(answer.header('cache-control')).toBe('no-store')
  })

  test('13. the challenge of a 401 stays', async () => {
    const answer = await visit(site.edge, '/orders')

    expect(answer.status).toBe(401)
    expect(answer.header('www-authenticate')).toBe('Bearer')
    expect(answer.setCookies).toEqual([])
  })

  test('14. what another site causes is 403', async () => {
    const cookie = cookieOf(await site.login())

    const answer = await visit(site.edge, '/orders', {
      headers: { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    })

    expect(answer.status).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'cross_site_request' })
  })

  test('15. a person without a session is sent to the login, and back from there', async () => {
    const answer = await visit(site.edge, '/orders?open=1', {
      headers: { ...NAVIGATION, host: 'shop.localhost' },
    })

    expect(answer.status).toBe(303)
    expect(answer.header('location')).toBe(
      'https://account.example/login?return=http%3A%2F%2Fshop.localhost%2Forders%3Fopen%3D1',
    )
  })

  test('16. too many requests stay 429, with the pause to make', async () => {
    site.stub.answer(429)

    const answer = await visit(site.failing, '/orders')

    expect(answer.status).toBe(429)
    expect(answer.header('retry-after')).toBe('7')
  })

  test('17. an authority that fails is 503, and no cookie is touched', async () => {
    site.stub.answer(500)

    const answer = await visit(site.failing, '/orders', { headers: { cookie: cookieOf('hf1.x') } })

    expect(answer.status).toBe(503)
    expect(answer.header('retry-after')).toBe('1')
    expect(answer.setCookies).toEqual([])
  })

  test('18. an authority that does not answer is 503, within a documented wait', async () => {
    site.stub.answer('hang')
    const asked = site.stub.asked.length

    const answer = await visit(site.failing, '/orders')

    expect(answer.status).toBe(503)
    expect(site.stub.asked.length).toBeGreaterThan(asked)
    expect(documented(patience.file)).toMatch(patience.setting)
  })

  test('19. a WebSocket works, and its upgrade is not the authority’s', async () => {
    const cookie = cookieOf(await site.login())
    const request = ['GET /live HTTP/1.1', `Host: 127.0.0.1:${site.edge.port}`, ...HANDSHAKE]
    const own = [`User-Agent: ${CHROME}`, 'Sec-Fetch-Site: same-origin']

    const text = await rawLines(site.edge.port, [...request, ...own, `Cookie: ${cookie}`], {
      after: 'echo',
    })
    const refused = await rawLines(site.edge.port, [...request, ...own])
    site.stub.answer(200)
    await rawLines(site.failing.port, [...request, ...own], { after: 'echo' })

    expect(text).toMatch(/^HTTP\/1\.1 101 /)
    expect(text).toMatch(/echo$/)
    expect(refused).toMatch(/^HTTP\/1\.1 401 /)
    expect(site.stub.asked.at(-1)?.headers.upgrade).toBeUndefined()
  })

  test('20. a preflight passes only where the configuration says so', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: {
        origin: 'https://other.example',
        'access-control-request-method': 'PUT',
        authorization: 'Bearer of-somebody-else',
      },
    }

    const orders = await visit(site.edge, '/orders', preflight)
    const api = await visit(site.edge, '/api/orders', preflight)
    const trick = await rawLines(site.edge.port, [
      'OPTIONS /api/%2e%2e/orders HTTP/1.1',
      `Host: 127.0.0.1:${site.edge.port}`,
      'Origin: https://other.example',
    ])

    expect([orders.status, api.status]).toEqual([401, 200])
    expect(trick).toMatch(/^HTTP\/1\.1 400 /)
    expect(got(api).headers.authorization ?? []).toEqual([])
  })

  test('21. the authority and the application are told of the same path', async () => {
    site.stub.answer(200)

    const answer = await visit(site.failing, '/p%75b/%C3%A9/a%20b?to=%2e%2e/admin')

    const headers = site.stub.asked.at(-1)?.headers ?? {}
    const told =
      name === 'nginx'
        ? headers['x-original-url']?.[0]?.replace('http://127.0.0.1', '')
        : headers['x-forwarded-uri']?.[0]
    expect(got(answer).url).toBe(told)
  })

  /** The answer to a request that is late; `meanwhile` happens while the application holds it. */
  async function late(
    cookie: string,
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<RawAnswer> {
    const before = site.appSaw.length
    const answer = visit(await site.hurried(), '/orders?hold=yes&cookie=theme%3Ddark', {
      headers: { cookie },
    })
    await until('the application has the request', () => site.appSaw.length > before)
    const held = performance.now()
    await meanwhile()
    await until('its answer is late', () => performance.now() - held > 400)
    site.release()
    return answer
  }

  test('22. an answer of a slow application leaves without the rotated cookie', async () => {
    const cookie = cookieOf(await due())

    const answer = await late(cookie)
    const next = await visit(site.edge, '/orders', { headers: { cookie } })

    expect(answer.status).toBe(200)
    expect(answer.setCookies).toEqual(['theme=dark'])
    expect(answer.header('cache-control')).toBeUndefined()
    expect(next.status).toBe(200)
    expect(next.setCookies).toEqual([expect.stringMatching(/^__Host-session=hf1\./)])
  })

  test('23. nor does it overwrite the secret that another answer has brought', async () => {
    const cookie = cookieOf(await due())
    let jar = cookie

    const answer = await late(cookie, async () => {
      site.host.advance(11_000)
      const [brought = ''] = (await visit(site.edge, '/orders', { headers: { cookie } })).setCookies
      jar = brought.split(';')[0] ?? ''
      await visit(site.edge, '/orders', { headers: { cookie: jar } })
      site.host.advance(14_000)
    })
    const next = await visit(site.edge, '/orders', { headers: { cookie: jar } })
    site.host.advance(120_000)
    const later = await visit(site.edge, '/orders', { headers: { cookie: jar } })

    expect(jar).toMatch(/^__Host-session=hf1\./)
    expect(jar).not.toBe(cookie)
    expect(answer.setCookies).toEqual(['theme=dark'])
    expect([next.status, later.status]).toEqual([200, 200])
  })

  test('24. what is late is what the files say: ten seconds', () => {
    expect(documented(delivery.file)).toMatch(delivery.setting)
  })
})
