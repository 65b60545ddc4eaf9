import { request as httpRequest } from 'node:http'
import { connect as openSocket } from 'node:net'
import type { RequestFacts } from 'holdfast'
import { describe, expect, test } from 'vitest'
import { atHome, KEYS, LOGIN, running } from '../support.ts'

const ID = 'A'.repeat(43)
const TOKEN = 'hf1.x'

function deep(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
}

interface Case {
  readonly path?: string
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly status?: number
  readonly code?: string
  readonly field?: string
  readonly detail?: string
}

const login = { ...LOGIN, request: atHome() }
const verify = { token: TOKEN, request: atHome() }

const A_CURSOR = 'after must be a cursor from an earlier answer'

const cases: readonly (readonly [string, Case])[] = [
  ['JSON that is none', { body: '{"token":', field: 'body' }],
  ['an empty body', { body: '', field: 'body' }],
  ['a body that is a list', { body: [], field: 'body' }],
  ['a body that is null', { body: 'null', field: 'body' }],
  ['a body nested too deep', { body: deep(40), field: 'body' }],
  ['a body nested ten thousand times', { body: deep(8_000), field: 'body' }],
  ['a key that reaches a prototype', { body: '{"__proto__":{"ok":true}}', field: 'body' }],
  [
    'a form instead of JSON',
    {
      body: 'token=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      field: 'content-type',
    },
  ],
  [
    'JSON in another encoding',
    {
      body: '{}',
      headers: { 'content-type': 'application/json; charset=utf-16' },
      field: 'content-type',
    },
  ],
  ['no content type', { body: '{}', headers: { 'content-type': '' }, field: 'content-type' }],
  ['a large body', { body: `"${'x'.repeat(262_144)}"`, status: 413, code: 'body_too_large' }],
  ['an unknown field', { body: { ...verify, tokn: 'x' }, field: 'tokn' }],
  [
    'an unknown field below',
    { body: { ...verify, request: { ...atHome(), host: 'x' } }, field: 'request.host' },
  ],
  [
    'an unknown client fact',
    {
      body: { ...verify, request: atHome({ client: { colour: 'red' } as object }) },
      field: 'request.client.colour',
    },
  ],
  ['a missing field', { body: { token: TOKEN }, field: 'request' }],
  ['a token that is a number', { body: { ...verify, token: 7 }, field: 'token' }],
  ['an empty token', { body: { ...verify, token: '' }, field: 'token' }],
  [
    'a header name with capitals',
    {
      body: { ...verify, request: atHome({ headers: { 'User-Agent': 'x' } }) },
      field: 'request.headers.User-Agent',
    },
  ],
  [
    'a sensitivity that there is not',
    { body: { ...verify, sensitivity: 'high' }, field: 'sensitivity' },
  ],
  ['freshness of less than nothing', { body: { ...verify, maxAgeMs: -1 }, field: 'maxAgeMs' }],
  [
    'freshness of nothing, which was once told not to be "shorter or smaller than 0"',
    {
      body: { ...verify, maxAgeMs: 0 },
      field: 'maxAgeMs',
      detail: 'maxAgeMs must be at least 1',
    },
  ],
  ['freshness in words', { body: { ...verify, maxAgeMs: '5m' }, field: 'maxAgeMs' }],
  [
    'a query that the call does not know',
    { path: '/v1/verify?debug=1', body: verify, field: 'debug' },
  ],
  [
    '65 presentations at once',
    {
      path: '/v1/verify/batch',
      body: {
        presented: Array.from({ length: 65 }, () => ({
          token: 'x',
          request: atHome({ headers: {} }),
        })),
      },
      field: 'presented',
    },
  ],
  [
    'no presentation at all',
    { path: '/v1/verify/batch', body: { presented: [] }, field: 'presented' },
  ],
  [
    'a subject that is too long',
    { path: '/v1/sessions', body: { ...login, subject: 'x'.repeat(257) }, field: 'subject' },
  ],
  [
    'a subject with half of a surrogate pair, which once shared its key with others',
    { path: '/v1/sessions', body: { ...login, subject: '\ud800' }, field: 'subject' },
  ],
  [
    'a tenant with half of a surrogate pair',
    { path: '/v1/sessions', body: { ...login, tenant: 'a\udfff' }, field: 'tenant' },
  ],
  [
    'a subject in a path that is not UTF-8, which once was a name of its own',
    { path: '/v1/subjects/%ED%A0%80/sessions', method: 'GET', field: 'path' },
  ],
  [
    'a tenant in a query that is not UTF-8, which once was U+FFFD',
    { path: '/v1/subjects/ada/sessions?tenant=%ED%A0%80', method: 'GET', field: 'path' },
  ],
  [
    'a class that there is not',
    { path: '/v1/sessions', body: { ...login, class: 'royal' }, field: 'class' },
  ],
  [
    'too many methods of authentication',
    { path: '/v1/sessions', body: { ...login, amr: Array(17).fill('pwd') }, field: 'amr' },
  ],
  [
    'attributes that are a list',
    { path: '/v1/sessions', body: { ...login, attributes: [1] }, field: 'attributes' },
  ],
  [
    'attributes that are too large',
    {
      path: '/v1/sessions',
      body: { ...login, attributes: { a: 'x'.repeat(8_193) } },
      field: 'attributes',
    },
  ],
  [
    'a report of an unknown kind, which is told the known ones',
    {
      path: '/v1/reports',
      body: { kind: 'gossip' },
      field: 'kind',
      detail:
        'kind must be one of login_failed, credential_changed, account_disabled, ' +
        'step_up_failed, not_me, false_alarm',
    },
  ],
  [
    'text for a list, which is told nothing of its length',
    {
      path: '/v1/sessions',
      body: { ...login, amr: 'a-method-of-some-length' },
      field: 'amr',
      detail: 'amr must be a list',
    },
  ],
  [
    'a report with fields of another kind',
    {
      path: '/v1/reports',
      body: { kind: 'not_me', session: ID, subject: 'ada' },
      field: 'subject',
    },
  ],
  ['a session id that is none', { path: '/v1/sessions/..%2fsecret', method: 'GET', field: 'id' }],
  [
    'a reason that is a sentence without end',
    { path: `/v1/sessions/${ID}/revoke`, body: { reason: 'x'.repeat(65) }, field: 'reason' },
  ],
  [
    'attributes without a version',
    { path: `/v1/sessions/${ID}/attributes`, method: 'PATCH', body: {}, field: 'If-Match' },
  ],
  [
    'a weak version',
    {
      path: `/v1/sessions/${ID}/attributes`,
      method: 'PATCH',
      body: {},
      headers: { 'if-match': 'W/"1"' },
      field: 'If-Match',
    },
  ],
  [
    'any version',
    {
      path: `/v1/sessions/${ID}/attributes`,
      method: 'PATCH',
      body: {},
      headers: { 'if-match': '*' },
      field: 'If-Match',
    },
  ],
  [
    'attributes of no session',
    {
      path: `/v1/sessions/${ID}/attributes`,
      method: 'PATCH',
      body: {},
      headers: { 'if-match': '"1"' },
      status: 404,
      code: 'not_found',
    },
  ],
  [
    'a limit of nothing',
    { path: '/v1/subjects/ada/sessions?limit=0', method: 'GET', field: 'limit' },
  ],
  [
    'a limit above the bound',
    { path: '/v1/subjects/ada/sessions?limit=201', method: 'GET', field: 'limit' },
  ],
  [
    'a parameter twice',
    { path: '/v1/subjects/ada/sessions?limit=1&limit=2', method: 'GET', field: 'limit' },
  ],
  ['an event cursor that is none', { path: '/v1/events?after=$$$', method: 'GET', field: 'after' }],
  [
    'an event cursor that nobody gave, whose field was once called "That"',
    { path: '/v1/events?after=AAAAAAAAAAAAA', method: 'GET', field: 'after', detail: A_CURSOR },
  ],
  [
    'a stream from a cursor that nobody gave',
    {
      path: '/v1/events?after=AAAAAAAAAAAAA',
      method: 'GET',
      headers: { accept: 'text/event-stream' },
      field: 'after',
    },
  ],
  [
    'a stream resumed at an id that nobody gave',
    {
      path: '/v1/events',
      method: 'GET',
      headers: { accept: 'text/event-stream', 'last-event-id': 'AAAAAAAAAAAAA' },
      field: 'Last-Event-ID',
    },
  ],
  [
    'a list after a position that nobody gave',
    {
      path: '/v1/subjects/ada/sessions?after=AAAAAAAAAAAAA',
      method: 'GET',
      field: 'after',
      detail: A_CURSOR,
    },
  ],
  [
    'an event type that there is not',
    { path: '/v1/events?type=party', method: 'GET', field: 'type' },
  ],
  [
    'a tenant without a subject',
    { path: '/v1/events?tenant=acme', method: 'GET', field: 'tenant' },
  ],
  [
    'a call that there is not',
    { path: '/v1/session', method: 'GET', status: 404, code: 'not_found' },
  ],
  [
    'a method that the call has not',
    { path: '/v1/verify', method: 'GET', status: 405, code: 'method_not_allowed' },
  ],
]

test('bad input is a problem with a code, and names the field', async () => {
  const run = await running()

  for (const [
    title,
    {
      path = '/v1/verify',
      method = 'POST',
      body,
      headers,
      status = 400,
      code = 'invalid_input',
      field,
      detail,
    },
  ] of cases) {
    const answer = await run.call(method, path, {
      body,
      ...(headers === undefined ? {} : { headers }),
    })

    const problem = await answer.json()
    expect([title, answer.status, problem.code], title).toEqual([title, status, code])
    expect(answer.headers.get('content-type'), title).toBe('application/problem+json')
    expect(problem.requestId, title).toBe(answer.headers.get('x-request-id'))
    if (field !== undefined) expect([title, problem.field]).toEqual([title, field])
    if (detail !== undefined) expect(problem.detail).toBe(detail)
  }
})

describe('a batch has its own bound: 64 ordinary presentations were once too large', () => {
  const chrome = {
    'user-agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
      'Chrome/141.0.0.0 Safari/537.36',
    accept:
      'text/html,application/xhtml+xml,application/xml;q=0.9,' +
      'image/avif,image/webp,image/apng,*/*;q=0.8',
    'accept-language': 'en-GB,en;q=0.9,nb;q=0.8',
    'sec-ch-ua': '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-platform': '"Linux"',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  }
  const batchOf = (url: string): object => ({
    presented: Array.from({ length: 64 }, () => ({
      token: `hf1.${'x'.repeat(126)}`,
      request: atHome({ headers: chrome, url }),
    })),
  })

  test('64 of Chrome are judged', async () => {
    const run = await running()
    const body = batchOf(`/orders?${'q'.repeat(600)}`)

    const answer = await run.call('POST', '/v1/verify/batch', { body })

    expect(JSON.stringify(body).length).toBeGreaterThan(65_536)
    expect(answer.status).toBe(200)
    expect((await answer.json()).results).toHaveLength(64)
  })

  test('more than 512 KiB are refused', async () => {
    const run = await running()

    const answer = await run.call('POST', '/v1/verify/batch', {
      body: batchOf(`/${'q'.repeat(8_000)}`),
    })

    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ code: 'body_too_large' })
  })
})

test.each<[string, Partial<RequestFacts>]>([
  ['a URL', { url: `/${'x'.repeat(65_536)}` }],
  ['a header', { headers: { accept: 'x'.repeat(65_536) } }],
  ['a thousand values', { headers: { accept: Array(1_000).fill('x') } }],
  ['a thousand headers', { headers: Object.fromEntries(manyHeaders(1_000)) }],
  ['a client fact', { client: { screen: 'x'.repeat(65_536) } }],
  ['a thousand languages', { client: { languages: Array(1_000).fill('en') } }],
])('%s of any length is judged by its beginning', async (_, change) => {
  const run = await running()
  const request = atHome()
  const { token } = await (
    await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request } })
  ).json()
  const long = { ...request, ...change, headers: { ...request.headers, ...change.headers } }

  const answer = await run.call('POST', '/v1/verify', { body: { token, request: long } })

  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
})

test('a token of any length is answered as what it is: none', async () => {
  const run = await running()
  const token = `hf1.${'x'.repeat(100_000)}`

  const shown = await run.call('POST', '/v1/verify', { body: { token, request: atHome() } })
  const ended = await run.call('POST', '/v1/logout', { body: { token } })

  expect(await shown.json()).toMatchObject({ ok: false, code: 'token_malformed' })
  expect(ended.status).toBe(204)
})

function manyHeaders(count: number): readonly (readonly [string, string])[] {
  return Array.from({ length: count }, (_, at) => [`x-${at}`, '1'])
}

test('a body that is not UTF-8 is refused', async () => {
  const { service } = await running()

  const answer = await fetch(`${service.url}/v1/logout`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
    body: Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
  })

  expect(await answer.json()).toMatchObject({ code: 'invalid_input', field: 'body' })
})

test('a body that claims no length is cut off at 256 KiB', async () => {
  const { service } = await running()

  const status = await new Promise((resolve, reject) => {
    const sent = httpRequest(
      `${service.url}/v1/logout`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    sent.on('error', reject)
    for (let at = 0; at < 40; at++) sent.write(' '.repeat(8_192))
    sent.end('{}')
  })

  expect(status).toBe(413)
})

describe('what is hardly HTTP', () => {
  test.each([
    [
      'headers without end',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      '431',
      'headers_too_large',
    ],
    ['no HTTP at all', 'EHLO mail\r\n\r\n', '400', 'invalid_input'],
  ])('%s', async (_, text, status, code) => {
    const { service } = await running()
    const { hostname, port } = new URL(service.url)

    const answer = await new Promise<string>((resolve, reject) => {
      const socket = openSocket({ host: hostname, port: Number(port) }, () => socket.write(text))
      let said = ''
      socket.on('data', (chunk) => {
        said += chunk
      })
      socket.on('close', () => resolve(said))
      socket.on('error', reject)
    })

    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer).toContain(`"code":"${code}"`)
  })
})

describe('who may call what', () => {
  const calls: readonly (readonly [string, string, readonly (keyof typeof KEYS)[]])[] = [
    ['POST', '/v1/sessions', ['app']],
    ['POST', '/v1/verify', ['app', 'gate']],
    ['POST', '/v1/verify/batch', ['app', 'gate']],
    ['POST', '/v1/logout', ['app']],
    ['GET', `/v1/sessions/${ID}`, ['admin', 'app']],
    ['POST', `/v1/sessions/${ID}/revoke`, ['admin', 'app']],
    ['PATCH', `/v1/sessions/${ID}/attributes`, ['admin', 'app']],
    ['GET', '/v1/subjects/ada/sessions', ['app', 'admin']],
    ['POST', '/v1/subjects/ada/revoke', ['app', 'admin']],
    ['POST', '/v1/step-up/begin', ['app']],
    ['POST', '/v1/step-up/complete', ['app']],
    ['POST', '/v1/reports', ['app']],
    ['GET', '/v1/events', ['audit']],
  ]

  test('a role that the call has not is refused, before the body is looked at', async () => {
    const run = await running()

    for (const [method, path, roles] of calls) {
      for (const role of ['app', 'gate', 'admin', 'audit'] as const) {
        const body = method === 'GET' ? undefined : '{'
        const answer = await run.call(method, path, { key: KEYS[role], body })
        const { code } = await answer.json()

        // Naming no subject is refused in the same way, but only for those who have the role.
        if (roles.includes(role))
          expect([path, role, answer.status], code).not.toEqual([path, role, 401])
        else
          expect([path, role, answer.status, code]).toEqual([path, role, 403, 'caller_forbidden'])
      }
    }
  })

  test.each([
    ['no key', {}],
    ['an unknown key', { authorization: 'Bearer nobody-knows-this-key' }],
    ['the name of a key', { authorization: 'Bearer shop' }],
    ['the digest of a key', { authorization: 'Bearer sha256:0' }],
    ['a key in another scheme', { authorization: `Basic ${KEYS.app}` }],
    ['a key that is far too long', { authorization: `Bearer ${'x'.repeat(2_000)}` }],
    ['a key beside a second one', { authorization: `Bearer ${KEYS.app} ${KEYS.admin}` }],
  ])('%s is answered 401 with a challenge', async (_, headers) => {
    const run = await running()

    const answer = await run.call('POST', '/v1/verify', { key: null, body: verify, headers })

    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="holdfast"')
    expect(await answer.json()).toMatchObject({ code: 'caller_unauthenticated' })
  })
})
