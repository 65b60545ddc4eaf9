import { describe, expect, onTestFinished, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { cookie } from '../../src/carriers/cookie.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

/**
 * A login that ends with the POST of an identity provider's page is a cross-site request that may
 * begin a session. Nobody else's may, and none may use the session whose cookie comes along. Here
 * the cookie comes along with everything, as with `SameSite=None`.
 */
const IDP = 'https://idp.example'

type Headers = Readonly<Record<string, string>>

const FROM_IDP: Headers = {
  origin: IDP,
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

const FOREIGN: readonly (readonly [string, Headers])[] = [
  ['another site', { ...FROM_IDP, origin: 'https://evil.example' }],
  ['a name that begins like it', { ...FROM_IDP, origin: 'https://idp.example.evil.example' }],
  ['a port of it', { ...FROM_IDP, origin: 'https://idp.example:8443' }],
  ['plain HTTP', { ...FROM_IDP, origin: 'http://idp.example' }],
  ['another spelling', { ...FROM_IDP, origin: 'https://IDP.example' }],
  ['a frame without an origin', { ...FROM_IDP, origin: 'null' }],
  ['a page that does not say', { ...FROM_IDP, origin: '' }],
  ['two origins', { ...FROM_IDP, origin: `${IDP}, https://evil.example` }],
]

async function scene() {
  const { sessions, now, close } = await engineHarness()
  onTestFinished(close)
  const hf = guard(sessions, { now, carriers: [cookie({ sameSite: 'none' })] })
  const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
  const created = await sessions.create({ subject: 'victim', request, attributes: { cart: 3 } })
  if (!created.ok) throw new Error(created.code)
  const carried = `${SESSION_COOKIE}=${created.token}`

  const facts = (headers: Headers, method = 'POST'): HttpFacts => ({
    method,
    url: '/login/callback',
    peer: '127.0.0.1',
    encrypted: true,
    header(name) {
      const value = name === 'cookie' ? (headers.cookie ?? carried) : headers[name]
      return value === '' ? undefined : value
    },
  })
  const countOf = async (subject: string) => (await sessions.list({ subject })).items.length
  return { hf, facts, countOf, sessions }
}

describe('a POST of another site', () => {
  test.each(FOREIGN)('%s begins no session, and ends none', async (_, headers) => {
    const { hf, facts, countOf } = await scene()

    const answer = await hf.login(facts(headers), { subject: 'attacker', from: IDP })

    expect(answer).toMatchObject({ ok: false, code: 'cross_site_request' })
    expect([await countOf('victim'), await countOf('attacker')]).toEqual([1, 0])
  })

  test('without a name, no site logs anybody in (login CSRF)', async () => {
    const { hf, facts, countOf } = await scene()

    for (const [, headers] of [...FOREIGN, ['', FROM_IDP] as const]) {
      expect(await hf.login(facts(headers), { subject: 'attacker' })).toMatchObject({
        ok: false,
        code: 'cross_site_request',
      })
    }

    expect([await countOf('victim'), await countOf('attacker')]).toEqual([1, 0])
  })

  test('the one that is named may begin a session, and use none', async () => {
    const { hf, facts } = await scene()

    const used = [
      await hf.require()(facts(FROM_IDP)),
      await hf.optional()(facts(FROM_IDP)),
      await hf.logout(facts(FROM_IDP)),
      await hf.beginStepUp(facts(FROM_IDP)),
    ]

    for (const answer of used) {
      expect(answer).toMatchObject({ ok: false, code: 'cross_site_request' })
    }
  })

  test('what a cookie of a victim stands for does not reach what begins', async () => {
    const { hf, facts, countOf, sessions } = await scene()

    const answer = await hf.login(facts(FROM_IDP), { subject: 'grace', from: IDP })

    expect(answer).toMatchObject({ ok: true, session: { subject: 'grace', attributes: {} } })
    // As at each login, who was logged in in this browser is not any more.
    expect([await countOf('victim'), await countOf('grace')]).toEqual([0, 1])
    const [detail] = (await sessions.list({ subject: 'grace' })).items
    expect(detail?.acr).toBeNull()
  })

  test('a cookie that is not authentic, or comes twice, ends nothing', async () => {
    for (const planted of [
      `${SESSION_COOKIE}=hf1.${'A'.repeat(43)}.${'A'.repeat(219)}`,
      `${SESSION_COOKIE}=a; ${SESSION_COOKIE}=b`,
    ]) {
      const { hf, facts, countOf } = await scene()
      const headers = { ...FROM_IDP, cookie: planted }

      const answer = await hf.login(facts(headers), { subject: 'grace', from: IDP })

      expect(answer).toMatchObject({ ok: true })
      expect([await countOf('victim'), await countOf('grace')]).toEqual([1, 1])
    }
  })

  test('plain HTTP stays refused', async () => {
    const { hf, facts } = await scene()
    const plain = { ...facts({ ...FROM_IDP, host: 'shop.example' }), encrypted: false }

    expect(await hf.login(plain, { subject: 'ada', from: IDP })).toMatchObject({
      code: 'https_required',
    })
  })
})

test.each(['idp.example', 'https://idp.example/', 'null', '*', ''])(
  'a name that is no origin is told at once: %j',
  async (from) => {
    const { hf, facts } = await scene()

    await expect(hf.login(facts(FROM_IDP), { subject: 'ada', from })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('from'),
    })
  },
)

test('a code that comes by GET needs no name, and the image of another site is none', async () => {
  const { hf, facts } = await scene()
  const image = { ...FROM_IDP, origin: '', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }

  expect(await hf.login(facts(image, 'GET'), { subject: 'ada', from: IDP })).toMatchObject({
    code: 'cross_site_request',
  })
  const navigated = { ...FROM_IDP, origin: '' }
  expect(await hf.login(facts(navigated, 'GET'), { subject: 'ada', from: IDP })).toMatchObject({
    ok: true,
  })
})
