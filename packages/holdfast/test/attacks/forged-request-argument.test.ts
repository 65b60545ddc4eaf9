import { expect, onTestFinished, test } from 'vitest'
import { nextHoldfast } from '../../src/adapters/next-api.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

// What a server action of Next is called with comes from the client: a list of fields, a map, an
// object of the client's own. A thief hands over what looks like a request of the owner's.
test('an argument of an action that looks like a request is not judged as one', async () => {
  const engine = await engineHarness()
  onTestFinished(engine.close)
  const owner = {
    host: 'localhost',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'accept-language': 'en-GB',
    'sec-fetch-site': 'same-origin',
    'x-forwarded-for': '203.0.113.10',
  }
  const created = await engine.sessions.create({
    subject: 'ada',
    request: { ip: '203.0.113.10', method: 'POST', url: '/login', headers: owner },
  })
  if (!created.ok) throw new Error(created.code)
  const cookie = `${SESSION_COOKIE}=${created.token}`
  const thief = {
    host: 'localhost',
    'user-agent': 'curl/8.5.0',
    'next-action': '40a1',
    'sec-fetch-site': 'same-origin',
    'x-forwarded-for': '198.51.100.20',
    cookie,
  }
  const { requestFacts, sessionOf } = nextHoldfast(
    engine.sessions,
    { now: engine.now, address: { trust: { proxies: ['127.0.0.0/8'] } } },
    {
      headers: async () => new Headers(thief),
      cookies: async () => ({ set: () => {} }),
      redirect: async (path) => {
        throw new Error(path)
      },
      goOn: async () => new Response(),
    },
  )

  const forged = {
    method: 'GET',
    url: 'http://localhost/account',
    headers: new Map(Object.entries({ ...owner, cookie })),
  }

  expect(await requestFacts(forged as never)).toMatchObject({ ip: '198.51.100.20' })
  await expect(async () => sessionOf(forged as never)).rejects.toMatchObject({
    code: 'config_invalid',
  })
})
