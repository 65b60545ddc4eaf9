import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import type { IgnoredOnBehalf } from '../../src/adapters/guard/on-behalf.ts'
import type { GuardOptions } from '../../src/adapters/guard/options.ts'
import { holdfast } from '../../src/adapters/node.ts'
import { ON_BEHALF_HEADER, SESSION_COOKIE } from '../../src/carriers/names.ts'
import { harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

/**
 * A thief has the cookie and knows how renderers and backends ask each other for a person. What he
 * does not know is their secret, and what he is given (logs, another session) is of no use.
 */
const SECRET = 'a secret of this application, 32 characters or more'

type Headers = Readonly<Record<string, string>>

/** A request of a browser to the renderer, as HTTP tells it. */
function browsing(person = atHome(), more: Headers = {}): Headers {
  return {
    ...(person.headers as Headers),
    'x-forwarded-for': person.ip ?? '',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    ...more,
  }
}

/** What Node's own `fetch` says of itself. */
const NODE: Headers = { 'user-agent': 'node', 'sec-fetch-mode': 'cors', accept: '*/*' }

async function scene(backend: Partial<GuardOptions['onBehalf'] & object> = {}) {
  const engine = await harness(inMemory)
  const ignored: IgnoredOnBehalf['reason'][] = []
  const options = {
    now: engine.host.now,
    address: { trust: { proxies: ['127.0.0.1/32'] } },
  }
  const renderer = guard(engine.sessions, { ...options, onBehalf: { secret: SECRET } })
  const api = guard(engine.sessions, {
    ...options,
    onBehalf: { secret: SECRET, onIgnored: ({ reason }) => ignored.push(reason), ...backend },
  })

  function facts(headers: Headers, more: Partial<HttpFacts> = {}): HttpFacts {
    return {
      method: 'GET',
      url: '/orders',
      peer: '127.0.0.1',
      encrypted: true,
      header: (name) => headers[name],
      ...more,
    }
  }
  const cookieOf = (token: string): Headers => ({ cookie: `${SESSION_COOKIE}=${token}` })
  const token = await engine.login()
  engine.host.advance(MINUTE)

  return {
    ...engine,
    ignored,
    token,
    facts,
    api,
    renderer,
    /** What the renderer takes along of the request of a browser. */
    taken: (shown: string, person = atHome()) =>
      renderer.forwardedFacts(facts({ ...browsing(person), ...cookieOf(shown) })),
    /** A request from the renderer's own place to the backend. */
    ask: (shown: string, headers: Headers, more: Partial<HttpFacts> = {}) =>
      api.require()(facts({ ...NODE, ...cookieOf(shown), ...headers }, more)),
  }
}

async function expectJudgedAsNode({ ask, token }: Awaited<ReturnType<typeof scene>>, h: Headers) {
  const forged = await ask(token, h)
  const plain = await ask(token, {})
  expect(forged).toMatchObject({ ok: false, code: 'step_up_required' })
  expect(forged.ok || forged.code).toBe(plain.ok || plain.code)
}

test('who asks for a person is answered for that person, and brings no cookie', async () => {
  const s = await scene()
  s.host.advance(10 * MINUTE)

  const answer = await s.ask(s.token, await s.taken(s.token))

  expect(answer).toMatchObject({ ok: true, session: { subject: 'ada' } })
  expect(answer.ok && answer.headers()).toEqual([])
  expect(s.ignored).toEqual([])
  const [detail] = (await s.sessions.list({ subject: 'ada' })).items
  expect(detail?.contexts).toHaveLength(1)
})

test('a thief is a thief through a renderer, too', async () => {
  const s = await scene()

  const answer = await s.ask(s.token, await s.taken(s.token, abroad()))

  expect(answer).toMatchObject({ ok: false, code: 'step_up_required' })
  expect(s.ignored).toEqual([])
})

describe('a header that is not believed', () => {
  test('forged: sealed with another secret, or made up', async () => {
    const s = await scene()
    const other = guard(s.sessions, {
      onBehalf: { secret: 'another secret, which is just as long as that' },
    })
    const own = s.facts({ ...browsing(), cookie: `${SESSION_COOKIE}=${s.token}` })
    const forged = await other.forwardedFacts(own)

    await expectJudgedAsNode(s, forged)
    await expectJudgedAsNode(s, { [ON_BEHALF_HEADER]: sealedBy('x'.repeat(40), s.host.now()) })

    expect(s.ignored).toEqual(['forged', 'forged'])
  })

  test('changed by a bit', async () => {
    const s = await scene()
    const { [ON_BEHALF_HEADER]: right = '' } = await s.taken(s.token)
    for (const at of [4, 12, 40, right.length - 2]) {
      const letter = right[at] === 'A' ? 'B' : 'A'
      const changed = right.slice(0, at) + letter + right.slice(at + 1)
      await expectJudgedAsNode(s, { [ON_BEHALF_HEADER]: changed })
    }

    expect(new Set(s.ignored)).toEqual(new Set(['forged']))
  })

  test('for another session, also of the same person', async () => {
    const s = await scene()
    const other = await s.login({ subject: 'grace' })
    const second = await s.login()

    await expectJudgedAsNode(s, await s.taken(other))
    await expectJudgedAsNode(s, await s.taken(second))
    await expectJudgedAsNode(s, await s.renderer.forwardedFacts(s.facts(browsing())))

    expect(s.ignored).toEqual(['other_token', 'other_token', 'other_token'])
  })

  test('replayed after its time, or from the future', async () => {
    const s = await scene()
    const header = await s.taken(s.token)

    s.host.advance(30 * SECOND)
    expect(await s.ask(s.token, header)).toMatchObject({ ok: true })
    s.host.advance(1)
    await expectJudgedAsNode(s, header)
    const ahead = guard(s.sessions, {
      now: () => s.host.now() + 6 * SECOND,
      onBehalf: { secret: SECRET },
    })
    const own = s.facts({ ...browsing(), cookie: `${SESSION_COOKIE}=${s.token}` })
    await expectJudgedAsNode(s, await ahead.forwardedFacts(own))

    expect(s.ignored).toEqual(['expired', 'expired'])
  })

  test.each([
    ['empty', ''],
    ['a word', 'me'],
    ['another version', `ob2.${'A'.repeat(200)}`],
    ['no base64url', `ob1.${'='.repeat(200)}`],
    ['nothing but a nonce', `ob1.${'A'.repeat(16)}`],
    ['64 KB', `ob1.${'A'.repeat(65_536)}`],
  ])('malformed: %s', async (_, value) => {
    const s = await scene()

    await expectJudgedAsNode(s, { [ON_BEHALF_HEADER]: value })

    expect(s.ignored).toEqual(['malformed'])
  })

  test('two of them', async () => {
    const s = await scene()
    const { [ON_BEHALF_HEADER]: right = '' } = await s.taken(s.token)
    const cookie = `${SESSION_COOKIE}=${s.token}`
    const headers: Readonly<Record<string, string | readonly string[]>> = {
      ...NODE,
      cookie,
      [ON_BEHALF_HEADER]: [right, right],
    }

    const answer = await s.api.require()({ ...s.facts({}), header: (name) => headers[name] })

    expect(answer).toMatchObject({ ok: false, code: 'step_up_required' })
    expect(s.ignored).toEqual(['malformed'])
  })

  test('without the option it is not looked at', async () => {
    const s = await scene()
    const plain = guard(s.sessions, { now: s.host.now })
    const header = await s.taken(s.token)
    const cookie = `${SESSION_COOKIE}=${s.token}`

    expect(await plain.require()(s.facts({ ...NODE, cookie, ...header }))).toMatchObject({
      ok: false,
      code: 'step_up_required',
    })
    await expect(plain.forwardedFacts(s.facts(browsing()))).rejects.toMatchObject({
      code: 'config_invalid',
    })
  })
})

test('what another site caused is refused behind the renderer as before it', async () => {
  const s = await scene()
  const cookie = `${SESSION_COOKIE}=${s.token}`
  const embedded = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }
  const posted = { ...browsing(), cookie, 'sec-fetch-site': 'cross-site' }
  const headers = [
    await s.renderer.forwardedFacts(
      s.facts({ ...browsing(), cookie, ...embedded, 'sec-fetch-mode': 'no-cors' }),
    ),
    await s.renderer.forwardedFacts(s.facts(posted, { method: 'POST' })),
  ]

  for (const header of headers) {
    for (const method of ['GET', 'POST']) {
      expect(await s.ask(s.token, header, { method })).toMatchObject({
        ok: false,
        code: 'cross_site_request',
      })
    }
  }
})

test('a page that is prerendered asks as what it is', async () => {
  const s = await scene()
  const cookie = `${SESSION_COOKIE}=${s.token}`
  const ahead = s.facts({ ...browsing(), cookie, 'sec-purpose': 'prefetch;prerender' })
  const header = await s.renderer.forwardedFacts(ahead)
  const request = s.facts({ ...NODE, cookie, ...header })

  expect(await s.api.require({ sensitivity: 'sensitive' })(request)).toMatchObject({
    code: 'speculative_request',
  })
  expect(await s.api.logout({ ...request, method: 'POST' })).toMatchObject({
    code: 'speculative_request',
  })
})

test('refusals are for the renderer: no redirect, no cookie', async () => {
  const s = await scene()
  const header = await s.taken(s.token)
  await s.sessions.logout(s.token)

  const answer = await s.ask(s.token, header)

  expect(answer).toMatchObject({ ok: false, code: 'session_unknown', refusal: { status: 401 } })
  const names = answer.ok ? [] : answer.refusal.headers.map(([name]) => name)
  expect(names).not.toContain('location')
  expect(names).not.toContain('set-cookie')
})

test('a secret that changes is known on both sides for a while', async () => {
  const next = 'the secret of tomorrow, which is as long as this'
  const s = await scene({ secret: [next, SECRET] })

  expect(await s.ask(s.token, await s.taken(s.token))).toMatchObject({ ok: true })
})

test.each([{ of: '' }, { of: 'short' }, { of: 'x'.repeat(31) }, { of: [] }, { of: undefined }])(
  'a secret that anybody could guess is refused when the guard starts: $of',
  async ({ of }) => {
    const { sessions } = await scene()

    for (const secret of [of, ['x'.repeat(32), of], [of, of, of, of, of]]) {
      expect(() => holdfast(sessions, { onBehalf: { secret: secret as string } })).toThrow(
        'onBehalf.secret',
      )
    }
  },
)

test('a browser that says too much is cut short, and one that floods says nothing', async () => {
  const s = await scene()
  const long = Object.fromEntries(
    ['accept', 'accept-language', 'sec-ch-ua', 'sec-ch-ua-model', 'user-agent'].map((name) => [
      name,
      'x'.repeat(16_384),
    ]),
  )
  const wide = { 'user-agent': '\u{1f600}'.repeat(16_384), accept: '\u{1f600}'.repeat(16_384) }

  for (const headers of [long, wide]) {
    const taken = await s.renderer.forwardedFacts(s.facts(browsing(atHome(), headers)))
    expect((taken[ON_BEHALF_HEADER] ?? '').length).toBeLessThanOrEqual(8_192)
  }
})

test('a login behind a renderer is from where the person is', async () => {
  const s = await scene()
  const header = await s.renderer.forwardedFacts(s.facts(browsing(), { method: 'POST' }))
  const request = s.facts({ ...NODE, ...header }, { method: 'POST' })

  const done = await s.api.login(request, { subject: 'grace' })

  expect(done).toMatchObject({ ok: true })
  const [detail] = (await s.sessions.list({ subject: 'grace' })).items
  expect(detail?.origin.network.city).toBe('Oslo')
  expect(detail?.origin.device.family).toBe('chrome')
})

test('renderers in a row hand the person on', async () => {
  const s = await scene()
  const cookie = `${SESSION_COOKIE}=${s.token}`
  const first = await s.taken(s.token)
  s.host.advance(20 * SECOND)
  const second = await s.renderer.forwardedFacts(s.facts({ ...NODE, cookie, ...first }))
  s.host.advance(20 * SECOND)

  expect(await s.ask(s.token, second)).toMatchObject({ ok: true })
  onTestFinished(() => expect(s.ignored).toEqual([]))
})

/** A header that is right but for its secret. */
function sealedBy(secret: string, at: number): string {
  const purpose = Buffer.from('holdfast on-behalf v1')
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(32), purpose, 32))
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(purpose)
  const plain = JSON.stringify({ at, token: '', ip: '192.0.2.10', https: true, headers: {} })
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return `ob1.${sealed.toString('base64url')}`
}
