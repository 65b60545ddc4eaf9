import { createServer, type IncomingMessage } from 'node:http'
import express from 'express'
import { connect } from 'holdfast/client'
import { holdfast as forExpress } from 'holdfast/express'
import { holdfast as forFetch } from 'holdfast/fetch'
import { expect, onTestFinished, test } from 'vitest'
import { listening } from '../../holdfast/test/contracts/apps/listening.ts'
import { atHome, KEYS, LOGIN, running } from './support.ts'

const SECRET = 'a secret that the renderer and the backend share'

/** What a browser at home sends with a page load. */
const BROWSER = {
  ...(atHome().headers as Record<string, string>),
  'x-forwarded-for': atHome().ip ?? '',
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

/** A renderer and a backend, each a process of its own to the service that both ask. */
async function scene(rendererSecret = SECRET) {
  const run = await running()
  const sessions = () => connect({ url: run.service.url, key: KEYS.app, timeout: 30_000 })
  const ignored: string[] = []

  const { requireSession, sessionOf } = forExpress(sessions(), {
    onBehalf: { secret: SECRET, onIgnored: ({ reason }) => ignored.push(reason) },
  })
  const app = express().get('/orders', requireSession(), (request, response) => {
    response.json({ buyer: sessionOf(request).subject })
  })
  const backend = await listening(createServer(app))
  onTestFinished(backend.close)

  const hf = forFetch(sessions(), {
    peer: () => '127.0.0.1',
    address: { trust: { hops: 1 } },
    onBehalf: { secret: rendererSecret },
  })
  /** Renders a page: asks the backend with the cookie of the browser. */
  async function render(request: IncomingMessage): Promise<Response> {
    const incoming = new Request('https://shop.example/', {
      headers: request.headers as Record<string, string>,
    })
    return fetch(`${backend.origin}/orders`, {
      headers: {
        cookie: incoming.headers.get('cookie') ?? '',
        ...(await hf.forwardedFacts(incoming)),
      },
    })
  }
  const renderer = await listening(
    createServer((request, response) => {
      render(request).then(
        async (answer) => response.writeHead(answer.status).end(await answer.text()),
        (error: unknown) => response.destroy(error as Error),
      )
    }),
  )
  onTestFinished(renderer.close)

  const body = { ...LOGIN, request: atHome() }
  const { token } = await (await run.call('POST', '/v1/sessions', { body })).json()
  run.host.advance(60_000)
  return {
    ...run,
    ignored,
    open: (headers: Record<string, string> = {}) =>
      fetch(renderer.origin, {
        headers: { ...BROWSER, cookie: `__Host-session=${token}`, ...headers },
      }),
  }
}

test('a page that is rendered on the server is the person’s own, through a service', async () => {
  const { open, call, ignored } = await scene()

  for (let page = 0; page < 3; page++) {
    const answer = await open()
    expect(await answer.json()).toEqual({ buyer: 'ada' })
  }

  expect(ignored).toEqual([])
  const listed = await (await call('GET', '/v1/subjects/ada/sessions')).json()
  expect(listed.items[0].contexts).toMatchObject([{ state: 'confirmed' }])
})

test('a copy of the cookie elsewhere is challenged behind the renderer', async () => {
  const { open } = await scene()
  const thief = {
    'x-forwarded-for': '203.0.113.66',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
    'accept-language': 'vi-VN',
  }

  const answer = await open(thief)

  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ code: 'step_up_required' })
})

test('a renderer with another secret is a program in a data centre, and is told of', async () => {
  const { open, ignored } = await scene('another secret, which the backend has never heard of')

  expect((await open()).status).toBe(401)
  expect(ignored).toEqual(['forged'])
})
