import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EDGES } from './edges.ts'
import { CHROME, cookieOf } from './gates.ts'
import { rawLines } from './raw-line.ts'
import { got, openSite, type Site, visit } from './site.ts'

/** What a client can write into `Upgrade` to be left alone with the application. */
const UPGRADES: readonly (readonly string[])[] = [
  ['h2c'],
  ['H2C'],
  ['websocket, h2c'],
  ['h2c, websocket'],
  ['h2c', 'websocket'],
  ['websocket2'],
  ['xwebsocket'],
  ['websocket/13'],
  ['web socket'],
  ['TLS/1.2'],
  ['HTTP/2.0'],
  ['connect-udp'],
  ['connect-ip'],
  ['raw'],
  ['*'],
]

/** A guarded route, one that anybody may read, and one that preflights reach without the check. */
const ROUTES = ['GET /orders', 'GET /news/today', 'OPTIONS /api/orders']

describe.each(EDGES)('around the check of $name', ({ start }) => {
  let site: Site
  let cookie: string

  beforeAll(async () => {
    site = await openSite(start)
    cookie = cookieOf(await site.login())
  })
  afterAll(() => site.close())

  function upgraded(route: string, upgrades: readonly string[]): Promise<string> {
    return rawLines(site.edge.port, [
      `${route} HTTP/1.1`,
      `Host: 127.0.0.1:${site.edge.port}`,
      `User-Agent: ${CHROME}`,
      `Cookie: ${cookie}`,
      'Sec-Fetch-Site: same-origin',
      'Connection: Upgrade, HTTP2-Settings',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...upgrades.map((upgrade) => `Upgrade: ${upgrade}`),
    ])
  }

  test('nothing is upgraded but to a WebSocket, whatever the route', async () => {
    const before = site.appSaw.length

    const heads: string[] = []
    for (const route of ROUTES) {
      for (const upgrades of UPGRADES) heads.push(await upgraded(route, upgrades))
    }
    // nginx before 1.23 goes by the first line, and offers that alone.
    await upgraded('GET /live', ['websocket', 'h2c'])
    const saw = site.appSaw.slice(before)
    const socket = await upgraded('GET /live', ['WebSocket'])

    expect(heads.filter((head) => !/^HTTP\/1\.1 [24]\d\d /.test(head))).toEqual([])
    const offered = saw.flatMap(({ headers }) => headers.upgrade ?? [])
    expect(offered.filter((value) => value.toLowerCase() !== 'websocket')).toEqual([])
    expect(socket).toMatch(/^HTTP\/1\.1 101 /)
  })

  test('the token says of a sensitive route that it was judged as one', async () => {
    const paths = ['/account', '/Account/keys', '/ACCOUNT.json', '/accounting', '/news/today']

    const said: unknown[] = []
    for (const path of paths) {
      const { headers } = got(await visit(site.edge, path, { headers: { cookie } }))
      const [, claims = ''] = headers.authorization?.[0]?.split('.') ?? []
      said.push(JSON.parse(Buffer.from(claims, 'base64url').toString()).sensitivity)
    }

    expect(said).toEqual(['sensitive', 'sensitive', 'sensitive', undefined, undefined])
  })

  test('two session cookies are refused, where anybody may read, too', async () => {
    const before = site.appSaw.length
    const other = cookieOf(await site.login())

    const answers = [
      await visit(site.edge, '/news/today', { headers: { cookie: `${cookie}; ${other}` } }),
      await visit(site.edge, '/news/today', { headers: { cookie: `a=1; ${cookie};${cookie}` } }),
      await visit(site.edge, '/orders', { headers: { cookie: `${cookie}; ${other}` } }),
    ]

    for (const answer of answers) {
      expect(answer.status).toBe(401)
      expect(answer.json()).toMatchObject({ code: 'token_duplicated' })
      expect(answer.setCookies).toEqual([])
    }
    expect(site.appSaw.slice(before)).toEqual([])
  })

  test('no secret reaches the application, even if the authority let it pass', async () => {
    site.stub.answer(200)
    const secrets = ['__Host-session=s', '__Secure-refresh=r']
    const lines = [
      secrets.join('; '),
      [...secrets].reverse().join('; '),
      `theme=dark; ${secrets.join('; ')}; lang=nb`,
      `theme=dark; ${secrets[1]}; lang=nb; ${secrets[0]}`,
      `${secrets[0]}; ${secrets[0]}; theme=dark`,
      `theme=dark;${secrets[1]};${secrets[1]};${secrets[0]}`,
      `${secrets[0]};\t${secrets[1]};  ${secrets[0]}`,
    ]

    const cookies: (readonly string[])[] = []
    for (const line of lines) {
      const answer = await visit(site.failing, '/orders', { headers: { cookie: line } })
      cookies.push(got(answer).headers.cookie ?? [])
    }

    expect(cookies.flat().filter((line) => line.includes('__'))).toEqual([])
    expect(cookies[2]).toEqual(['theme=dark; lang=nb'])
    expect(cookies[3]).toEqual(['theme=dark; lang=nb'])
  })

  test.each([
    'X-User-Id',
    'X_User_Id',
    'X-User_Id',
    'x.user.id',
    'X-Forwarded-User',
    'X-Forwarded_User',
    'X_Forwarded-User',
    'Remote-User',
    'Remote_User',
    'REMOTE.USER',
    'X-HTTP-Method-Override',
    'X_HTTP_Method_Override',
    'X-HTTP-Method',
    'X-HTTP_Method',
    'X-Method-Override',
    'X.Method.Override',
  ])('%s is nobody’s to send, with or without a session', async (name) => {
    const headers = { [name]: 'of-the-client' }

    const answers = [
      await visit(site.edge, '/orders', { headers: { ...headers, cookie } }),
      await visit(site.edge, '/news/today', { headers }),
      await visit(site.edge, '/api/orders', { method: 'OPTIONS', headers }),
    ]

    for (const answer of answers) {
      expect(JSON.stringify(got(answer).headers)).not.toContain('of-the-client')
    }
  })
})
