import { describe, expect, test } from 'vitest'
import { bearer } from '../../carriers/bearer.ts'
import { cookie } from '../../carriers/cookie.ts'
import {
  expectCleared,
  expectRefusal,
  NAVIGATION,
  OWNER,
  SESSION,
  THIEF,
} from './adapter-answers.ts'
import type { AdapterScene } from './adapter-scene.ts'
import { rawRequest } from './raw-http.ts'
import { CHROME, visitor } from './visitor.ts'

/** Of a client without Fetch Metadata: nothing says what kind of request it is. */
const SILENT = { 'sec-fetch-site': '', 'sec-fetch-mode': '', 'sec-fetch-dest': '' }

/** Requests that do not pass, and what their clients learn. */
export function refuses({ engine, origin, another, loggedIn }: AdapterScene): void {
  describe('refuses', () => {
    test('a request without a token: 401, no cookie touched', async () => {
      const answer = await visitor(origin()).send('/me')

      expectRefusal(answer, 401, 'token_missing')
      expect(answer.header('www-authenticate')).toBe('Bearer')
      expect(answer.setCookies).toEqual([])
    })

    test.each([
      ['garbage', 'hello'],
      ['a guess of the right length', `hf1.${'A'.repeat(43)}.${'A'.repeat(82)}`],
      ['a token longer than any', `hf1.${'A'.repeat(3000)}`],
      ['bytes that are no text', '%00%ff'],
    ])('%s as a token: 401, cookie expired', async (_, token) => {
      const answer = await visitor(origin()).send('/me', {
        headers: { ...NAVIGATION, cookie: `${SESSION}=${token}` },
      })

      expectRefusal(answer, 401, 'token_malformed')
      expectCleared(answer)
    })

    test('two session cookies are refused, and neither is expired', async () => {
      const { client } = await loggedIn()
      const token = client.cookie(SESSION)

      const headers = { cookie: `${SESSION}=${token}; a=b; ${SESSION}=${token}` }
      const answer = await visitor(origin()).send('/me', { headers })
      const optional = await visitor(origin()).send('/maybe', { headers })

      expectRefusal(answer, 401, 'token_duplicated')
      expectRefusal(optional, 401, 'token_duplicated')
      expect([answer, optional].flatMap(({ setCookies }) => setCookies)).toEqual([])
    })

    test('a cookie and a bearer token at once, and two bearer tokens', async () => {
      const api = await another({ carriers: [cookie(), bearer()] })
      const { client } = await loggedIn(api)
      const authorization = ['authorization', `Bearer ${client.cookie(SESSION)}`] as const

      const both = await client.send('/me', { headers: { authorization: authorization[1] } })
      const twice = await rawRequest(`${api}/me`, { headers: [authorization, authorization] })

      expectRefusal(both, 401, 'token_duplicated')
      expectRefusal(twice, 401, 'token_duplicated')
    })

    test.each(['__HOST-session', '__host-session', 'x__Host-session', 'session'])(
      'a cookie named %s is not the session cookie',
      async (spoofed) => {
        const { client } = await loggedIn()

        const answer = await visitor(origin()).send('/me', {
          headers: { cookie: `${spoofed}=${client.cookie(SESSION)}` },
        })

        expectRefusal(answer, 401, 'token_missing')
      },
    )

    test('a session that was ended: 401, cookie expired', async () => {
      const { client, subject } = await loggedIn()
      await engine().sessions.revokeSubject({ subject }, { reason: 'test' })

      const answer = await client.send('/me', { headers: NAVIGATION })

      expect(answer.status).toBe(401)
      expect(answer.json()).toMatchObject({ code: 'session_unknown' })
      expectCleared(answer)
    })

    test('a session that was idle for too long: 401, cookie expired', async () => {
      const { client } = await loggedIn()

      engine().advance(2 * 3_600_000)
      const answer = await client.send('/me', { headers: NAVIGATION })

      expectRefusal(answer, 401, 'session_expired')
      expectCleared(answer)
    })

    test('a dead session of a client without Fetch Metadata: 401, cookie expired', async () => {
      const answer = await visitor(origin()).send('/me', {
        headers: { ...SILENT, cookie: `${SESSION}=junk` },
      })

      expectRefusal(answer, 401, 'token_malformed')
      expectCleared(answer)
    })

    test('a background request of a session that ended leaves the new cookie alone', async () => {
      const { client } = await loggedIn()
      const late = client.stolenBy()
      await client.post('/login', { subject: 'the-same-browser', amr: ['pwd'] })

      const required = await late.send('/me')
      const optional = await late.send('/maybe')
      const image = await late.send('/me', {
        headers: { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      })

      expectRefusal(required, 401, 'session_unknown')
      expect(optional.json()).toEqual({ subject: null })
      expect([required, optional, image].flatMap(({ setCookies }) => setCookies)).toEqual([])
    })

    test('a route that asks for more: RFC 9470 says what, the cookie stays', async () => {
      const { client } = await loggedIn()

      const answer = await client.send('/strong')

      expectRefusal(answer, 401, 'step_up_required')
      expect(answer.header('www-authenticate')).toBe(
        'Bearer error="insufficient_user_authentication", error_description="step_up_required", ' +
          'acr_values="aal2", max_age="300"',
      )
      expect(answer.json()).toMatchObject({ acr_values: 'aal2', max_age: 300 })
      expect(answer.setCookies).toEqual([])
    })

    test('a copied cookie in another browser: challenged there, untouched here', async () => {
      const { client, subject } = await loggedIn(origin(), { headers: OWNER })
      await client.send('/me')
      const thief = client.stolenBy(THIEF)

      const refused = await thief.send('/me')

      expectRefusal(refused, 401, 'step_up_required')
      expect(refused.setCookies).toEqual([])
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('a fourth prompt within the hour from an unconfirmed network', async () => {
      const { client } = await loggedIn(origin(), { headers: OWNER })
      await client.send('/me')
      const thief = client.stolenBy(THIEF)

      const prompts: number[] = []
      for (let i = 0; i < 3; i++) prompts.push((await thief.post('/step-up/begin')).status)
      const fourth = await thief.post('/step-up/begin')

      expect(prompts).toEqual([200, 200, 200])
      expectRefusal(fourth, 403, 'context_refused')
      expect(fourth.setCookies).toEqual([])
    })

    test.each([
      ['longer than any that was given out', 'x'.repeat(5_000)],
      ['a list, as of a field that came twice', ['hc1.x', 'hc1.x']],
      ['missing', undefined],
    ])('a challenge that is %s', async (_, challenge) => {
      const { client } = await loggedIn(origin(), { headers: OWNER })

      const answer = await client.post('/step-up/complete', { challenge, subject: 'ada' })

      expectRefusal(answer, 400, 'challenge_invalid')
      expect(answer.setCookies).toEqual([])
    })
  })

  describe('looks at the beginning of what is long and decides nothing', () => {
    const LONG = 'x'.repeat(12_000)

    test.each([
      ['a URL', `?q=${LONG}`, {}],
      ['Accept', '', { accept: `text/html, ${LONG}` }],
      ['a user agent', '', { 'user-agent': `${CHROME} ${LONG}` }],
      ['Accept-Language', '', { 'accept-language': `en-GB, en;q=0.9, ${LONG}` }],
      ['client facts', '', { cookie: `hf-client=z=${LONG}` }],
      ['a header that nobody knows', '', { [LONG.slice(0, 500)]: LONG }],
    ])('%s: guests and sessions are answered as ever', async (_, query, headers) => {
      const { client, subject } = await loggedIn(origin(), { headers })
      const guest = visitor(origin(), { headers })

      const answers = [
        await client.send(`/me${query}`),
        await client.send(`/maybe${query}`),
        await guest.send(`/maybe${query}`),
      ]
      const nobody = await guest.send(`/me${query}`)

      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(answers.map((answer) => answer.json())).toMatchObject([
        { subject, outcome: 'allow' },
        { subject },
        { subject: null },
      ])
      expectRefusal(nobody, 401, 'token_missing')
    })
  })

  describe('lets optional routes pass', () => {
    test('as anonymous without a token, as the subject with one', async () => {
      const { client, subject } = await loggedIn()

      const anonymous = await visitor(origin()).send('/maybe')
      const somebody = await client.send('/maybe')

      expect(anonymous.json()).toEqual({ subject: null })
      expect(somebody.json()).toEqual({ subject })
    })

    test('as anonymous with a malformed token, which is expired', async () => {
      const answer = await visitor(origin()).send('/maybe', {
        headers: { ...NAVIGATION, cookie: `${SESSION}=junk` },
      })

      expect(answer.status).toBe(200)
      expect(answer.json()).toEqual({ subject: null })
      expectCleared(answer)
    })

    test('but not forged requests, which are not anonymous', async () => {
      const { client } = await loggedIn()

      const embedded = await client.send('/maybe', { headers: { 'sec-fetch-site': 'cross-site' } })
      const plain = await client.send('/maybe', { headers: { host: 'shop.example' } })

      expectRefusal(embedded, 403, 'cross_site_request')
      expectRefusal(plain, 403, 'https_required')
    })
  })
}
