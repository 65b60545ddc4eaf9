import { beforeAll, describe, expect, test } from 'vitest'
import { cookie } from '../../carriers/cookie.ts'
import {
  expectRefusal,
  NAVIGATION,
  OWNER,
  REFRESH,
  REFRESH_ATTRIBUTES,
  SESSION,
  SESSION_ATTRIBUTES,
  THIEF,
} from './adapter-answers.ts'
import type { AdapterScene, LoggedIn } from './adapter-scene.ts'
import type { RawAnswer } from './raw-http.ts'
import { type Visitor, visitor } from './visitor.ts'

const EXPIRED = [
  `${SESSION}=; ${SESSION_ATTRIBUTES}; Max-Age=0`,
  `${REFRESH}=; ${REFRESH_ATTRIBUTES}; Max-Age=0`,
]

/** Of a client without Fetch Metadata: nothing says what kind of request it is. */
const SILENT = { 'sec-fetch-mode': '', 'sec-fetch-dest': '' }

/** Refresh tokens: their cookie, the only endpoint that accepts them, and its answers. */
export function refreshes({ engine, another, loggedIn: login }: AdapterScene): void {
  let site = ''
  beforeAll(async () => {
    site = await another({ refresh: {} })
  })

  function loggedIn(options?: Parameters<AdapterScene['loggedIn']>[1]): Promise<LoggedIn> {
    return login(site, options)
  }

  describe('refreshes', () => {
    test('a login also sets a cookie that goes to the refresh path alone', async () => {
      const { answer } = await loggedIn()
      const remembered = await loggedIn({ login: { class: 'remember' } })

      expect(answer.setCookies).toHaveLength(2)
      const [pair = '', ...attributes] = answer.setCookies[1]?.split('; ') ?? []
      expect(pair).toMatch(/^__Secure-refresh=hf1\.[\w-]{43}\.[\w-]{116}$/)
      expect(attributes.join('; ')).toBe(REFRESH_ATTRIBUTES)
      expect(answer.header('cache-control')).toBe('no-store')
      expect(answer.body).not.toContain('hf1.')
      expect(remembered.answer.setCookies[1]).toMatch(/; Max-Age=2592000$/)
    })

    test('a refresh brings an access token and a refresh token that nobody may store', async () => {
      const { client, subject } = await loggedIn()
      const before = client.cookie(REFRESH)

      const answer = await client.post('/refresh')
      const forOrders = await client.post('/refresh?audience=orders')

      expect(answer.status).toBe(200)
      expect(answer.header('content-type')).toMatch(/^application\/json/)
      expect(answer.header('cache-control')).toBe('no-store')
      expect(answer.setCookies.map((line) => line.split('=')[0])).toEqual([REFRESH])
      expect(Object.keys(answer.json() as object)).toEqual(['accessToken', 'expiresIn'])
      expect(claimsIn(answer)).toMatchObject({ sub: subject, aud: 'api' })
      expect(claimsIn(forOrders)).toMatchObject({ sub: subject, aud: 'orders' })
      expect(client.cookie(REFRESH)).not.toBe(before)
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('a lost response is followed by a fresh token; in flight none is sent', async () => {
      const { client } = await loggedIn()
      const lost = client.stolenBy()
      const inFlight = client.stolenBy()
      await client.post('/refresh')

      const again = await lost.post('/refresh')
      const next = await client.post('/refresh')
      const late = await inFlight.post('/refresh')

      expect([again, next, late].map(({ status }) => status)).toEqual([200, 200, 200])
      expect(again.setCookies).toHaveLength(1)
      expect(lost.cookie(REFRESH)).not.toBe(client.cookie(REFRESH))
      expect([...next.setCookies, ...late.setCookies]).toEqual([])
      expect(late.json()).toHaveProperty('accessToken')
    })

    test('a token of one kind is refused where the other belongs', async () => {
      const { client } = await loggedIn()
      const session = client.cookie(SESSION)
      const refresh = client.cookie(REFRESH)
      const fresh = visitor(site)

      const asSession = await fresh.send('/me', { headers: { cookie: `${SESSION}=${refresh}` } })
      const asRefresh = await fresh.post('/refresh', {}, { cookie: `${REFRESH}=${session}` })

      expectRefusal(asSession, 401, 'wrong_token_use')
      expectRefusal(asRefresh, 401, 'wrong_token_use')
      expect([...asSession.setCookies, ...asRefresh.setCookies]).toEqual([])
    })

    test('without one refresh token, or from another site: refused, no cookie set', async () => {
      const { client } = await loggedIn()
      const token = client.cookie(REFRESH)
      const twice = { cookie: `${REFRESH}=${token}; ${REFRESH}=${token}` }

      const answers: readonly (readonly [RawAnswer, number, string])[] = [
        [await visitor(site).post('/refresh'), 401, 'token_missing'],
        [await visitor(site).post('/refresh', {}, twice), 401, 'token_duplicated'],
        [
          await client.post('/refresh', {}, { 'sec-fetch-site': 'cross-site' }),
          403,
          'cross_site_request',
        ],
        [await client.send('/refresh'), 405, 'method_not_allowed'],
        [await client.post('/refresh?audience=nobody'), 400, 'invalid_input'],
      ]

      for (const [answer, status, code] of answers) {
        expectRefusal(answer, status, code)
        expect(answer.setCookies).toEqual([])
      }
      expect((await client.post('/refresh')).status).toBe(200)
    })

    test("a planted refresh cookie beside another person's session cookie is refused", async () => {
      const victim = await loggedIn()
      const attacker = await loggedIn()
      const session = victim.client.cookie(SESSION)
      const planted = attacker.client.cookie(REFRESH)

      const answer = await visitor(site).post(
        '/refresh',
        {},
        { cookie: `${SESSION}=${session}; ${REFRESH}=${planted}` },
      )
      const twice = await visitor(site).post(
        '/refresh',
        {},
        {
          cookie:
            `${SESSION}=${session}; ${SESSION}=${session}; ` +
            `${REFRESH}=${victim.client.cookie(REFRESH)}`,
        },
      )

      expectRefusal(answer, 401, 'token_duplicated')
      expectRefusal(twice, 401, 'token_duplicated')
      expect([...answer.setCookies, ...twice.setCookies]).toEqual([])
      for (const { client, subject } of [victim, attacker]) {
        expect(claimsIn(await client.post('/refresh'))).toMatchObject({ sub: subject })
      }
    })

    test('after the end a background page keeps its cookies, a navigation none', async () => {
      const { client, subject } = await loggedIn()
      await engine().sessions.revokeSubject({ subject }, { reason: 'test' })

      const background = await client.post('/refresh')
      const silent = await client.stolenBy().post('/refresh', {}, SILENT)
      const page = await client.send('/me', { headers: NAVIGATION })

      expectRefusal(background, 401, 'session_unknown')
      expect(background.setCookies).toEqual([])
      expectRefusal(silent, 401, 'session_unknown')
      expect(silent.setCookies).toEqual(EXPIRED)
      expect(page.setCookies).toEqual(EXPIRED)
    })

    test('a malformed refresh cookie does not expire the session cookie', async () => {
      const { client, subject } = await loggedIn()
      const headers = { ...SILENT, cookie: `${SESSION}=${client.cookie(SESSION)}; ${REFRESH}=junk` }

      const answer = await visitor(site).post('/refresh', {}, headers)

      expectRefusal(answer, 401, 'token_malformed')
      expect(answer.setCookies).toEqual(EXPIRED.slice(1))
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('a copy that is used elsewhere after its owner ends the session', async () => {
      const { client } = await loggedIn({ headers: OWNER })
      const thief = client.stolenBy(THIEF)
      for (let refreshed = 0; refreshed < 3; refreshed++) {
        await client.post('/refresh')
        engine().advance(60_000)
      }

      const stolen = await thief.post('/refresh')

      expect(stolen.status).toBe(401)
      expect(stolen.body).not.toContain('accessToken')
      expect((await client.post('/refresh')).status).toBe(401)
    })

    test('without the store: 503, no cookie touched, the token good afterwards', async () => {
      const { client } = await loggedIn()

      const repair = engine().breakStore()
      const answer = await client.post('/refresh', {}, SILENT)
      repair()

      expectRefusal(answer, 503, 'store_unavailable')
      expect(answer.header('retry-after')).toMatch(/^\d+$/)
      expect(answer.setCookies).toEqual([])
      expect((await client.post('/refresh')).status).toBe(200)
    })

    test('a step-up replaces both tokens; an old one is refused, no cookie touched', async () => {
      const { client, subject } = await loggedIn()
      const old = client.stolenBy()

      const begun = (await client.post('/step-up/begin')).json() as { challenge: string }
      const done = await client.post('/step-up/complete', {
        challenge: begun.challenge,
        subject,
        amr: ['otp'],
      })

      expect(done.setCookies.map((line) => line.split('=')[0])).toEqual([SESSION, REFRESH])
      const superseded = await old.post('/refresh', {}, SILENT)
      expectRefusal(superseded, 401, 'token_superseded')
      expect(superseded.setCookies).toEqual([])
      expect(claimsIn(await client.post('/refresh'))).toMatchObject({ amr: ['pwd', 'otp'] })
    })

    test('a logout expires both cookies and ends the refresh token', async () => {
      const { client } = await loggedIn()
      const copy = client.stolenBy()

      const answer = await client.post('/logout')

      expect(answer.setCookies).toEqual(EXPIRED)
      expectRefusal(await copy.post('/refresh'), 401, 'session_unknown')
    })
  })

  describe('refreshes applications that are no pages', () => {
    async function app(): Promise<{ readonly device: Visitor; readonly token: string }> {
      const native = await another({ carriers: [cookie()], refresh: { native: true } })
      const { answer } = await login(native)
      const { refreshToken } = answer.json() as { refreshToken: string }
      expect(answer.setCookies).toHaveLength(1)
      return {
        device: visitor(native, { headers: { ...SILENT, 'sec-fetch-site': '' } }),
        token: refreshToken,
      }
    }

    test('with a token in a header or a body; without a next one it keeps its own', async () => {
      const { device, token } = await app()

      const first = await device.post('/refresh', {}, { authorization: `Bearer ${token}` })
      const { refreshToken } = first.json() as { refreshToken: string }
      const kept = await device.post('/refresh', { refreshToken })
      engine().advance(60_000)
      const second = await device.post('/refresh', { refreshToken })

      expect(claimsIn(first)).toMatchObject({ aud: 'api' })
      expect(Object.keys(kept.json() as object)).toEqual(['accessToken', 'expiresIn'])
      expect(second.json()).toMatchObject({ refreshToken: expect.stringMatching(/^hf1\./) })
      expect([...first.setCookies, ...second.setCookies]).toEqual([])
      expect([first, second].map((one) => one.header('cache-control'))).toEqual([
        'no-store',
        'no-store',
      ])
    })

    test.each([1, 'x'.repeat(3000), '', ['hf1.'], { token: true }])(
      '%j as a token is refused',
      async (refreshToken) => {
        const { device } = await app()

        expectRefusal(await device.post('/refresh', { refreshToken }), 401, 'token_malformed')
      },
    )

    test('never with a cookie', async () => {
      const { device, token } = await app()

      const answer = await device.post('/refresh', {}, { cookie: `${REFRESH}=${token}` })

      expectRefusal(answer, 401, 'token_missing')
    })
  })
}

function claimsIn(answer: RawAnswer): object {
  const { accessToken } = answer.json() as { accessToken: string }
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
}
