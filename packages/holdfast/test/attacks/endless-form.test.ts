import type { Sessions } from 'holdfast'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast as forHono } from '../../src/adapters/hono.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

const URL_OF_SHOP = 'https://shop.example/orders'

async function scene(): Promise<{ readonly sessions: Sessions; readonly cookie: string }> {
  const harness = await engineHarness()
  onTestFinished(harness.close)
  const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
  const created = await harness.sessions.create({ subject: 'ada', request })
  if (!created.ok) throw new Error(created.code)
  return { sessions: harness.sessions, cookie: `${SESSION_COOKIE}=${created.token}` }
}

test('a form without an end is not read into memory for its form token', async () => {
  const { sessions, cookie } = await scene()
  const app = new Hono()
  const { requireSession } = forHono(sessions, { peer: () => '127.0.0.1' })
  app.post('/orders', requireSession(), (c) => c.text('done'))
  let given = 0
  const body = new ReadableStream({
    pull(stream) {
      given += 65_536
      if (given > 64 * 1_048_576) stream.close()
      else stream.enqueue(new Uint8Array(65_536))
    },
  })
  const headers = {
    cookie,
    'sec-fetch-site': 'same-origin',
    'content-type': 'multipart/form-data; boundary=x',
  }
  const init: RequestInit & { readonly duplex: 'half' } = {
    ...{ method: 'POST', body, headers },
    duplex: 'half',
  }

  const answer = await app.request(new Request(URL_OF_SHOP, init))

  expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'form_token_invalid' }])
  expect(given).toBeLessThan(1_048_576)
})

test('a form that the application has parsed shows its form token, however long', async () => {
  const { sessions, cookie } = await scene()
  const found = await sessions.verify({
    token: cookie.slice(SESSION_COOKIE.length + 1),
    request: { ip: '127.0.0.1', method: 'GET', url: '/', headers: {} },
  })
  if (!found.ok) throw new Error(found.code)
  const app = new Hono()
  const { requireSession } = forHono(sessions, { peer: () => '127.0.0.1' })
  app.use(async (c, next) => {
    await c.req.parseBody()
    await next()
  })
  app.post('/orders', requireSession(), (c) => c.text('done'))
  const form = new FormData()
  form.set('_form', found.session.formToken)
  form.set('file', new Blob(['x'.repeat(200_000)]), 'a.txt')
  const headers = { cookie, 'sec-fetch-site': 'same-origin' }

  const answer = await app.request(
    new Request(URL_OF_SHOP, { method: 'POST', body: form, headers }),
  )

  expect([answer.status, await answer.text()]).toEqual([200, 'done'])
})
