import { expect, onTestFinished, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import type { GuardOptions } from '../../src/adapters/guard/options.ts'
import { bearer } from '../../src/carriers/bearer.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

type Headers = Readonly<Record<string, string>>

const NAVIGATED = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
const TYPED = { ...NAVIGATED, 'sec-fetch-site': 'none', 'sec-fetch-user': '?1' }

/** A person who is logged in, and a logout by GET. */
async function scene(options: GuardOptions = {}) {
  const { sessions, now, close } = await engineHarness()
  onTestFinished(close)
  const hf = guard(sessions, { now, ...options })
  const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
  const created = await sessions.create({ subject: 'ada', request })
  if (!created.ok) throw new Error(created.code)
  const { token, session } = created

  function facts(headers: Headers, method: string): HttpFacts {
    const all: Headers = { cookie: `${SESSION_COOKIE}=${token}`, ...headers }
    return {
      method,
      url: '/logout',
      peer: '127.0.0.1',
      encrypted: true,
      header: (name) => all[name],
    }
  }
  return {
    token,
    formToken: session.formToken,
    logout: (headers: Headers, method = 'GET') => hf.logout(facts(headers, method)),
    lives: async () => (await sessions.list({ subject: 'ada' })).items.length === 1,
  }
}

test.each([
  ['a link of the own site', { ...NAVIGATED, 'sec-fetch-site': 'same-origin' }],
  ['the own script', { 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }],
  ['the address bar', TYPED],
])('%s logs out by GET', async (_, headers) => {
  const { logout, lives } = await scene()

  expect(await logout(headers)).toMatchObject({ ok: true })
  expect(await lives()).toBe(false)
})

test.each([
  ['a link of another site', { ...NAVIGATED, 'sec-fetch-site': 'cross-site' }],
  ['one that a person clicked', { ...TYPED, 'sec-fetch-site': 'cross-site' }],
  ['a page of a sibling host', { ...NAVIGATED, 'sec-fetch-site': 'same-site' }],
  ['an image in the own page', { 'sec-fetch-dest': 'image', 'sec-fetch-site': 'same-origin' }],
  ['a frame in the own page', { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'same-origin' }],
  ['a page that nobody asked for', { ...NAVIGATED, 'sec-fetch-site': 'none' }],
])('%s does not', async (_, headers) => {
  for (const method of ['GET', 'HEAD']) {
    const { logout, lives } = await scene()

    const refused = await logout(headers, method)

    expect(refused).toMatchObject({ ok: false, code: 'cross_site_request' })
    expect(refused.ok || refused.refusal.headers.map(([name]) => name)).not.toContain('set-cookie')
    expect(await lives()).toBe(true)
  }
})

test('a client without Fetch Metadata brings the form token', async () => {
  const { logout, lives, formToken } = await scene()

  expect(await logout({})).toMatchObject({ ok: false, code: 'form_token_invalid' })
  expect(await logout({ 'x-form-token': 'guess' })).toMatchObject({ code: 'form_token_invalid' })
  expect(await lives()).toBe(true)
  expect(await logout({ 'x-form-token': formToken })).toMatchObject({ ok: true })
  expect(await lives()).toBe(false)
})

test('what nobody asked for clears nothing of a browser without a session either', async () => {
  const { logout } = await scene()

  for (const cookie of ['', `${SESSION_COOKIE}=garbage`]) {
    const headers = { ...NAVIGATED, 'sec-fetch-site': 'cross-site', cookie }
    expect(await logout(headers)).toMatchObject({ ok: false, code: 'cross_site_request' })
  }
})

test('sibling hosts that are trusted may log out, and so may bearers of a token', async () => {
  const trusting = await scene({ sameSite: 'trust' })
  const sibling = { ...NAVIGATED, 'sec-fetch-site': 'same-site' }
  expect(await trusting.logout(sibling)).toMatchObject({ ok: true })

  const native = await scene({ carriers: [bearer()] })
  const headers = { cookie: '', authorization: `Bearer ${native.token}` }
  expect(await native.logout(headers)).toMatchObject({ ok: true })
  expect(await native.lives()).toBe(false)
})

test('a prefetch ends nothing, wherever it comes from', async () => {
  for (const purpose of [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { 'x-purpose': 'preview' },
  ]) {
    const { logout, lives, formToken } = await scene()
    const own = { ...NAVIGATED, 'sec-fetch-site': 'same-origin', 'x-form-token': formToken }

    for (const method of ['GET', 'POST']) {
      expect(await logout({ ...own, ...purpose }, method)).toMatchObject({
        ok: false,
        code: 'speculative_request',
      })
    }
    expect(await lives()).toBe(true)
  }
})
