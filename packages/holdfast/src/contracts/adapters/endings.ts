import { describe, expect, test } from 'vitest'
import { expectCleared, expectRefusal, NAVIGATION } from './adapter-answers.ts'
import type { AdapterScene } from './adapter-scene.ts'

/** What a browser sends with a page that it prerenders. */
const AHEAD = { ...NAVIGATION, 'sec-purpose': 'prefetch;prerender' }

/** Step-ups, logouts, requests ahead of their user, and a store that cannot be reached. */
export function changesHands({ engine, another, loggedIn }: AdapterScene): void {
  describe('steps up', () => {
    test('a proven factor brings a new secret; the old one is 401, no cookie touched', async () => {
      const { client, subject } = await loggedIn()
      const old = client.stolenBy()

      const begun = (await client.post('/step-up/begin', { acr: 'aal2' })).json()
      const done = await client.post('/step-up/complete', {
        challenge: challengeIn(begun),
        subject,
        acr: 'aal2',
        amr: ['otp'],
      })

      expect(done.status).toBe(200)
      expect(done.setCookies).toHaveLength(1)
      expect(done.header('cache-control')).toBe('no-store')
      expect((await client.send('/strong')).json()).toMatchObject({ subject })
      const superseded = await old.send('/me')
      expectRefusal(superseded, 401, 'token_superseded')
      expect(superseded.setCookies).toEqual([])
    })

    test('a challenge that is not ours: 400, no cookie touched', async () => {
      const { client, subject } = await loggedIn()

      const answer = await client.post('/step-up/complete', { challenge: 'hc1.x.y', subject })

      expectRefusal(answer, 400, 'challenge_invalid')
      expect(answer.setCookies).toEqual([])
    })

    test('a step-up on a route that has rotated leaves one cookie, the newest', async () => {
      const { client, subject } = await loggedIn()
      await client.send('/me')

      const answer = await client.post('/step-up/in-place', { subject })

      // The challenge belongs to the secret that the request brought, not to the rotated one.
      expect(answer.setCookies).toHaveLength(1)
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })
  })

  describe('logs out', () => {
    test('the session ends everywhere, and the browser clears what it keeps', async () => {
      const { client } = await loggedIn()
      const copy = client.stolenBy()

      const answer = await client.post('/logout')

      expect(answer.status).toBe(204)
      expectCleared(answer)
      expect(answer.header('clear-site-data')).toBe('"cache", "storage"')
      expect(answer.header('cache-control')).toBe('no-store')
      expect((await copy.send('/me')).status).toBe(401)
    })

    test('a second logout is no error, and what the browser clears can be chosen', async () => {
      const gentle = await another({ clearSiteData: [] })
      const { client } = await loggedIn(gentle)

      await client.post('/logout')
      const again = await client.post('/logout')

      expect(again.status).toBe(204)
      expect(again.header('clear-site-data')).toBeUndefined()
    })
  })

  describe('where a browser asks ahead of its user', () => {
    test('the session passes, and no secret rotates until the page is opened', async () => {
      const { client, subject } = await loggedIn()
      engine().advance(6 * 60_000)

      const ahead = await client.send('/me', { headers: AHEAD })
      const opened = await client.send('/me', { headers: NAVIGATION })

      expect(ahead.json()).toMatchObject({ subject })
      expect(ahead.setCookies).toEqual([])
      expect(opened.setCookies).toHaveLength(1)
    })

    test('nothing begins, nothing ends, and nothing sensitive is done', async () => {
      const { client, subject } = await loggedIn()

      const answers = [
        await client.post('/login', { subject }, AHEAD),
        await client.post('/logout', {}, AHEAD),
        await client.post('/logout', {}, { purpose: 'prefetch' }),
        await client.post('/step-up/begin', {}, AHEAD),
        await client.post('/transfer', {}, AHEAD),
        await client.send('/logo', { headers: AHEAD }),
      ]

      for (const answer of answers) {
        expectRefusal(answer, 403, 'speculative_request')
        expect(answer.setCookies).toEqual([])
        expect(answer.header('clear-site-data')).toBeUndefined()
      }
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('a dead cookie stays, and nobody is sent to the login page yet', async () => {
      const at = await another({ loginPage: '/login' })
      const { client, subject } = await loggedIn(at)
      await engine().sessions.revokeSubject({ subject }, { reason: 'test' })

      const ahead = await client.send('/me', { headers: AHEAD })
      const opened = await client.send('/me', { headers: NAVIGATION })

      expectRefusal(ahead, 401, 'session_unknown')
      expect(ahead.setCookies).toEqual([])
      expect(opened.status).toBe(303)
      expectCleared(opened)
    })
  })

  describe('while the store cannot be reached', () => {
    test('every request that needs it is answered 503, and nobody is logged out', async () => {
      const { client, subject } = await loggedIn()
      await client.send('/me')

      const repair = engine().breakStore()
      // At once: a store that hangs holds each of them until its time-out.
      const [open, ...answers] = await Promise.all([
        client.send('/public'),
        client.send('/me'),
        client.send('/maybe'),
        client.post('/transfer'),
        client.post('/logout'),
        client.post('/login', { subject }),
        client.post('/step-up/begin'),
      ])
      repair()

      for (const answer of answers) {
        expectRefusal(answer, 503, 'store_unavailable')
        expect(answer.header('retry-after')).toMatch(/^\d+$/)
        expect(answer.setCookies).toEqual([])
        expect(answer.header('clear-site-data')).toBeUndefined()
      }
      expect(open.status).toBe(200)
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })
  })
}

function challengeIn(begun: unknown): string {
  if (typeof begun !== 'object' || begun === null || !('challenge' in begun)) {
    throw new Error('No challenge was begun.')
  }
  return String(begun.challenge)
}
