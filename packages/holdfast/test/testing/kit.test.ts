import { createServer } from 'node:http'
import supertest from 'supertest'
import { describe, expect, test } from 'vitest'
import type { GuardOptions } from '../../src/adapters/public.ts'
import { bearer, cookie } from '../../src/adapters/public.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { DEVICES, loggedIn, type TestClock, testClock, visitor } from '../../src/testing/index.ts'
import { listening } from '../contracts/apps/listening.ts'
import { startChromium } from '../support/chromium.ts'
import { APPS, expressApp, fastifyApp, honoApp } from './apps.ts'

const HOME = '203.0.113.10'

function world(): {
  readonly clock: TestClock
  readonly sessions: Sessions
  readonly options: GuardOptions
} {
  const clock = testClock()
  const sessions = createSessions({
    store: memoryStore({ now: clock.now }),
    keyring: newKeyring(),
    host: clock,
  })
  return { clock, sessions, options: { now: clock.now } }
}

describe.each(APPS)('an application on %s', (_, start) => {
  test('is used by somebody who never saw its login form', async () => {
    const { sessions, options } = world()
    const ada = await loggedIn(await start(sessions, options), { sessions, subject: 'ada' })

    const account = await ada.get('/account')
    const order = await ada.post('/orders', { item: 7 })

    expect([account.status, await account.json()]).toMatchObject([200, { user: 'ada' }])
    expect([order.status, await order.json()]).toEqual([201, { buyer: 'ada', item: 7 }])
  })

  test('refuses a visitor until the login form was sent', async () => {
    const { sessions, options } = world()
    const ada = visitor(await start(sessions, options))

    const before = await ada.get('/account')
    const login = await ada.post('/login', new URLSearchParams({ name: 'ada' }))
    const after = await ada.visit('/account')

    expect([before.status, login.status, after.status]).toEqual([401, 303, 200])
  })

  test('takes forms with the form token that the kit puts in, and no other', async () => {
    const { sessions, options } = world()
    const ada = await loggedIn(await start(sessions, options), { sessions, subject: 'ada' })

    const right = await ada.post('/note', new URLSearchParams({ note: 'tea' }))
    const wrong = await ada.post('/note', new URLSearchParams({ note: 'tea', _form: 'x' }))

    expect([right.status, await right.json()]).toEqual([201, { note: 'tea' }])
    expect(wrong.status).toBe(403)
  })

  test('is told apart from its thief on a sensitive route, and not on another', async () => {
    const { sessions, options } = world()
    const app = await start(sessions, options)
    const ada = await loggedIn(app, { sessions, subject: 'ada', factors: ['otp'] })
    const thief = ada.thief()

    const guarded = await thief.post('/orders', { item: 7 })
    const own = await ada.post('/orders', { item: 7 })

    expect(guarded.status).toBe(401)
    expect(await guarded.json()).toMatchObject({ code: 'step_up_required' })
    expect(own.status).toBe(201)
    expect((await ada.thief().post('/unguarded', {})).status).toBe(201)
  })

  test('refuses a thief with another device on every route', async () => {
    const { sessions, options } = world()
    const ada = await loggedIn(await start(sessions, options), { sessions, subject: 'ada' })

    const statuses = []
    for (const device of [DEVICES.curl, DEVICES.firefox, DEVICES.iphone]) {
      statuses.push((await ada.thief({ device }).get('/account')).status)
    }

    expect(statuses).toEqual([401, 401, 401])
  })

  test('lets a session end with the clock', async () => {
    const { clock, sessions, options } = world()
    const ada = await loggedIn(await start(sessions, options), { sessions, subject: 'ada' })

    clock.advance('1h')
    const awake = await ada.get('/account')
    clock.advance('3h')
    const idle = await ada.get('/account')

    expect([awake.status, idle.status]).toEqual([200, 401])
    expect(await idle.json()).toMatchObject({ code: 'session_expired' })
  })

  test('rotates secrets, and the cookie jar goes along for a day', async () => {
    const { clock, sessions, options } = world()
    const ada = await loggedIn(await start(sessions, options), { sessions, subject: 'ada' })
    const first = ada.headers().cookie

    const statuses = new Set<number>()
    for (let hour = 0; hour < 23; hour++) {
      clock.advance('1h')
      statuses.add((await ada.get('/account')).status)
    }

    expect([...statuses]).toEqual([200])
    expect(ada.headers().cookie).not.toBe(first)
  })

  test('believes the proxy that it trusts', async () => {
    const { sessions, options } = world()
    const app = await start(sessions, {
      ...options,
      address: { trust: { proxies: ['10.0.0.0/8'] } },
    })
    const proxy = { address: '10.0.0.1' }
    const ada = await loggedIn(app, { sessions, subject: 'ada', factors: ['otp'], proxy })

    const own = await ada.post('/orders', { item: 7 })
    const stolen = await ada.thief().post('/orders', { item: 7 })
    const near = await ada.thief({ address: '203.0.113.77' }).post('/orders', { item: 7 })

    expect([own.status, stolen.status, near.status]).toEqual([201, 401, 201])
  })

  test('takes tokens by the carrier that it has', async () => {
    const { sessions, options } = world()
    const named = cookie({ name: '__Host-shop' })

    const statuses = []
    for (const carrier of [bearer(), named]) {
      const app = await start(sessions, { ...options, carriers: [carrier] })
      const ada = await loggedIn(app, { sessions, subject: 'ada', carrier })
      statuses.push((await ada.get('/account')).status)
      statuses.push((await ada.thief().post('/orders', { item: 7 })).status)
    }

    expect(statuses).toEqual([200, 401, 200, 401])
  })
})

describe('other clients', () => {
  test('supertest sends what the kit gives, and the kit keeps what it gets', async () => {
    const { sessions, options } = world()
    // supertest connects over loopback, so that a proxy has to tell the address.
    const app = expressApp(sessions, {
      ...options,
      address: { trust: { proxies: ['127.0.0.0/8', '::1'] } },
    })
    const ada = await loggedIn(app, { sessions, subject: 'ada', factors: ['otp'], proxy: {} })
    const thief = ada.thief()

    const order = await supertest(app).post('/orders').set(ada.headers()).send({ item: 7 })
    ada.keep(order.get('Set-Cookie'))
    await supertest(app).get('/account').set(ada.headers()).expect(200)
    await supertest(app).post('/orders').set(thief.headers()).send({ item: 7 }).expect(401)

    expect(order.status).toBe(201)
    expect((await ada.post('/orders', { item: 8 })).status).toBe(201)
  })

  test('inject of Fastify takes headers and address', async () => {
    const { sessions, options } = world()
    const app = fastifyApp(sessions, options)
    const ada = await loggedIn(app, { sessions, subject: 'ada', factors: ['otp'] })
    const order = { method: 'POST', url: '/orders', payload: { item: 7 } } as const
    const sentBy = (who: typeof ada | ReturnType<typeof ada.thief>) =>
      app.inject({ ...order, headers: who.headers(), remoteAddress: who.address })

    const own = await sentBy(ada)
    ada.keep(own.headers['set-cookie'])
    const stolen = await sentBy(ada.thief())

    expect([own.statusCode, stolen.statusCode]).toEqual([201, 401])
    expect((await ada.get('/account')).status).toBe(200)
  })

  test('request of Hono takes headers', async () => {
    const { sessions, options } = world()
    const app = honoApp(sessions, {
      ...options,
      address: { trust: { hops: 1 } },
    })
    const ada = await loggedIn(app, { sessions, subject: 'ada', proxy: {} })

    const answer = await app.request('http://localhost/account', { headers: ada.headers() })

    expect(answer.status).toBe(200)
  })

  test('a browser of Playwright is logged in, as it describes itself', async () => {
    const { sessions, options } = world()
    const app = expressApp(sessions, {
      ...options,
      address: { trust: { proxies: ['127.0.0.1'] } },
    })
    const { origin, close } = await listening(createServer(app))
    const browser = await startChromium()
    try {
      const context = await browser.newContext({ locale: 'nb-NO' })
      const login = { sessions, subject: 'ada', factors: ['otp'], origin, proxy: {} }
      const ada = await loggedIn(context, login)
      const page = await context.newPage()
      await page.goto(`${origin}/account`)

      expect(JSON.parse((await page.locator('body').textContent()) ?? '')).toMatchObject({
        user: 'ada',
      })
      const ordered = await page.evaluate(async () => {
        const headers = { 'content-type': 'application/json' }
        return (await fetch('/orders', { method: 'POST', headers, body: '{"item":7}' })).status
      })
      expect(ordered).toBe(201)
      expect((await ada.thief().post('/orders', { item: 7 })).status).toBe(401)
    } finally {
      await browser.close()
      await close()
    }
  })
})

describe('what cannot be', () => {
  test('a thief of an application at an origin needs a proxy, or another device', async () => {
    const { sessions, options } = world()
    const { origin, close } = await listening(createServer(expressApp(sessions, options)))
    try {
      const ada = await loggedIn(origin, { sessions, subject: 'ada' })

      expect((await ada.get('/account')).status).toBe(200)
      expect(() => ada.thief()).toThrow(/proxy: \{\}.*DEVICES\.curl/)
      expect((await ada.thief({ device: DEVICES.curl }).get('/account')).status).toBe(401)
    } finally {
      await close()
    }
  })

  test('a session that does not begin is named', async () => {
    const sessions: Pick<Sessions, 'create'> = {
      create: async () => ({ ok: false, code: 'session_limit_reached' }),
    }

    await expect(loggedIn(() => {}, { sessions, subject: 'ada' })).rejects.toThrow(
      /session_limit_reached/,
    )
  })

  test('what is no application is refused, and so is a clock that runs backwards', () => {
    const nothing: never = {} as never

    expect(() => visitor(nothing)).toThrow(/must be a request listener/)
    expect(() => visitor('localhost')).toThrow(/origin must be one as/)
    expect(() => testClock().advance(-1)).toThrow(RangeError)
    expect(() => testClock().advance(Number.NaN)).toThrow(/'3h'/)
  })

  test.each([
    [{ subject: 'ada' }, 'sessions is missing'],
    [{ session: 1, subject: 'ada' }, 'Did you mean sessions?'],
    [{ sessions: world().sessions }, "Write for example subject: 'ada'"],
    [{ sessions: world().sessions, user: 'ada' }, 'Did you mean subject?'],
    [{ sessions: world().sessions, subject: 'ada', adress: HOME }, 'Did you mean address?'],
    [{ sessions: world().sessions, subject: 'ada', address: 'home' }, 'address must be an address'],
    [{ sessions: world().sessions, subject: 'ada', carrier: cookie }, 'was not called'],
    [{ sessions: world().sessions, subject: 'ada', origin: 'localhost' }, 'must be an origin'],
    [{ sessions: world().sessions, subject: 'ada', proxy: { header: '' } }, 'mean headers?'],
  ])('the options %o are refused with the mend', async (options, mend) => {
    const login = loggedIn(() => {}, options as never)

    await expect(login).rejects.toThrow(mend)
  })

  test('a thief and a visitor are told of misspelt options, too', async () => {
    const { sessions } = world()
    const ada = await loggedIn(() => {}, { sessions, subject: 'ada' })
    const misspelt = { ip: '203.0.113.10' } as never

    expect(() => ada.thief(misspelt)).toThrow('Did you mean address?')
    expect(() => visitor(() => {}, misspelt)).toThrow('Did you mean address?')
  })
})
