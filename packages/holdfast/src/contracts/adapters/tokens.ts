import { describe, expect, test } from 'vitest'
import { bearer } from '../../carriers/bearer.ts'
import { cookie } from '../../carriers/cookie.ts'
import { SESSION, SESSION_ATTRIBUTES } from './adapter-answers.ts'
import { type AdapterScene, THEME } from './adapter-scene.ts'
import type { RawAnswer } from './raw-http.ts'
import { type Visitor, visitor } from './visitor.ts'

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
      expect(pair).toMatch(/^__Host-session=hf1\.[\w-]{43}\.[\w-]{116}$/)
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

      engine().advance(6 * 60_000)
      await client.send('/me')

      expect(client.cookie(SESSION)).not.toBe(before)
    })

    test('a secret goes beside the cookies that the handler sets itself', async () => {
      const { client } = await loggedIn()
      const before = client.cookie(SESSION)

      const answer = await client.send('/theme')

      expect(answer.setCookies).toEqual([THEME, expect.stringContaining(`${SESSION}=hf1.`)])
      expect(answer.header('cache-control')).toBe('no-store')
      expect(client.cookie(SESSION)).not.toBe(before)
      expect((await client.send('/me')).status).toBe(200)
    })

    test('an answer brings its secret within ten seconds', async () => {
      const { client, subject } = await loggedIn()
      whileSlow(async () => engine().advance(10_000))

      const rotated = await client.send('/slow')
      const login = await visitor(origin()).post('/slow/login', { subject, amr: ['pwd'] })
      const steppedUp = await client.post('/slow/step-up', await proofOf(client, subject))

      expect([rotated, login, steppedUp].map(namesSet)).toEqual([[SESSION], [SESSION], [SESSION]])
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('or not at all: a later one leaves without it, and the old one stays', async () => {
      const { client, subject } = await loggedIn()
      const before = client.cookie(SESSION)
      whileSlow(async () => engine().advance(10_001))

      const rotated = await client.send('/slow')
      const login = await visitor(origin()).post('/slow/login', { subject, amr: ['pwd'] })

      expect([rotated, login].map(({ status }) => status)).toEqual([200, 200])
      expect([rotated, login].map(namesSet)).toEqual([[], []])
      expect(client.cookie(SESSION)).toBe(before)
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('a late answer sets nothing over the newer secret that another has brought', async () => {
      const { client, subject } = await loggedIn()
      await client.send('/me')
      engine().advance(360_000)
      whileSlow(async () => {
        engine().advance(11_000)
        await client.post('/transfer')
        await client.send('/me')
        engine().advance(14_000)
      })
      const before = client.cookie(SESSION)

      const late = await client.send('/slow')
      const now = client.cookie(SESSION)
      const next = await client.send('/me')
      engine().advance(120_000)
      const later = await client.send('/me')

      expect(late.setCookies).toEqual([])
      expect(now).not.toBe(before)
      expect([next, later].map((answer) => answer.json())).toEqual([
        expect.objectContaining({ subject, outcome: 'allow' }),
        expect.objectContaining({ subject, outcome: 'allow' }),
      ])
    })

    test('also after a step-up, which the client completes once more', async () => {
      const { client, subject } = await loggedIn()
      const proof = await proofOf(client, subject)
      whileSlow(async () => engine().advance(10_001))

      const late = await client.post('/slow/step-up', proof)
      const again = await client.post('/step-up/complete', proof)

      expect([late, again].map(({ status }) => status)).toEqual([200, 200])
      expect([late, again].map(namesSet)).toEqual([[], [SESSION]])
      expect((await client.send('/me')).json()).toMatchObject({ subject })
    })

    test('a step-up whose session was logged out meanwhile sets no dead cookie', async () => {
      const { client, subject } = await loggedIn()
      const proof = await proofOf(client, subject)
      whileSlow(async () => {
        await client.post('/logout')
      })

      const answer = await client.post('/slow/step-up', proof)

      expect(answer.setCookies).toEqual([])
    })

    test('an answer after a step-up, a login or a logout keeps the newer cookie', async () => {
      const { client, subject } = await loggedIn()

      const proof = await proofOf(client, subject)
      whileSlow(async () => {
        await client.post('/step-up/complete', proof)
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

/** The names of the cookies that an answer sets. */
function namesSet({ setCookies }: RawAnswer): readonly string[] {
  return setCookies.map((line) => line.slice(0, line.indexOf('=')))
}

/** What completes a step-up that begins here. */
async function proofOf(client: Visitor, subject: string): Promise<Record<string, unknown>> {
  const { challenge } = (await client.post('/step-up/begin')).json() as { challenge: string }
  return { challenge, subject, amr: ['otp'] }
}
