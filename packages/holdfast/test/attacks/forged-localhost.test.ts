import { afterEach, describe, expect, test, vi } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HeaderPair, HttpFacts } from '../../src/adapters/guard/http-request.ts'
import type { GuardOptions } from '../../src/adapters/guard/options.ts'
import { cookie } from '../../src/carriers/cookie.ts'
import { heldForms, memoryForms } from '../../src/step-up/held-forms.ts'
import { type Harness, harness, inMemory, MINUTE } from '../support/harness.ts'

const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 ' +
  '(KHTML, like Gecko) Version/26.0 Safari/605.1.15'
const CHROME =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 ' +
  '(KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
const CHROME_ON_IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 ' +
  '(KHTML, like Gecko) CriOS/156.0.0.0 Mobile/15E148 Safari/604.1'

interface Asked {
  readonly peer?: string | undefined
  readonly encrypted?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** Somebody who develops in Safari on their own machine. */
function facts({ peer = '127.0.0.1', encrypted = false, headers = {} }: Asked = {}): HttpFacts {
  const all: Record<string, string> = {
    host: 'localhost:3000',
    'user-agent': SAFARI,
    origin: 'http://localhost:3000',
    'sec-fetch-site': 'same-origin',
    ...headers,
  }
  const header = (name: string) => (all[name] === '' ? undefined : all[name])
  return { method: 'POST', url: '/login', peer, encrypted, header }
}

/** The cookies of a login. */
async function loggedIn(
  h: Harness,
  asked: Asked = {},
  options: GuardOptions = {},
): Promise<readonly string[]> {
  const { login } = guard(h.sessions, { onWarning: () => {}, now: h.host.now, ...options })
  const done = await login(facts(asked), { subject: 'ada', amr: ['pwd'], factors: ['otp'] })
  return done.ok ? cookiesOf(done.headers()) : []
}

function cookiesOf(headers: readonly HeaderPair[]): readonly string[] {
  return headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value)
}

function pairOf(setCookie: string | undefined): string {
  return setCookie?.split(';', 1)[0] ?? ''
}

afterEach(() => vi.unstubAllEnvs())

describe('Safari on localhost over plain HTTP', () => {
  test.each([
    ['127.0.0.1', 'localhost:3000', SAFARI],
    ['::1', '[::1]:3000', SAFARI],
    ['::ffff:127.0.0.1', '127.0.0.1', SAFARI],
    ['127.0.0.53', 'shop.localhost', CHROME_ON_IPHONE],
  ])(
    'from %s at %s gets a cookie that it keeps, and goes on with it',
    async (peer, host, agent) => {
      const h = await harness(inMemory)
      const warnings: string[] = []
      const options = { refresh: {}, onWarning: (text: string) => void warnings.push(text) }
      const hf = guard(h.sessions, { now: h.host.now, ...options })
      const headers = { host, 'user-agent': agent, origin: `http://${host}` }
      const asked = { peer, headers }

      const cookies = []
      for (let i = 0; i < 2; i++) {
        const done = await hf.login(facts(asked), { subject: 'ada', amr: ['pwd'] })
        cookies.push(...(done.ok ? cookiesOf(done.headers()) : []))
      }
      h.host.advance(10 * MINUTE)
      const page = { ...headers, origin: '', cookie: pairOf(cookies[2]) }
      const verified = await hf.require({ sensitivity: 'sensitive' })(
        facts({ peer, headers: page }),
      )

      expect(cookies[2]).toMatch(/^session=hf1\.\S+; Path=\/; HttpOnly; SameSite=Lax$/)
      expect(cookies[3]).toMatch(/^refresh=hf1\.\S+; Path=\/refresh; HttpOnly; SameSite=Strict$/)
      expect(verified).toMatchObject({ ok: true, session: { subject: 'ada' } })
      expect(verified.ok && cookiesOf(verified.headers())).toEqual([
        expect.stringMatching(/^session=hf1\.\S+; Path=\/; HttpOnly; SameSite=Lax$/),
      ])
      expect(warnings).toEqual([expect.stringContaining('Safari keeps no Secure cookies')])
    },
  )

  test('refreshes, steps up and logs out with it', async () => {
    const h = await harness(inMemory)
    const hf = guard(h.sessions, { refresh: {}, onWarning: () => {}, now: h.host.now })
    const [session, refresh] = (await loggedIn(h, {}, { refresh: {} })).map(pairOf)
    h.host.advance(MINUTE)
    const headers = { cookie: `${session}; ${refresh}` }

    const begun = await hf.beginStepUp(facts({ headers }))
    const proof = { challenge: begun.ok ? begun.challenge : '', subject: 'ada', amr: ['otp'] }
    const stepped = await hf.completeStepUp(facts({ headers }), proof)
    const [next, other] = stepped.ok ? cookiesOf(stepped.headers()).map(pairOf) : []
    const newer = { cookie: `${next}; ${other ?? refresh}` }
    const out = await hf.logout(facts({ headers: newer }))

    expect(next).toMatch(/^session=hf1\./)
    expect(out.ok && cookiesOf(out.headers())).toEqual([
      '__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0',
      '__Secure-refresh=; Path=/refresh; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
      'session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
      'refresh=; Path=/refresh; HttpOnly; SameSite=Strict; Max-Age=0',
    ])
  })

  test('a dead one is expired under its own name', async () => {
    const h = await harness(inMemory)
    const [session] = (await loggedIn(h)).map(pairOf)
    await h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'test' })
    const headers = { cookie: session ?? '', 'sec-fetch-mode': 'navigate' }

    const refused = await guard(h.sessions).require()(facts({ headers }))

    expect(refused.ok || cookiesOf(refused.refusal.headers)).toEqual([
      'session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
    ])
  })
})

/** Each looks like development in all but one thing. */
const ELSEWHERE: readonly (readonly [string, Asked, GuardOptions?])[] = [
  ['another machine that claims localhost', { peer: '203.0.113.66' }],
  ['the own network', { peer: '10.0.0.7' }],
  ['no address', { peer: '' }],
  ['another host', { headers: { host: 'shop.example', origin: 'http://shop.example' } }],
  ['a host like it', { headers: { host: 'localhost.evil.example' } }],
  ['a host of userinfo', { headers: { host: 'localhost@evil.example' } }],
  ['TLS', { encrypted: true }],
  ['a browser that keeps Secure cookies', { headers: { 'user-agent': CHROME } }],
  ['a program', { headers: { 'user-agent': 'curl/8.5.0' } }],
  ['a proxy on this machine', { headers: { 'x-forwarded-for': '203.0.113.66' } }],
  ['one that says the scheme', { headers: { 'x-forwarded-proto': 'https' } }],
  ['one that says who it is', { headers: { via: '1.1 edge' } }],
  [
    'a trusted proxy that took HTTPS',
    { headers: { 'x-forwarded-for': '203.0.113.66', 'x-forwarded-proto': 'https' } },
    { address: { trust: { proxies: ['127.0.0.0/8'] } } },
  ],
  ['a page of another host, past a silent proxy', { headers: { origin: 'https://shop.example' } }],
  ['a link of another host', { headers: { origin: '', referer: 'https://shop.example/' } }],
  ['a page of no host', { headers: { origin: 'null' } }],
  ['a loopback host over HTTPS', { headers: { origin: 'https://localhost:3000' } }],
]

const CASES = ELSEWHERE.map(([title, asked, options]) => ({ title, asked, options }))

/** Somebody whom a form to a sensitive route leads to the step-up page. */
async function interrupted(h: Harness, asked: Asked, cookies: string) {
  const forms = heldForms({ store: memoryForms({ now: h.host.now }), host: h.host })
  const options = { stepUpPage: '/step-up', heldForms: forms, onWarning: () => {} }
  const { require } = guard(h.sessions, { ...options, now: h.host.now })
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    ...asked.headers,
    cookie: cookies,
  }
  const posted = { ...facts({ ...asked, headers }), formFields: () => [['a', 'b']] as const }
  const refused = await require({ acr: 'mfa' })(posted)
  if (refused.ok) throw new Error('Nothing was asked.')
  const location = refused.refusal.headers.find(([name]) => name === 'location')?.[1] ?? ''
  return {
    forms,
    id: new URL(location, 'http://localhost').searchParams.get('form') ?? '',
    cookies: cookiesOf(refused.refusal.headers),
  }
}

function sessionIn(pair: string): string {
  return pair.split('.')[1] ?? ''
}

describe('a form that a step-up interrupts', () => {
  test('is held under a cookie that Safari keeps on localhost', async () => {
    const h = await harness(inMemory)
    const pair = pairOf((await loggedIn(h))[0])
    const { forms, id, cookies } = await interrupted(h, {}, pair)

    const [held = ''] = cookies
    const taken = await forms.take(id, { session: sessionIn(pair), cookies: pairOf(held) })

    expect(held).toMatch(/^held-forms=\S+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/)
    expect(taken).toMatchObject({ fields: [['a', 'b']] })
  })

  test.each(ELSEWHERE.map(([title, asked]) => ({ title, asked })))(
    '$title gets the guarded cookie, or none',
    async ({ asked }) => {
      const h = await harness(inMemory)
      const guarded = pairOf((await loggedIn(h, { headers: { 'user-agent': CHROME } }))[0])
      const { cookies } = await interrupted(h, asked, guarded).catch(() => ({ cookies: [] }))

      for (const one of cookies) expect(one).toMatch(/^__Host-held-forms=\S+; Path=\/; .*Secure;/)
    },
  )

  test('held under the guarded name, it opens with no plain cookie that was planted', async () => {
    const h = await harness(inMemory)
    const asked = { headers: { 'user-agent': CHROME } }
    const pair = pairOf((await loggedIn(h, asked))[0])
    const key = 'A'.repeat(43)
    const thief = `${pair}; __Host-held-forms=${key}`
    const { forms, id } = await interrupted(h, asked, thief)

    const planted = { session: sessionIn(pair), cookies: `held-forms=${key}` }

    expect(id).not.toBe('')
    expect(await forms.take(id, planted)).toBeUndefined()
  })
})

describe('everywhere else', () => {
  test.each(CASES)('$title gets the guarded cookie, or none', async ({ asked, options }) => {
    const h = await harness(inMemory)

    const cookies = await loggedIn(h, asked, options)

    for (const one of cookies) expect(one).toMatch(/^__Host-session=\S+; Path=\/; Secure;/)
  })

  test.each(CASES)('$title: a plain cookie is no session', async ({ asked, options }) => {
    const h = await harness(inMemory)
    const [plain] = await loggedIn(h)
    const { require, optional } = guard(h.sessions, { onWarning: () => {}, ...options })
    const headers = { ...asked.headers, cookie: pairOf(plain) }

    const required = await require()(facts({ ...asked, headers }))
    const passed = await optional()(facts({ ...asked, headers }))

    expect(pairOf(plain)).toMatch(/^session=hf1\./)
    expect(required.ok).toBe(false)
    expect(passed).not.toMatchObject({ session: { subject: 'ada' } })
  })

  test('NODE_ENV=production: neither is given nor read', async () => {
    const h = await harness(inMemory)
    const [plain] = await loggedIn(h)
    vi.stubEnv('NODE_ENV', 'production')

    const [given] = await loggedIn(h)
    const headers = { cookie: pairOf(plain) }
    const read = await guard(h.sessions).require()(facts({ headers }))

    expect(given).toMatch(/^__Host-session=/)
    expect(read).toMatchObject({ ok: false, code: 'token_missing' })
  })

  test('a login that no page caused is no development', async () => {
    const h = await harness(inMemory)

    const [given] = await loggedIn(h, { headers: { origin: '' } })

    expect(given).toMatch(/^__Host-session=/)
  })
})

test('a plain cookie never takes the place of a guarded one', async () => {
  const h = await harness(inMemory)
  const guarded = pairOf((await loggedIn(h, { headers: { origin: '' } }))[0])
  const plain = pairOf((await loggedIn(h))[0])
  await h.sessions.logout(guarded.replace('__Host-session=', ''))
  const headers = { cookie: `${plain}; ${guarded}` }

  const verified = await guard(h.sessions).require()(facts({ headers }))

  expect(verified).toMatchObject({ ok: false, code: 'session_unknown' })
})

test.each(['eyJhbGciOiJIUzI1NiJ9.e30.x', 'x'.repeat(5_000), 'hf2.x'])(
  'another application’s cookie of the plain name is left alone: %.20s',
  async (value) => {
    const h = await harness(inMemory)
    const headers = { cookie: `session=${value}`, 'sec-fetch-mode': 'navigate' }

    const refused = await guard(h.sessions).require()(facts({ headers }))

    expect(refused).toMatchObject({ ok: false, code: 'token_missing' })
    expect(refused.ok || cookiesOf(refused.refusal.headers)).toEqual([])
  },
)

test('a carrier without a stand-in has none', async () => {
  const h = await harness(inMemory)
  const { plain: _, ...guarded } = cookie()

  const [given] = await loggedIn(h, {}, { carriers: [guarded] })

  expect(given).toMatch(/^__Host-session=/)
})
