import { describe, expect, test } from 'vitest'
import {
  expectCleared,
  expectRefusal,
  NAVIGATION,
  OWNER,
  SESSION,
  THIEF,
} from './adapter-answers.ts'
import type { AdapterScene } from './adapter-scene.ts'
import type { RawAnswer } from './raw-http.ts'
import { type Visitor, visitor } from './visitor.ts'

/** Proxies, device facts, and the pages that people are sent to. */
export function readsSurroundings({ engine, origin, another, loggedIn }: AdapterScene): void {
  describe('believes proxies', () => {
    test('only those that are configured: a forged X-Forwarded-For changes nothing', async () => {
      const { client, subject } = await loggedIn()
      await client.send('/me')

      const answer = await client.send('/me', { headers: { 'x-forwarded-for': '203.0.113.9' } })

      expect(answer.json()).toMatchObject({ subject, outcome: 'allow' })
      const [session] = (await engine().sessions.list({ subject })).items
      expect(session?.contexts.map(({ network }) => network.address)).toEqual(['127.0.0.1'])
    })

    test('a trusted proxy names the client’s address', async () => {
      const proxied = await another({ address: { trust: { proxies: ['127.0.0.0/8'] } } })
      const { subject } = await loggedIn(proxied, {
        headers: { 'x-forwarded-for': '198.51.100.7, 203.0.113.9', 'x-forwarded-proto': 'https' },
      })

      const [session] = (await engine().sessions.list({ subject })).items
      expect(session?.origin.network.address).toBe('203.0.113.9')
    })

    test.each([
      ['shop.example', '', 403],
      ['shop.example', 'https', 403],
      ['127.0.0.1.evil.example', '', 403],
      ['localhost.evil.example', '', 403],
      ['localhost', '', 401],
      ['app.localhost:8080', '', 401],
      ['[::1]:8080', '', 401],
      ['127.0.0.1', '', 401],
    ])(
      'plain HTTP to %s, X-Forwarded-Proto %j of an untrusted proxy: %i',
      async (host, proto, status) => {
        const answer = await visitor(origin()).send('/me', {
          headers: { host, 'x-forwarded-proto': proto },
        })

        expect(answer.status).toBe(status)
        if (status === 403) expectRefusal(answer, 403, 'https_required')
      },
    )

    test('a login over plain HTTP starts no session', async () => {
      const answer = await visitor(origin(), { headers: { host: 'shop.example' } }).post('/login', {
        subject: 'somebody',
      })

      expectRefusal(answer, 403, 'https_required')
      expect(answer.setCookies).toEqual([])
    })

    test('a trusted proxy’s https is believed, and its http is refused', async () => {
      const proxied = await another({ address: { trust: { proxies: ['127.0.0.0/8'] } } })
      const headers = { host: 'shop.example', 'x-forwarded-for': '203.0.113.9' }
      const over = (proto: string): Visitor =>
        visitor(proxied, { headers: { ...headers, 'x-forwarded-proto': proto } })

      const secure = await over('https').post('/login', { subject: 'proxied', amr: ['pwd'] })
      const plain = await over('http').post('/login', { subject: 'proxied', amr: ['pwd'] })
      const silent = await over('').post('/login', { subject: 'proxied', amr: ['pwd'] })

      expect(secure.status).toBe(200)
      expectRefusal(plain, 403, 'https_required')
      expectRefusal(silent, 403, 'https_required')
    })

    test('behind TLS the own origin is the https one', async () => {
      const proxied = await another({ address: { trust: { proxies: ['127.0.0.0/8'] } } })
      const { client } = await loggedIn(proxied, {
        headers: {
          host: 'shop.example',
          'x-forwarded-for': '203.0.113.9',
          'x-forwarded-proto': 'https',
        },
      })
      const from = (own: string): Promise<RawAnswer> =>
        client.post('/me', {}, { 'sec-fetch-site': '', origin: own })

      expect((await from('https://shop.example')).status).toBe(200)
      expect((await from('http://shop.example')).status).toBe(403)
      expect((await from('https://shop.example:8443')).status).toBe(403)
    })
  })

  describe('reads client facts', () => {
    test('from the readable cookie, and from the login form before it', async () => {
      const { subject } = await loggedIn(origin(), {
        headers: { cookie: 'hf-client=s=1920x1080x1&z=Europe/Oslo&l=nb.en&p=Win32&t=0' },
      })
      const posted = await loggedIn(origin(), {
        login: { clientFacts: 's=390x844x3&z=Asia/Tokyo' },
        headers: { cookie: 'hf-client=s=1920x1080x1&z=Europe/Oslo' },
      })

      const [session] = (await engine().sessions.list({ subject })).items
      const [other] = (await engine().sessions.list({ subject: posted.subject })).items
      expect(session?.origin.device).toMatchObject({
        screen: '1920x1080x1',
        timezone: 'Europe/Oslo',
      })
      expect(other?.origin.device).toMatchObject({ screen: '390x844x3', timezone: 'Asia/Tokyo' })
    })

    test.each([
      ['oversized', `s=1920x1080x1&z=${'A'.repeat(600)}`],
      ['malformed', 's=<script>'],
      ['repeated', 's=1x1x1&s=2x2x2'],
      ['unknown', 's=1920x1080x1&q=1'],
      ['twice', 's=1920x1080x1; hf-client=s=1920x1080x1'],
    ])('%s facts are ignored, and the request passes', async (_, value) => {
      const { subject } = await loggedIn(origin(), { headers: { cookie: `hf-client=${value}` } })

      const [session] = (await engine().sessions.list({ subject })).items
      expect(session?.origin.device.screen).toBeNull()
    })
  })

  describe('leads people to pages', () => {
    test('a navigation without a session goes to the login page and back', async () => {
      const pages = await another({ loginPage: '/login', stepUpPage: '/step-up' })

      const person = await visitor(pages).send('/me?a=1&b=%2F', { headers: NAVIGATION })
      const program = await visitor(pages).send('/me')

      expect(person.status).toBe(303)
      expect(person.header('location')).toBe('/login?return=%2Fme%3Fa%3D1%26b%3D%252F')
      expect(person.header('cache-control')).toBe('no-store')
      expectRefusal(program, 401, 'token_missing')
    })

    test('a page that a service worker passes on is led as a person is; data is not', async () => {
      const pages = await another({ loginPage: '/login' })
      const passedOn = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'empty' }

      const page = await visitor(pages).send('/me', {
        headers: { ...passedOn, accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
      })
      const data = await visitor(pages).send('/me', { headers: passedOn })

      expect([page.status, page.header('location')]).toEqual([303, '/login?return=%2Fme'])
      expectRefusal(data, 401, 'token_missing')
    })

    test('a navigation that needs more goes to the step-up page with what it needs', async () => {
      const pages = await another({ loginPage: '/login', stepUpPage: '/step-up' })
      const { client } = await loggedIn(pages)

      const person = await client.send('/strong', { headers: NAVIGATION })
      const program = await client.send('/strong')

      expect(person.status).toBe(303)
      expect(person.header('location')).toBe('/step-up?return=%2Fstrong&acr=aal2&max_age=300')
      expect(person.setCookies).toEqual([])
      expectRefusal(program, 401, 'step_up_required')
    })

    test('the login page is told by a code why a session is over, never by a text', async () => {
      const pages = await another({ loginPage: '/login' })
      const { client } = await loggedIn(pages)

      engine().advance(2 * 3_600_000)
      const idle = await client.send('/me', { headers: NAVIGATION })
      const later = await client.send('/me', { headers: NAVIGATION })

      expect(idle.header('location')).toBe('/login?return=%2Fme&reason=session_expired')
      expect(later.header('location')).toBe('/login?return=%2Fme')
    })

    test('who is refused for good goes to the page that says so', async () => {
      const pages = await another({ stepUpPage: '/step-up', refusedPage: '/refused' })
      const { client } = await loggedIn(pages, { headers: OWNER })
      await client.send('/me')
      const thief = client.stolenBy(THIEF)
      for (let i = 0; i < 3; i++) await thief.post('/step-up/begin')

      const person = await thief.send('/me', { headers: NAVIGATION })
      const program = await thief.send('/me')

      expect(person.status).toBe(303)
      expect(person.header('location')).toBe('/refused?return=%2Fme&reason=context_refused')
      expect(person.setCookies).toEqual([])
      expectRefusal(program, 403, 'context_refused')
    })

    test('a dead cookie is expired on the way to the login page', async () => {
      const pages = await another({ loginPage: '/login' })

      const answer = await visitor(pages).send('/me', {
        headers: { ...NAVIGATION, cookie: `${SESSION}=junk` },
      })

      expect(answer.status).toBe(303)
      expectCleared(answer)
    })

    test('the application may word refusals, but not drop their cookies and no-store', async () => {
      const worded = await another({
        onRefusal: ({ code, returnTo }) => ({
          status: 418,
          headers: { 'content-type': 'text/plain', 'cache-control': 'public' },
          body: `${code} ${returnTo}`,
        }),
      })

      const answer = await visitor(worded).send('/me', {
        headers: { ...NAVIGATION, cookie: `${SESSION}=junk` },
      })

      expect(answer.status).toBe(418)
      expect(answer.body).toBe('token_malformed /me')
      expect(answer.header('content-type')).toMatch(/^text\/plain/)
      expect(answer.header('cache-control')).toBe('no-store')
      expectCleared(answer)
    })
  })
}
