import { describe, expect, test } from 'vitest'
import { bearer } from '../carriers/bearer.ts'
import { cookie } from '../carriers/cookie.ts'
import { SESSION, SESSION_ATTRIBUTES } from './adapter-answers.ts'
import type { AdapterScene } from './adapter-scene.ts'
import { visitor } from './visitor.ts'

/** How tokens reach the client, and how they rotate. */
export function deliversTokens({
  engine,
  origin,
  another,
  loggedIn,
  whileSlow,
}: AdapterScene): void {
  describe('delivers tokens', () => {
    test('a login sets a host-bound cookie that no script reads and nobody may store', async () => {
      const { answer } = await loggedIn()

      expect(answer.setCookies).toHaveLength(1)
      const [pair = '', ...attributes] = answer.setCookies[0]?.split('; ') ?? []
      expect(pair).toMatch(/^__Host-session=hf1\.[\w-]{43}\.[\w-]{82}$/)
      expect(attributes.join('; ')).toBe(SESSION_ATTRIBUTES)
      expect(answer.header('cache-control')).toBe('no-store')
      expect(answer.body).not.toContain('hf1.')
    })

    test('a remembered login outlives the browser, but not the session', async () => {
      const { answer } = await loggedIn(origin(), { login: { class: 'remember' } })

      expect(answer.setCookies[0]).toMatch(/; Max-Age=2592000$/)
    })

    test('a session opens the routes that require one', async () => {
      const { client, subject } = await loggedIn()

      const answer = await client.send('/me')

      expect(answer.status).toBe(200)
      expect(answer.json()).toMatchObject({ subject, outcome: 'allow' })
      expect(answer.setCookies).toEqual([])
    })

    test('a sensitive route rotates the secret and delivers the new one', async () => {
      const { client, subject } = await loggedIn()
      const before = client.cookie(SESSION)

      const answer = await client.post('/transfer')

      expect(answer.status).toBe(200)
      expect(answer.json()).toMatchObject({ subject })
      expect(answer.setCookies).toHaveLength(1)
      expect(answer.header('cache-control')).toBe('no-store')
      expect(client.cookie(SESSION)).not.toBe(before)
      expect((await client.send('/me')).status).toBe(200)
    })

    test('a handler cannot make an answer with a token cacheable', async () => {
      const { client } = await loggedIn()

      const answer = await client.send('/logo')

      expect(answer.body).toBe('logo')
      expect(answer.setCookies).toHaveLength(1)
      expect(answer.header('cache-control')).toBe('no-store')
    })

    test('a secret rotates after five minutes of use', async () => {
      const { client } = await loggedIn()
      await client.send('/me')
      const before = client.cookie(SESSION)

      engine().advance(5 * 60_000 + 1)
      await client.send('/me')

      expect(client.cookie(SESSION)).not.toBe(before)
    })

    test('an answer that leaves too late brings no overtaken secret', async () => {
      const { client, subject } = await loggedIn()
      const before = client.cookie(SESSION)
      whileSlow(async () => engine().advance(10_001))

      const late = await client.send('/slow')

      expect(late.status).toBe(200)
      expect(late.json()).toMatchObject({ subject })
      expect(late.setCookies).toEqual([])
      expect(client.cookie(SESSION)).toBe(before)
      whileSlow(async () => engine().advance(10_000))
      expect((await client.send('/slow')).setCookies).toHaveLength(1)
    })

    test('an answer after a step-up, a login or a logout keeps the newer cookie', async () => {
      const { client, subject } = await loggedIn()

      const { challenge } = (await client.post('/step-up/begin')).json() as { challenge: string }
      whileSlow(async () => {
        await client.post('/step-up/complete', { challenge, subject, amr: ['otp'] })
      })
      const overStepUp = await client.send('/slow')
      const steppedUp = await client.send('/me')
      whileSlow(async () => {
        await client.post('/login', { subject: `${subject}-too`, amr: ['pwd'] })
      })
      const overLogin = await client.send('/slow')
      const loggedInAnew = await client.send('/me')
      whileSlow(async () => {
        await client.post('/logout')
      })
      const overLogout = await client.send('/slow')

      expect(steppedUp.json()).toMatchObject({ subject })
      expect(loggedInAnew.json()).toMatchObject({ subject: `${subject}-too` })
      const late = [overStepUp, overLogin, overLogout]
      expect(late.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(late.flatMap(({ setCookies }) => setCookies)).toEqual([])
      expect(client.cookie(SESSION)).toBeUndefined()
    })

    test('a service whose answers stay behind a gateway never rotates', async () => {
      const inner = await another({ deliverable: false })
      const { client } = await loggedIn(inner)

      const answer = await client.post('/transfer')

      expect(answer.status).toBe(200)
      expect(answer.setCookies).toEqual([])
    })

    test('a login ends the session that the client came with', async () => {
      const { client } = await loggedIn()
      const planted = client.stolenBy()

      await client.post('/login', { subject: 'somebody-else', amr: ['pwd'] })

      const answer = await planted.send('/me')
      expect(answer.status).toBe(401)
      expect(answer.json()).toMatchObject({ code: 'session_unknown' })
      expect((await client.send('/me')).json()).toMatchObject({ subject: 'somebody-else' })
    })

    test('a bearer token passes, is not rotated, and needs no same-origin proof', async () => {
      const api = await another({ carriers: [cookie(), bearer()] })
      const { client, subject } = await loggedIn(api)
      const app = visitor(api, { headers: { authorization: `Bearer ${client.cookie(SESSION)}` } })

      const read = await app.send('/me')
      const posted = await app.post('/transfer', {}, { 'sec-fetch-site': '' })

      expect(read.json()).toMatchObject({ subject })
      expect(posted.json()).toMatchObject({ subject })
      expect([...read.setCookies, ...posted.setCookies]).toEqual([])
    })
  })
}
