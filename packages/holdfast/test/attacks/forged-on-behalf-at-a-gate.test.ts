import { expect, test } from 'vitest'
import { type GatewayRoute, gatewayGuard } from '../../src/adapters/gateway.ts'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { ON_BEHALF_HEADER, SESSION_COOKIE } from '../../src/carriers/names.ts'
import { harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

/**
 * A renderer asks through a gateway for the person who opened its page. A thief has the cookie, and
 * can write any header into a request to the same gateway.
 */
const SECRET = 'a secret of this application, 32 characters or more'

type Headers = Readonly<Record<string, string>>

async function scene(gateSecret: string | undefined = SECRET) {
  const engine = await harness(inMemory)
  const ignored: string[] = []
  const options = { now: engine.host.now, address: { trust: { proxies: ['127.0.0.1/32'] } } }
  const renderer = guard(engine.sessions, { ...options, onBehalf: { secret: SECRET } })
  const gate = gatewayGuard(engine.sessions, {
    ...options,
    ...(gateSecret === ''
      ? {}
      : {
          onBehalf: {
            secret: gateSecret,
            onIgnored: ({ reason }) => void ignored.push(reason),
          },
        }),
  })
  const facts = (headers: Headers): HttpFacts => ({
    method: 'GET',
    url: '/orders',
    peer: '127.0.0.1',
    encrypted: true,
    header: (name) => headers[name],
  })
  const cookieOf = (token: string): Headers => ({ cookie: `${SESSION_COOKIE}=${token}` })
  const token = await engine.login()
  engine.host.advance(MINUTE)

  return {
    ...engine,
    ignored,
    token,
    /** What the renderer takes along of the request of a browser. */
    taken: (shown: string, person = atHome()) =>
      renderer.forwardedFacts(
        facts({
          ...(person.headers as Headers),
          'x-forwarded-for': person.ip ?? '',
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          ...cookieOf(shown),
        }),
      ),
    /** A request of a program in a data centre to the gateway. */
    ask: (shown: string, headers: Headers, route: GatewayRoute = {}) =>
      gate.verify(facts({ 'user-agent': 'node', ...cookieOf(shown), ...headers }), route),
  }
}

const CHALLENGED = { ok: false, code: 'step_up_required' }

test('the right header is the person’s, and brings no cookie, even where it could', async () => {
  const { ask, taken, token, host, ignored } = await scene()
  host.advance(10 * MINUTE)

  const answer = await ask(token, await taken(token), { rotate: true })

  expect(answer).toMatchObject({ ok: true, session: { subject: 'ada' }, setCookie: undefined })
  expect(ignored).toEqual([])
})

test('a thief who opens a page of the renderer is a thief at the gate', async () => {
  const { ask, taken, token, ignored } = await scene()

  expect(await ask(token, await taken(token, abroad()))).toMatchObject(CHALLENGED)
  expect(ignored).toEqual([])
})

test('a forged header is none: sealed with another secret, altered, or made up', async () => {
  const { ask, taken, token, ignored } = await scene(
    'another secret, which is as long as it has to be',
  )
  const right = (await taken(token))[ON_BEHALF_HEADER] ?? ''

  for (const forged of [right, `${right.slice(0, -2)}AA`, 'ob1.', 'x'.repeat(20_000)]) {
    expect(await ask(token, { [ON_BEHALF_HEADER]: forged })).toMatchObject(CHALLENGED)
  }
  expect(ignored).toEqual(['forged', 'forged', 'malformed', 'malformed'])
})

test('a header that is repeated after its time is none', async () => {
  const { ask, taken, token, host, ignored } = await scene()
  const header = await taken(token)

  expect(await ask(token, header)).toMatchObject({ ok: true })
  host.advance(31 * SECOND)

  expect(await ask(token, header)).toMatchObject(CHALLENGED)
  expect(ignored).toEqual(['expired'])
})

test('a header of another session is none: of the thief’s own, too', async () => {
  const { ask, taken, token, login, ignored } = await scene()
  const own = await login({ subject: 'mallory' })

  expect(await ask(token, await taken(own))).toMatchObject(CHALLENGED)
  expect(ignored).toEqual(['other_token'])
})

test('a gate without the secret looks at no such header', async () => {
  const { ask, taken, token } = await scene('')

  expect(await ask(token, await taken(token))).toMatchObject(CHALLENGED)
})
