import { once } from 'node:events'
import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { Readable } from 'node:stream'
import express from 'express'
import { fastify } from 'fastify'
import Koa from 'koa'
import { expect, onTestFinished, test } from 'vitest'
import { holdHead, setAnswerHeaders } from '../../src/adapters/node-head.ts'
import { rawRequest } from '../../src/contracts/adapters/raw-http.ts'
import { listening } from '../contracts/apps/listening.ts'

const TOKEN = '__Host-session=new; Path=/; Secure'
const REFRESH = '__Secure-refresh=new; Path=/refresh'
const THEME = 'theme=dark'
const LANG = 'lang=nb'

/** Headers that bring two cookies until they are told that it is too late for them. */
function secrets(): { readonly headers: Parameters<typeof holdHead>[1]; tooLate(): void } {
  let late = false
  return {
    headers: () => [
      ['cache-control', 'no-store'],
      ...(late ? [] : ([TOKEN, REFRESH].map((value) => ['set-cookie', value]) as [])),
    ],
    tooLate() {
      late = true
    },
  }
}

/** What an application may do with its answer after the guard, and the cookies that it sets. */
const WAYS: readonly (readonly [string, (response: ServerResponse) => void, readonly string[]])[] =
  [
    ['sets none', (response) => void response.end('fine'), []],
    [
      'calls setHeader',
      (response) => {
        response.setHeader('Set-Cookie', THEME)
        response.end('fine')
      },
      [THEME],
    ],
    [
      'calls setHeader with several',
      (response) => {
        response.setHeader('Set-Cookie', [THEME, LANG])
        response.end('fine')
      },
      [THEME, LANG],
    ],
    [
      'calls appendHeader',
      (response) => {
        response.appendHeader('Set-Cookie', THEME)
        response.appendHeader('Set-Cookie', LANG)
        response.end('fine')
      },
      [THEME, LANG],
    ],
    [
      'removes all cookies',
      (response) => {
        response.setHeader('Set-Cookie', THEME)
        response.removeHeader('set-cookie')
        response.end('fine')
      },
      [],
    ],
    [
      'copies what is set, as cookie libraries do',
      (response) => {
        for (const cookie of [THEME, LANG]) {
          const before = [response.getHeader('set-cookie') ?? []].flat().map(String)
          response.setHeader('Set-Cookie', [...before, cookie])
        }
        response.end('fine')
      },
      [THEME, LANG],
    ],
    [
      'gives writeHead an object',
      (response) => {
        response.writeHead(200, { 'Cache-Control': 'public', 'Set-Cookie': [THEME, LANG] })
        response.end('fine')
      },
      [THEME, LANG],
    ],
    [
      'gives writeHead names and values by turns',
      (response) => {
        response.writeHead(200, ['Cache-Control', 'x', 'Set-Cookie', THEME, 'set-cookie', LANG])
        response.end('fine')
      },
      [THEME, LANG],
    ],
    [
      'writes without a head',
      (response) => {
        response.write('fi')
        response.end('ne')
      },
      [],
    ],
    [
      'flushes the head',
      (response) => {
        response.setHeader('Set-Cookie', THEME)
        response.flushHeaders()
        response.end('fine')
      },
      [THEME],
    ],
    [
      'pipes an upstream’s answer, as proxies do',
      (response) => {
        const upstream = { 'set-cookie': [THEME, LANG], 'cache-control': 'public' }
        for (const [name, value] of Object.entries(upstream)) response.setHeader(name, value)
        Readable.from(['fi', 'ne']).pipe(response)
      },
      [THEME, LANG],
    ],
    [
      'fails at a first head',
      (response) => {
        response.setHeader('Set-Cookie', THEME)
        expect(() => response.writeHead(200, { 'x y': '1' })).toThrow()
        response.writeHead(500)
        response.end()
      },
      [THEME],
    ],
  ]

const SERVERS: readonly (readonly [string, typeof overHttp1])[] = [
  ['HTTP/1', overHttp1],
  ['HTTP/2', overHttp2],
]

for (const [protocol, over] of SERVERS) {
  test.each(WAYS)(
    `over ${protocol}, an application that %s loses no secret`,
    async (_, way, own) => {
      const { headers } = secrets()

      const answer = await over((response) => {
        setAnswerHeaders(response, headers)
        way(response)
      })

      expect(answer.setCookies).toEqual([...own, TOKEN, REFRESH])
      expect(answer.cacheControl).toBe('no-store')
    },
  )

  test.each(WAYS)(`over ${protocol}, one that %s and is late sends none`, async (_, way, own) => {
    const { headers, tooLate } = secrets()

    const answer = await over((response) => {
      setAnswerHeaders(response, headers)
      tooLate()
      way(response)
    })

    expect(answer.setCookies).toEqual(own)
  })
}

test('the application’s own value of a cookie stays, and is set once', async () => {
  const { headers } = secrets()
  const own = '__Host-session=own; Path=/'

  const answer = await overHttp1((response) => {
    setAnswerHeaders(response, headers)
    response.writeHead(200, { 'Set-Cookie': own }).end()
  })

  expect(answer.setCookies).toEqual([own, REFRESH])
})

test('of two secrets for one cookie the later one leaves', async () => {
  const { headers } = secrets()
  const later = TOKEN.replace('new', 'later')

  const answer = await overHttp1((response) => {
    setAnswerHeaders(response, headers)
    setAnswerHeaders(response, () => [['set-cookie', later]])
    response.end()
  })

  expect(answer.setCookies).toEqual([later, REFRESH])
})

test('a head with a secret leaves at once, and not with the first byte of the body', async () => {
  const { headers } = secrets()
  let finish = (): void => {}
  const { origin, close } = await listening(
    createServer((_, response) => {
      setAnswerHeaders(response, headers)
      response.writeHead(200)
      finish = () => void response.end('fine')
    }),
  )
  onTestFinished(close)

  const [received]: IncomingMessage[] = await once(get(origin), 'response')
  finish()

  expect(received?.headers['set-cookie']).toEqual([TOKEN, REFRESH])
  received?.resume()
})

test('Express: set, cookie, append and the handling of errors lose no secret', async () => {
  const app = express()
  app.use((_, response, next) => {
    setAnswerHeaders(response, secrets().headers)
    next()
  })
  app.get('/set', (_, response) => void response.set('Set-Cookie', THEME).send('fine'))
  app.get('/cookie', (_, response) => void response.cookie('theme', 'dark').send('fine'))
  app.get('/append', (_, response) => void response.append('Set-Cookie', THEME).json({}))
  app.get('/redirect', (_, response) => response.redirect('/set'))
  app.get('/error', () => {
    throw Object.assign(new Error('on purpose'), { expose: false })
  })
  app.set('env', 'test')
  const { origin, close } = await listening(createServer(app))
  onTestFinished(close)

  const setCookies: (readonly string[])[] = []
  for (const path of ['set', 'cookie', 'append', 'redirect', 'error']) {
    setCookies.push((await rawRequest(`${origin}/${path}`)).setCookies)
  }

  expect(setCookies).toEqual([
    [THEME, TOKEN, REFRESH],
    ['theme=dark; Path=/', TOKEN, REFRESH],
    [THEME, TOKEN, REFRESH],
    [TOKEN, REFRESH],
    [TOKEN, REFRESH],
  ])
})

test('Koa: set, cookies, append, streams and the handling of errors lose no secret', async () => {
  const app = new Koa()
  app.silent = true
  const answers: Readonly<Record<string, (ctx: Koa.Context) => void>> = {
    '/set': (ctx) => {
      ctx.set('set-cookie', THEME)
      ctx.body = 'fine'
    },
    '/cookies': (ctx) => {
      ctx.cookies.set('theme', 'dark')
      ctx.body = { fine: true }
    },
    '/append': (ctx) => {
      ctx.append('set-cookie', THEME)
      ctx.body = 'fine'
    },
    '/stream': (ctx) => {
      ctx.set('set-cookie', THEME)
      ctx.body = Readable.from(['fi', 'ne'])
    },
    '/redirect': (ctx) => ctx.redirect('/set'),
    '/empty': (ctx) => {
      ctx.status = 204
    },
    '/error': () => {
      throw new Error('on purpose')
    },
  }
  app.use((ctx) => {
    setAnswerHeaders(ctx.res, secrets().headers)
    answers[ctx.path]?.(ctx)
  })
  const { origin, close } = await listening(createServer(app.callback()))
  onTestFinished(close)

  const setCookies: (readonly string[])[] = []
  for (const path of Object.keys(answers)) {
    setCookies.push((await rawRequest(`${origin}${path}`)).setCookies)
  }

  expect(setCookies).toEqual([
    [THEME, TOKEN, REFRESH],
    ['theme=dark; path=/; httponly', TOKEN, REFRESH],
    [THEME, TOKEN, REFRESH],
    [THEME, TOKEN, REFRESH],
    [TOKEN, REFRESH],
    [TOKEN, REFRESH],
    [TOKEN, REFRESH],
  ])
})

test('Fastify: headers of a reply, raw ones, streams and hijacked replies lose none', async () => {
  const app = fastify()
  app.addHook('onRequest', async (_, reply) => holdHead(reply.raw, secrets().headers))
  app.get('/reply', (_, reply) => reply.header('set-cookie', THEME).send('fine'))
  app.get('/raw', (_, reply) => {
    reply.raw.setHeader('set-cookie', THEME)
    return reply.send('fine')
  })
  app.get('/stream', (_, reply) =>
    reply.header('set-cookie', THEME).send(Readable.from(['fi', 'ne'])),
  )
  app.get('/web', () => new Response('fine', { headers: { 'set-cookie': THEME } }))
  app.get('/hijacked', (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'set-cookie': THEME }).end()
  })
  onTestFinished(() => app.close())
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })

  const setCookies: (readonly string[])[] = []
  for (const path of ['reply', 'raw', 'stream', 'web', 'hijacked']) {
    setCookies.push((await rawRequest(`${origin}/${path}`)).setCookies)
  }
  const injected = await app.inject('/reply')

  expect(setCookies).toEqual(Array(5).fill([THEME, TOKEN, REFRESH]))
  expect(injected.headers['set-cookie']).toEqual([THEME, TOKEN, REFRESH])
})

interface Answer {
  readonly setCookies: readonly string[]
  readonly cacheControl: string | undefined
}

async function overHttp1(answer: (response: ServerResponse) => void): Promise<Answer> {
  const { origin, close } = await listening(createServer((_, response) => answer(response)))
  onTestFinished(close)
  const { setCookies, header } = await rawRequest(origin)
  return { setCookies, cacheControl: header('cache-control') }
}

async function overHttp2(answer: (response: ServerResponse) => void): Promise<Answer> {
  // The compatibility interface, which the types of Node keep apart from that of HTTP/1.
  const listener = ((_, response) => answer(response)) satisfies RequestListener
  const server = createHttp2Server(listener as never).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port.')
  const client = connectHttp2(`http://127.0.0.1:${address.port}`)
  onTestFinished(() => {
    client.close()
    server.close()
  })
  const stream = client.request({ ':path': '/' })
  const [headers] = await once(stream, 'response')
  stream.resume()
  await once(stream, 'end')
  return { setCookies: headers['set-cookie'] ?? [], cacheControl: headers['cache-control'] }
}
