import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { CODES } from '../../src/core/errors.ts'
import type { Presented } from '../../src/core/sessions.ts'

const KEY = 'key-of-the-application'
const ID = 'A'.repeat(43)

const presented: Presented = {
  token: 'hf1.secret',
  request: { ip: '192.0.2.1', method: 'GET', url: '/', headers: {} },
}

const session = {
  id: ID,
  subject: 'ada',
  tenant: 'default',
  class: 'default',
  acr: null,
  amr: [],
  authenticatedAt: 1,
  createdAt: 1,
  expiresAt: 2,
  idleMs: 1,
  attributes: {},
  attributesVersion: 0,
  formToken: 'f',
}

const decision = { outcome: 'allow', score: 0, because: [] }

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server of the test's own: what a broken, strange or hostile service could answer. */
async function server(
  answer: (response: ServerResponse, seen: Seen) => void,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const http = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body }
    seen.push(one)
    answer(response, one)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, seen }
}

function json(status: number, body: unknown): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

/** How a service is asked: by what the platform has, or by what the application gives. */
const TRANSPORTS = [
  ['by the platform', {}],
  ['by a fetch of its own', { fetch }],
] as const

describe.each(TRANSPORTS)('a service that cannot be asked is store_unavailable: %s', (_, how) => {
  test('nobody listens there', async () => {
    const { url } = await server(() => {})
    const sessions = connect({ url: url.replace(/\d+$/, '1'), key: KEY, ...how })

    await expect(sessions.verify(presented)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('it does not answer in time', async () => {
    const { url } = await server(() => {})
    const sessions = connect({ url, key: KEY, ...how, timeout: 50 })

    await expect(sessions.verify(presented)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('it starts an answer and never ends it', async () => {
    const { url } = await server((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"ok":')
    })
    const sessions = connect({ url, key: KEY, ...how, timeout: 50 })

    await expect(sessions.verify(presented)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  const answers: readonly (readonly [string, number, unknown])[] = [
    ['a bad gateway', 502, 'gone'],
    ['a page of a proxy', 200, '<html>'],
    ['an empty object', 200, {}],
    ['ok without a session', 200, { ok: true, decision, persistent: false }],
    [
      'ok with another outcome',
      200,
      { ok: true, decision: { ...decision, outcome: 'deny' }, session, persistent: false },
    ],
    [
      'ok with an unknown outcome',
      200,
      { ok: true, decision: { ...decision, outcome: 'yes' }, session, persistent: false },
    ],
    ['ok as a word', 200, { ok: 'true', decision, session, persistent: false }],
    ['ok with a status of its own', 202, { ok: true, decision, session, persistent: false }],
    ['a refusal without a code', 200, { ok: false }],
    ['a refusal with the code of a fault', 200, { ok: false, code: 'internal_error' }],
    ['a refusal with an inherited code', 200, { ok: false, code: 'toString' }],
    ['a token that is a number', 200, { ok: true, decision, session, persistent: false, token: 5 }],
    ['an unknown problem', 400, { code: 'teapot' }],
    ['more than it may', 200, { junk: 'x'.repeat(9 * 1_048_576) }],
  ]

  test.each(answers)('it answers %s', async (_what, status, body) => {
    const { url } = await server(json(status, body))
    const sessions = connect({ url, key: KEY, ...how })

    await expect(sessions.verify(presented)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('it points elsewhere: the key goes nowhere else', async () => {
    const other = await server(json(200, { ok: true, decision, session, persistent: false }))
    const { url } = await server((response) => {
      response.writeHead(307, { location: `${other.url}/v1/verify` }).end()
    })

    await expect(connect({ url, key: KEY, ...how }).verify(presented)).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect(other.seen).toEqual([])
  })
})

test('every fault of the table comes out under its own code, but for a refused key', async () => {
  let code = ''
  const { url } = await server((response) =>
    json(500, { code, detail: `what is wrong with ${code}` })(response),
  )
  const sessions = connect({ url, key: KEY })

  for (const [name, { kind }] of Object.entries(CODES)) {
    code = name
    const expected =
      kind === 'refusal'
        ? 'store_unavailable'
        : name.startsWith('caller_')
          ? 'config_invalid'
          : name
    await expect(sessions.logout('x'), name).rejects.toMatchObject({ code: expected })
  }
})

test('a refused login is a value, as in process', async () => {
  const { url } = await server(json(409, { ok: false, code: 'session_limit_reached' }))

  const created = await connect({ url, key: KEY }).create({
    subject: 'ada',
    request: presented.request,
  })

  expect(created).toEqual({ ok: false, code: 'session_limit_reached' })
})

test('there is no session where the service knows none', async () => {
  const { url } = await server(json(404, { code: 'not_found' }))
  const sessions = connect({ url, key: KEY })

  expect(await sessions.show(ID)).toBeUndefined()
  await expect(sessions.revoke(ID, { reason: 'x', subject: 'eve' })).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('names become one segment of the path, whatever is in them', async () => {
  const { url, seen } = await server(json(200, { items: [] }))
  const sessions = connect({ url: `${url}/holdfast/`, key: KEY })

  for (const subject of ['a/b', '../admin', 'x?y=1#z', 'ü%2f']) await sessions.list({ subject })
  for (const subject of ['.', '..', '']) {
    await expect(sessions.list({ subject })).rejects.toMatchObject({ code: 'invalid_input' })
  }

  expect(seen.map(({ url: path }) => path)).toEqual([
    '/holdfast/v1/subjects/a%2Fb/sessions',
    '/holdfast/v1/subjects/..%2Fadmin/sessions',
    '/holdfast/v1/subjects/x%3Fy%3D1%23z/sessions',
    '/holdfast/v1/subjects/%C3%BC%252f/sessions',
  ])
})

test.each(['\ud800', 'ada\udfff'])(
  'the name %j, which no URL can carry, is refused as input before anything is sent',
  async (name) => {
    const { url, seen } = await server(json(200, { items: [] }))
    const sessions = connect({ url, key: KEY })
    const refused = { code: 'invalid_input' }

    await expect(sessions.list({ subject: name })).rejects.toMatchObject(refused)
    await expect(sessions.list({ subject: 'ada', tenant: name })).rejects.toMatchObject(refused)
    await expect(
      sessions.revokeSubject({ subject: name }, { reason: 'test' }),
    ).rejects.toMatchObject(refused)
    await expect(sessions.show(ID, { subject: name })).rejects.toMatchObject(refused)

    expect(seen).toEqual([])
  },
)

test.each([
  ['an outcome that gives nothing', 200, { outcome: 'limit' }, {}],
  ['no status', 200, {}, { status: undefined }],
  ['a status of its own', 200, {}, { status: 'stolen' }],
  ['a refresh token that is a number', 200, {}, { refreshToken: 5 }],
  ['success under another status', 201, {}, {}],
])('a refresh that is answered with %s is not believed', async (_, status, outcome, more) => {
  const good = {
    ok: true,
    decision: { ...decision, ...outcome },
    session,
    status: 'kept',
    persistent: false,
  }
  const believed = await server(json(200, { ...good, decision }))
  await expect(connect({ url: believed.url, key: KEY }).refresh(presented)).resolves.toMatchObject({
    ok: true,
  })
  const { url } = await server(json(status, { ...good, ...more }))

  await expect(connect({ url, key: KEY }).refresh(presented)).rejects.toMatchObject({
    code: 'store_unavailable',
  })
})

test('a refusal of a refresh is believed under the status of its code alone', async () => {
  const problem = {
    ok: false,
    code: 'session_unknown',
    detail: 'over',
    refreshCookie: 'x=; Max-Age=0',
  }
  const right = await server(json(401, problem))
  const wrong = await server(json(502, problem))

  expect(await connect({ url: right.url, key: KEY }).refresh(presented)).toEqual({
    ok: false,
    code: 'session_unknown',
  })
  await expect(connect({ url: wrong.url, key: KEY }).refresh(presented)).rejects.toMatchObject({
    code: 'store_unavailable',
  })
})

test('only what the interface names is sent, and the token never in the address', async () => {
  const { url, seen } = await server(json(200, { ok: false, code: 'session_unknown' }))
  const more = {
    ...presented,
    session: { cached: true },
    request: { ...presented.request, raw: 1 },
  }

  await connect({ url, key: KEY }).verify(more)

  expect(JSON.parse(seen[0]?.body ?? '')).toEqual(presented)
  expect(seen[0]?.headers.authorization).toBe(`Bearer ${KEY}`)
  expect(seen[0]?.url).toBe('/v1/verify')
})

test.each([
  ['a file', { url: 'file:///etc/passwd', key: KEY }],
  ['no URL', { url: 'localhost', key: KEY }],
  ['credentials in the URL', { url: 'http://a:b@localhost', key: KEY }],
  ['a query in the URL', { url: 'http://localhost/?key=1', key: KEY }],
  ['no key', { url: 'http://localhost', key: '' }],
  ['a key with a line break', { url: 'http://localhost', key: 'a\r\nx: y' }],
  ['no time at all', { url: 'http://localhost', key: KEY, timeout: 0 }],
  ['time without end', { url: 'http://localhost', key: KEY, timeout: Number.POSITIVE_INFINITY }],
])('%s is refused at once, and the key is not repeated', (_, options) => {
  const attempt = (): unknown => connect(options)

  expect(attempt).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  expect(attempt).not.toThrow(KEY)
})

test('of what a client says of itself, so much is sent as a service looks at', async () => {
  const { url, seen } = await server(json(200, { ok: false, code: 'token_missing' }))
  const long = 'x'.repeat(65_536)
  const headers = {
    accept: long,
    'user-agent': Array(20).fill(long),
    cookie: 'a-secret',
    authorization: 'a-secret',
    [long]: long,
  }
  const request = { ...presented.request, url: `/${long}`, headers }

  await connect({ url, key: KEY }).verify({ ...presented, request })

  const sent = JSON.parse(seen[0]?.body ?? '')
  expect(sent.request.url).toBe(`/${long}`.slice(0, 8_192))
  expect(sent.request.headers).toEqual({
    accept: long.slice(0, 2_048),
    'user-agent': Array(16).fill(long.slice(0, 2_048)),
  })
})

test('what is no text stays as it is, for the service to refuse', async () => {
  const { url, seen } = await server(json(200, { ok: false, code: 'token_missing' }))
  const request = { ip: null, method: 'GET', url: 1, headers: { accept: [1], 'user-agent': 2 } }

  await connect({ url, key: KEY }).verify({ ...presented, request: request as never })

  expect(JSON.parse(seen[0]?.body ?? '').request).toEqual(request)
})
