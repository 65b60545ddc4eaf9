import { describe, expect, test } from 'vitest'
import { atHome, KEYS, type Running, running } from '../support.ts'

const request = atHome()
const deep = JSON.parse(`${'['.repeat(30)}${']'.repeat(30)}`)

/** What is sent, by what it shows. `TOKEN` stands for a token that is good. */
const BODIES: Readonly<Record<string, unknown>> = {
  'a good token': { token: 'TOKEN', request },
  'junk for a token': { token: 'junk', request },
  'a demand that is not met': { token: 'TOKEN', request, acr: 'urn:mfa' },
  'a time since login': { token: 'TOKEN', request, maxAgeMs: 60_000, waitedMs: 3 },
  'a cookie that may be set': { token: 'TOKEN', request, deliverable: true, sensitivity: 'normal' },
  'an audience that nobody knows': { token: 'TOKEN', request, audience: 'nobody' },
  'a correlation of its own': { token: 'TOKEN', request, correlation: 'abc' },
  'languages and touch': {
    token: 'TOKEN',
    request: { ...request, client: { languages: ['nb'], touch: 5 } },
  },
  'a header with several values': {
    token: 'TOKEN',
    request: { ...request, headers: { accept: ['a', 'b'] } },
  },
  'no address': { token: 'TOKEN', request: { ...request, ip: null } },
  'an address that is none': { token: 'TOKEN', request: { ...request, ip: 'here' } },
  'a method that is none': { token: 'TOKEN', request: { ...request, method: 'GET IT' } },
  'no token': { request },
  'no request': { token: 'TOKEN' },
  'an empty token': { token: '', request },
  'an unknown field': { token: 'TOKEN', request, extra: 1 },
  'an unknown field of the request': { token: 'TOKEN', request: { ...request, extra: 1 } },
  'an unknown client fact': { token: 'TOKEN', request: { ...request, client: { cpu: 'x' } } },
  'an upper-case header': { token: 'TOKEN', request: { ...request, headers: { Accept: 'x' } } },
  'a header that is a number': { token: 'TOKEN', request: { ...request, headers: { accept: 1 } } },
  'a long header': {
    token: 'TOKEN',
    request: { ...request, headers: { accept: 'x'.repeat(2_049) } },
  },
  'too many headers': {
    token: 'TOKEN',
    request: {
      ...request,
      headers: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`x-${at}`, 'x'])),
    },
  },
  'a name that reaches a prototype': JSON.parse(
    `{"token":"TOKEN","request":${JSON.stringify(request)},"__proto__":{"x":1}}`,
  ),
  'a number where text belongs': { token: 1, request },
  'a fraction': { token: 'TOKEN', request, waitedMs: 0.5 },
  'a negative time': { token: 'TOKEN', request, maxAgeMs: -1 },
  'an unsafe number': { token: 'TOKEN', request, maxAgeMs: 2 ** 60 },
  'something deep': { token: 'TOKEN', request, acr: deep },
  'an array': [],
  'a word': 'word',
  nothing: null,
}

const RAW: Readonly<
  Record<string, { body: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> }>
> = {
  'no JSON': { body: '{' },
  'no UTF-8': { body: Uint8Array.of(0x22, 0xff, 0x22) },
  'a byte order mark': { body: '\ufeff{}' },
  'nothing at all': { body: '' },
  'another type': { body: '{}', headers: { 'content-type': 'text/plain' } },
  'a charset': { body: '{}', headers: { 'content-type': 'application/json; charset=utf-8' } },
  'too much': { body: `"${'x'.repeat(70_000)}"` },
  'no key': { body: '{}', headers: { authorization: '' } },
  'a key of another role': { body: '{}', headers: { authorization: `Bearer ${KEYS.audit}` } },
  'a wrong key, and too much to read before it is known': {
    body: `"${'x'.repeat(20_000)}"`,
    headers: { authorization: 'Bearer of-nothing-that-anybody-knows' },
  },
}

describe.each([
  ['with local copies', { HOLDFAST_LOCAL_COPIES: 'true' }],
  ['without', {}],
])('the short way answers as the long way does, %s', (_, env) => {
  test('about every body, alone and in a batch', async () => {
    const run = await running(env)
    const token = await tokenOf(run)

    for (const [what, value] of Object.entries(BODIES)) {
      const one = JSON.stringify(value).replaceAll('"TOKEN"', JSON.stringify(token))
      const bodies = [
        ['/v1/verify', one],
        ['/v1/verify/batch', `{"presented":[${one},${one}]}`],
      ] as const
      for (const [path, body] of bodies) {
        // what a presentation changes about its session, it has changed by then
        await bothWays(run, path, { body })
        const [short, long] = await bothWays(run, path, { body })
        expect([what, short]).toEqual([what, long])
      }
    }
  })

  test('about a batch in lines', async () => {
    const run = await running(env)
    const token = await tokenOf(run)
    const headers = { accept: 'application/x-ndjson' }
    const presented = [token, 'junk', token].map((one) => ({ token: one, request }))

    for (const count of [0, 1, 3, 65]) {
      const many = Array.from({ length: count }, (_, at) => presented[at % 3])
      const body = JSON.stringify({ presented: many })
      await bothWays(run, '/v1/verify/batch', { body, headers })
      const [short, long] = await bothWays(run, '/v1/verify/batch', { body, headers })
      expect([count, sorted(short)]).toEqual([count, sorted(long)])
    }
  })

  test('about what is no such body, and callers who may not ask', async () => {
    const run = await running(env)

    for (const [what, ask] of Object.entries(RAW)) {
      const [short, long] = await bothWays(run, '/v1/verify', ask)
      expect([what, short]).toEqual([what, long])
    }
    for (const count of [0, 64, 65]) {
      const presented = Array.from({ length: count }, () => ({ token: 'junk', request }))
      const body = JSON.stringify({ presented })
      const [short, long] = await bothWays(run, '/v1/verify/batch', { body })
      expect([count, short]).toEqual([count, long])
    }
  })
})

test('the short way counts and logs as the long way does', async () => {
  const run = await running()
  const token = await tokenOf(run)
  const before = run.log().length

  await bothWays(run, '/v1/verify', { body: JSON.stringify({ token, request }) })
  await bothWays(run, '/v1/verify', { body: '{' })

  const lines = run
    .log()
    .slice(before)
    .split('\n')
    .filter((line) => line.includes('"msg":"request"'))
    .map((line) => ({ ...JSON.parse(line), time: 0, ms: 0 }))
  expect(lines).toHaveLength(4)
  expect(lines[0]).toEqual(lines[1])
  expect(lines[2]).toEqual(lines[3])
  expect(lines[0]).toMatchObject({ route: '/v1/verify', status: 200, caller: 'shop' })
  expect(lines[2]).toMatchObject({ status: 400, code: 'invalid_input' })
  const metrics = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  expect(metrics).toMatch(/_count\{method="POST",route="\/v1\/verify",status="200"\} 2/)
  expect(metrics).toMatch(/_count\{method="POST",route="\/v1\/verify",status="400"\} 2/)
})

/** Lines come in any order. */
function sorted(answer: unknown): unknown {
  const { text, ...rest } = answer as { readonly text: string }
  return { ...rest, text: text.split('\n').sort() }
}

async function tokenOf(run: Running): Promise<string> {
  const body = { subject: 'ada', amr: ['pwd'], request }
  const { token } = await (await run.call('POST', '/v1/sessions', { body })).json()
  return token
}

/** A query, even an empty one, is unusual enough for the long way. */
async function bothWays(
  { service }: Running,
  path: string,
  ask: {
    readonly body: string | Uint8Array<ArrayBuffer>
    readonly headers?: Record<string, string>
  },
): Promise<readonly unknown[]> {
  const answers: unknown[] = []
  for (const url of [`${service.url}${path}`, `${service.url}${path}?`]) {
    const answer = await fetch(url, {
      method: 'POST',
      body: ask.body,
      headers: {
        authorization: `Bearer ${KEYS.app}`,
        'content-type': 'application/json',
        'x-request-id': 'of-this-test',
        ...ask.headers,
      },
    })
    const headers = Object.fromEntries(answer.headers)
    answers.push({
      status: answer.status,
      headers: { ...headers, date: '' },
      text: await answer.text(),
    })
  }
  return answers
}
