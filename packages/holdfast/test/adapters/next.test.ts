import { expect, onTestFinished, test } from 'vitest'
import { PageRefused } from '../../src/adapters/next.ts'
import {
  type CookieAttributes,
  type NextHoldfast,
  nextHoldfast,
} from '../../src/adapters/next-api.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

const BROWSER: Readonly<Record<string, string>> = {
  host: 'localhost',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'accept-language': 'en-GB',
  'sec-fetch-site': 'same-origin',
  'x-forwarded-for': '203.0.113.10',
}
const ABROAD = { 'x-forwarded-for': '198.51.100.20' }
/** How a browser posts a form before the scripts of its page run. */
const FORM = { 'content-type': 'multipart/form-data; boundary=x' }
const BY_SCRIPT = { ...FORM, 'next-action': '40a1' }
const FACTOR = { sensitivity: 'sensitive' } as const

/** One browser, and what Next does for it: it hands over headers, sets cookies and redirects. */
async function scene() {
  const engine = await engineHarness()
  onTestFinished(engine.close)
  const jar = new Map<string, { readonly value: string; readonly attributes: CookieAttributes }>()
  let sent: Readonly<Record<string, string>> = {}
  const hf = nextHoldfast(
    engine.sessions,
    {
      now: engine.now,
      loginPage: '/login',
      stepUpPage: '/step-up',
      address: { trust: { proxies: ['127.0.0.0/8'] } },
    },
    {
      async headers() {
        const kept = [...jar].filter(([, { value }]) => value !== '')
        const cookie = kept.map(([name, { value }]) => `${name}=${value}`).join('; ')
        return new Headers({ ...BROWSER, ...(cookie === '' ? {} : { cookie }), ...sent })
      },
      cookies: async () => ({
        set: (name, value, attributes) => jar.set(name, { value, attributes }),
      }),
      redirect: async (path) => {
        throw new Redirected(path)
      },
      goOn: async () => new Response(null, { headers: { 'x-middleware-next': '1' } }),
    },
  )
  return {
    ...engine,
    hf,
    jar,
    /** Does something in answer to a request with these headers. */
    async as<Result>(
      headers: Readonly<Record<string, string>>,
      call: (hf: NextHoldfast) => Result | Promise<Result>,
    ): Promise<Result> {
      sent = headers
      return call(hf)
    },
    async login() {
      sent = FORM
      const done = await hf.login(new FormData(), { subject: 'ada', factors: ['otp'] })
      if (!done.ok) throw new Error(done.code)
      return done.session
    },
  }
}

class Redirected extends Error {
  readonly path: string

  constructor(path: string) {
    super(path)
    this.path = path
  }
}

function formWith(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  return form
}

test('a login in an action sets the cookie, and a page reads the session', async () => {
  const { as, login, jar } = await scene()

  await login()

  expect(jar.get(SESSION_COOKIE)?.attributes).toEqual({
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'lax',
  })
  expect(await as({}, (hf) => hf.sessionOf())).toMatchObject({ subject: 'ada' })
  expect(await as({}, (hf) => hf.optionalSessionOf())).toMatchObject({ subject: 'ada' })
  expect(await as({}, (hf) => hf.decisionOf())).toMatchObject({ outcome: 'allow' })
})

test('a page without a session leads to the login, and back to where it says', async () => {
  const { as } = await scene()

  const refused = as({}, (hf) => hf.sessionOf({ returnTo: '/account?tab=2' }))
  const elsewhere = as({}, (hf) => hf.sessionOf({ returnTo: 'https://evil.example/' }))

  await expect(refused).rejects.toMatchObject({ path: '/login?return=%2Faccount%3Ftab%3D2' })
  await expect(elsewhere).rejects.toMatchObject({ path: '/login?return=%2F' })
  expect(await as({}, (hf) => hf.optionalSessionOf())).toBeUndefined()
})

test('an action that a form calls before scripts run needs the form token', async () => {
  const { as, login } = await scene()
  const { formToken } = await login()

  const without = as(FORM, (hf) => hf.sessionOf({ form: new FormData() }))
  await expect(without).rejects.toMatchObject({ code: 'form_token_invalid' })
  await expect(without).rejects.toBeInstanceOf(PageRefused)

  const form = formWith({ _form: formToken })
  expect(await as(FORM, (hf) => hf.sessionOf({ form }))).toMatchObject({ subject: 'ada' })
  expect(await as(FORM, (hf) => hf.formToken({ form }))).toBe(formToken)
  const byScript = await as(BY_SCRIPT, (hf) => hf.sessionOf({ form: new FormData() }))
  expect(byScript).toMatchObject({ subject: 'ada' })
})

test('a page that answers a form needs no form token, and passes no other site', async () => {
  const { as, login } = await scene()
  await login()

  expect(await as(FORM, (hf) => hf.sessionOf())).toMatchObject({ subject: 'ada' })
  const foreign = as({ ...FORM, 'sec-fetch-site': 'cross-site' }, (hf) => hf.sessionOf())
  await expect(foreign).rejects.toMatchObject({ code: 'cross_site_request' })
})

test('an action steps up at a new place, by what the step-up page was asked for', async () => {
  const { as, login, jar } = await scene()
  await login()
  const before = jar.get(SESSION_COOKIE)?.value
  const referer = 'http://localhost/account'

  const interrupted = as({ ...BY_SCRIPT, ...ABROAD, referer }, (hf) => hf.sessionOf(FACTOR))
  await expect(interrupted).rejects.toMatchObject({
    path: '/step-up?return=%2Faccount&sensitivity=sensitive',
  })

  const page = {
    ...FORM,
    ...ABROAD,
    referer: 'http://localhost/step-up?return=%2Faccount&sensitivity=sensitive',
  }
  const begun = await as(page, (hf) => hf.beginStepUp(new FormData()))
  if (!begun.ok) throw new Error(begun.code)
  const { challenge } = begun
  const proof = { challenge, subject: 'ada', amr: ['otp'] }
  expect(await as(page, (hf) => hf.stepUpFailed(undefined, challenge))).toMatchObject({ ok: true })
  const done = await as(page, (hf) => hf.completeStepUp(undefined, proof))

  expect(done).toMatchObject({ ok: true })
  expect(jar.get(SESSION_COOKIE)?.value).not.toBe(before)
  const sensitive = await as({ ...BY_SCRIPT, ...ABROAD }, (hf) => hf.sessionOf(FACTOR))
  expect(sensitive).toMatchObject({ subject: 'ada' })
})

test('a logout in an action expires the cookie, and its refusals lead away', async () => {
  const { as, login, jar } = await scene()
  await login()
  const foreign = { ...FORM, 'sec-fetch-site': 'cross-site' }

  const refused = await as(foreign, (hf) => hf.logout(new FormData()))
  if (refused.ok) throw new Error('another site has logged the person out')
  await expect(as({}, (hf) => hf.refuse(refused))).rejects.toMatchObject({
    code: 'cross_site_request',
  })

  expect(await as(FORM, (hf) => hf.logout(new FormData()))).toMatchObject({ ok: true })
  expect(jar.get(SESSION_COOKIE)).toMatchObject({ value: '', attributes: { maxAge: 0 } })
  await expect(as({}, (hf) => hf.sessionOf())).rejects.toBeInstanceOf(Redirected)
})

test('pages and actions rotate no secret, and the proxy does', async () => {
  const { as, login, jar, hf, advance } = await scene()
  await login()
  const before = jar.get(SESSION_COOKIE)?.value
  advance(360_000)

  await as({}, (api) => api.sessionOf())
  expect(jar.get(SESSION_COOKIE)?.value).toBe(before)

  const request = new Request('http://localhost/account', {
    headers: { ...BROWSER, cookie: `${SESSION_COOKIE}=${before}` },
  })
  const answer = await hf.proxy()(request)
  expect(answer.headers.get('x-middleware-next')).toBe('1')
  expect(answer.headers.getSetCookie()).toEqual([expect.stringContaining(SESSION_COOKIE)])
})

test('the proxy leads a person to the login, and lets actions guard themselves', async () => {
  const { hf } = await scene()
  const navigation = { ...BROWSER, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const url = 'http://localhost/account'

  const page = await hf.proxy()(new Request(url, { headers: navigation }))
  const action = await hf.proxy()(new Request(url, { method: 'POST', headers: BROWSER }))

  expect(page.status).toBe(303)
  expect(page.headers.get('location')).toBe('http://localhost/login?return=%2Faccount')
  expect(action.headers.get('x-middleware-next')).toBe('1')
})

test('a handler gets what Next calls it with', async () => {
  const { hf, jar, login } = await scene()
  await login()
  const cookie = `${SESSION_COOKIE}=${jar.get(SESSION_COOKIE)?.value}`
  const request = new Request('http://localhost/orders/7', { headers: { ...BROWSER, cookie } })

  const handler = hf.requireSession()(
    async (_, { session }, { params }: { readonly params: Promise<{ readonly id: string }> }) =>
      Response.json({ buyer: session.subject, id: (await params).id }),
  )
  const answer = await handler(request, { params: Promise.resolve({ id: '7' }) })

  expect(await answer.json()).toEqual({ buyer: 'ada', id: '7' })
})

test('whose store cannot be asked is no guest', async () => {
  const { as, login, breakStore } = await scene()
  await login()
  breakStore()

  const failed = { code: 'store_unavailable' }
  await expect(as({}, (hf) => hf.sessionOf())).rejects.toMatchObject(failed)
  await expect(as({}, (hf) => hf.optionalSessionOf())).rejects.toMatchObject(failed)
})
