import { connect } from 'holdfast/client'
import { holdfast } from 'holdfast/fetch'
import { describe, expect, test } from 'vitest'
import { KEYS } from '../support.ts'
import { CHROME, cookieOf, forwarded, gated, original, passedOn } from './gates.ts'

const SECRET = 'a secret of renderers and of the gates'
const OTHER = 'another secret, which is as long as it has to be'

/** A gate that knows two secrets, and a renderer at home in a data centre. */
async function scene() {
  const next = 'the next secret and nobody seals with it yet'
  const run = await gated({ HOLDFAST_ON_BEHALF_SECRET: `${next},${SECRET}` })
  const { host } = run

  /** What a renderer takes along of a page load at the place of the login. */
  async function taken(token: string, secret = SECRET): Promise<Record<string, string>> {
    const sessions = connect({ url: run.service.url, key: KEYS.app, timeout: 30_000 })
    const renderer = holdfast(sessions, {
      peer: () => '192.0.2.10',
      onBehalf: { secret },
      now: host.now,
    })
    const headers = { cookie: cookieOf(token), 'user-agent': CHROME }
    return renderer.forwardedFacts(new Request('https://shop.example/', { headers }))
  }
  return { ...run, taken }
}

/** The renderer's own request, as each gateway tells it. */
const DIALECTS = [
  ['/v1/gate/forward-auth', forwarded],
  ['/v1/gate/auth-request', original],
  ['/v1/gate/ext-authz/-/orders', passedOn],
] as const

describe.each(DIALECTS)('a renderer that asks through %s', (path, told) => {
  const hop = { 'user-agent': 'node', 'x-forwarded-for': '203.0.113.66' }

  test('is answered for the person, with the header that it was given', async () => {
    const { ask, taken, token } = await scene()
    const cookie = cookieOf(token)

    const known = await ask(path, told({ ...hop, cookie, ...(await taken(token)) }))
    const alone = await ask(path, told({ ...hop, cookie }))

    expect(known.status).toBe(200)
    expect(alone.json()).toMatchObject({ status: 401, code: 'step_up_required' })
  })

  test('is itself with one that is forged, expired, repeated later, or of another', async () => {
    const { ask, taken, token, host, call, log } = await scene()
    const cookie = cookieOf(token)
    const request = { ip: '192.0.2.10', method: 'POST', url: '/login', headers: {} }
    const login = { body: { subject: 'mallory', request } }
    const { token: own } = await (await call('POST', '/v1/sessions', login)).json()
    const repeated = await taken(token)
    const first = await ask(path, told({ ...hop, cookie, ...repeated }))
    host.advance(31_000)

    const answers = [
      await ask(path, told({ ...hop, cookie, ...repeated })),
      await ask(path, told({ ...hop, cookie, ...(await taken(token, OTHER)) })),
      await ask(path, told({ ...hop, cookie, ...(await taken(own)) })),
    ]

    expect(first.status).toBe(200)
    for (const answer of answers) {
      expect(answer.json()).toMatchObject({ status: 401, code: 'step_up_required' })
    }
    expect(log().match(/says for whom it asks, and it is not believed/g)).toHaveLength(1)
  })
})

test('a secret that is too short is refused at the start', async () => {
  await expect(gated({ HOLDFAST_ON_BEHALF_SECRET: 'too short' })).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('HOLDFAST_ON_BEHALF_SECRET'),
  })
})
