import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { holdfast as onFetch } from '../../src/adapters/fetch.ts'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { holdfast as onNode } from '../../src/adapters/node.ts'
import { rawRequest } from '../../src/contracts/adapters/raw-http.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { listening } from '../contracts/apps/listening.ts'
import { codeOf, harness, inMemory } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

const HUGE = 'x'.repeat(64 * 1_024)
const { 'user-agent': AGENT, 'accept-language': LANGUAGES } = atHome().headers

/** Each makes one fact of a request huge, and leaves its beginning as it was. */
const CHANGES: readonly (readonly [string, Partial<RequestFacts>])[] = [
  ['the URL', { url: `/account?q=${HUGE}` }],
  ['the method', { method: `X${HUGE}` }],
  ['the user agent', { headers: headers({ 'user-agent': `${AGENT} ${HUGE}` }) }],
  ['the languages', { headers: headers({ 'accept-language': `${LANGUAGES}, ${HUGE}` }) }],
  ['Accept', { headers: headers({ accept: HUGE }) }],
  ['the purpose', { headers: headers({ 'sec-fetch-dest': HUGE }) }],
  ['a hint', { headers: headers({ 'sec-ch-ua-full-version-list': HUGE }) }],
  ['the brands', { headers: headers({ 'sec-ch-ua': HUGE }) }],
  ['an unknown header', { headers: headers({ 'x-anything': HUGE }) }],
  ['a thousand values', { headers: headers({ accept: Array(1_000).fill(HUGE.slice(0, 100)) }) }],
  ['five thousand headers', { headers: headers(Object.fromEntries(manyHeaders(5_000))) }],
  ['the screen', { client: { screen: HUGE, timezone: 'Europe/Oslo' } }],
  ['the platform', { client: { ...atHome().client, platform: HUGE } }],
  ['a language', { client: { ...atHome().client, languages: ['nb-NO', HUGE] } }],
  ['the languages of the page', { client: { ...atHome().client, languages: manyLanguages() } }],
  ['the touch points', { client: { ...atHome().client, touch: 1e300 } }],
]

function headers(more: RequestFacts['headers']): RequestFacts['headers'] {
  return { ...atHome().headers, ...more }
}

function manyHeaders(count: number): readonly (readonly [string, string])[] {
  return Array.from({ length: count }, (_, at) => [`x-${at}`, 'x'])
}

function manyLanguages(): readonly string[] {
  return ['nb-NO', ...Array<string>(100_000).fill('en')]
}

describe.each(CHANGES)('%s', (_, change) => {
  test('refuses neither a session nor a login nor a report', async () => {
    const { sessions, login, show } = await harness(inMemory)
    const token = await login()

    const shown = await show(token, atHome(change))
    const created = await sessions.create({ subject: 'eve', request: atHome(change) })
    await sessions.report({ kind: 'login_failed', subject: 'eve', request: atHome(change) })

    expect(shown).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
    expect(created.ok).toBe(true)
  })

  test('hides no thief', async () => {
    const { login, show } = await harness(inMemory)
    const token = await login()
    const own = abroad()

    const thief = abroad({
      ...change,
      headers: { ...change.headers, ...own.headers },
      client: { ...change.client, ...own.client },
    })

    expect(codeOf(await show(token, thief))).toBe('step_up_required')
  })
})

test('a long agent is judged as its beginning is, and too long hints as missing', async () => {
  const hints = { 'sec-ch-ua': '"Chromium";v="156", "Google Chrome";v="156"' }
  const { login, show } = await harness(inMemory)
  const own = atHome({ headers: headers(hints) })
  const firefox = `${abroad().headers['user-agent']} ${HUGE}${AGENT}`
  const long = { ...hints, 'sec-ch-ua': `${hints['sec-ch-ua']}, "${HUGE}"` }

  const other = await show(
    await login({ request: own }),
    atHome({ headers: headers({ ...hints, 'user-agent': firefox }) }),
  )
  const less = await show(await login({ request: own }), atHome({ headers: headers(long) }))

  expect(other.decision?.because.map(({ group }) => group)).toContain('D')
  expect(less.decision?.because.map(({ reason }) => reason)).toContain('hints_missing')
})

test('nothing of it stays in memory as the key of a device', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const before = await h.show(token)

  for (let i = 0; i < 50; i++) {
    await h.show(token, atHome({ headers: headers({ 'user-agent': `${AGENT} ${i}${HUGE}` }) }))
  }
  const after = await h.show(token)

  expect([before, after].map(codeOf)).toEqual(['ok', 'ok'])
})

describe('at the guard', () => {
  function facts(token: string | undefined, change: Partial<RequestFacts>): HttpFacts {
    const request = atHome(change)
    const more: Record<string, string> = {
      host: 'shop.example',
      'sec-fetch-site': 'same-origin',
      ...(token === undefined ? {} : { cookie: `__Host-session=${token}` }),
    }
    return {
      method: 'GET',
      url: request.url,
      peer: request.ip ?? undefined,
      encrypted: true,
      header: (name) => more[name] ?? request.headers[name],
    }
  }

  test.each(CHANGES)('%s: the same for guests and for sessions', async (_, change) => {
    const { sessions, login } = await harness(inMemory)
    const token = await login()
    const { require, optional } = guard(sessions)

    expect(await require()(facts(token, change))).toMatchObject({ ok: true })
    expect(await optional()(facts(token, change))).toMatchObject({ ok: true, refused: undefined })
    expect(await optional()(facts(undefined, change))).toMatchObject({
      ok: true,
      refused: 'token_missing',
    })
  })

  test('cookies above their bound are refused to everybody, on optional routes, too', async () => {
    const { sessions, login } = await harness(inMemory)
    const token = await login()
    const { require, optional } = guard(sessions)
    const answers = []
    for (const own of [`__Host-session=${token}; `, '']) {
      const asked = facts(undefined, {})
      const header = (name: string) => (name === 'cookie' ? `${own}a=${HUGE}` : asked.header(name))
      for (const judge of [require(), optional()]) answers.push(await judge({ ...asked, header }))
    }

    expect(answers).toMatchObject(Array(4).fill({ ok: false, code: 'headers_too_large' }))
  })
})

describe('over HTTP, where the server lets 256 KiB of headers in', () => {
  async function starting(): Promise<{ readonly origin: string; readonly token: string }> {
    const h = await harness(inMemory)
    const token = await h.login({ request: atHome({ ip: '127.0.0.1' }) })
    const hf = onNode(h.sessions)
    const optional = hf.optionalSession()
    const server = createServer({ maxHeaderSize: 262_144 }, async (request, response) => {
      if (!(await optional(request, response))) return
      response.end(hf.optionalSessionOf(request)?.subject ?? 'nobody')
    })
    const { origin, close } = await listening(server)
    onTestFinished(close)
    return { origin, token }
  }

  test('a URL and headers of 64 KiB', async () => {
    const { origin, token } = await starting()
    const long: readonly (readonly [string, string])[] = [
      ['user-agent', `${AGENT} ${HUGE}`],
      ['accept-language', String(LANGUAGES)],
      ['accept', HUGE],
    ]
    const asked = `${origin}/?q=${HUGE}`

    const own = await rawRequest(asked, {
      headers: [...long, ['cookie', `__Host-session=${token}`]],
    })
    const guest = await rawRequest(asked, { headers: long })

    expect([own.status, own.body]).toEqual([200, 'ada'])
    expect([guest.status, guest.body]).toEqual([200, 'nobody'])
  })
})

test('a web Request of any length', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  const { optionalSession } = onFetch(h.sessions, { peer: () => '192.0.2.10' })
  const answer = optionalSession()((_, { session }) => new Response(session?.subject ?? 'nobody'))
  const ask = async (cookie: string): Promise<string> => {
    const request = new Request(`https://shop.example/?q=${HUGE}`, {
      method: `X${HUGE}`,
      headers: {
        'user-agent': `${AGENT} ${HUGE}`,
        'accept-language': String(LANGUAGES),
        'sec-fetch-site': 'same-origin',
        cookie,
      },
    })
    return (await answer(request)).text()
  }

  expect(await ask(`__Host-session=${token}`)).toBe('ada')
  expect(await ask('a=b')).toBe('nobody')
})
