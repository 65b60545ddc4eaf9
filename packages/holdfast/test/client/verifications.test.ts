import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connect, type RemoteSessions } from '../../src/client/index.ts'
import type { Presented, Verification } from '../../src/core/sessions.ts'
import { until } from '../support/until.ts'

const REFUSED: Verification = { ok: false, code: 'session_unknown' }
const UNAVAILABLE = { code: 'store_unavailable' }
const LINES = { 'content-type': 'application/x-ndjson' }
const EVIDENCE = { group: 'N', reason: 'country_changed', weight: 24, detail: {} }

interface Held {
  readonly path: string
  readonly tokens: readonly string[]
  readonly response: ServerResponse
}

/** A service that holds every request until the test answers it, here or later. */
async function holding({
  timeoutMs = 30_000,
  onHeld = () => {},
}: {
  readonly timeoutMs?: number
  readonly onHeld?: (one: Held, at: number) => void
} = {}): Promise<{ readonly sessions: RemoteSessions; readonly held: Held[] }> {
  const held: Held[] = []
  const http = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const body: Presented & { readonly presented?: readonly Presented[] } = JSON.parse(text)
    const tokens = (body.presented ?? [body]).map(({ token }) => token)
    const one = { path: request.url ?? '', tokens, response }
    onHeld(one, held.push(one) - 1)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { sessions: connect({ url, key: 'key-of-the-application', timeout: timeoutMs }), held }
}

function presented(token: string): Presented {
  return { token, request: { ip: '192.0.2.1', method: 'GET', url: '/', headers: {} } }
}

/** What a verification came to: an answer's code, or the code of the fault that it threw. */
async function outcome(verifying: Promise<Verification>): Promise<string> {
  try {
    const verification = await verifying
    return verification.ok ? 'ok' : verification.code
  } catch (error) {
    return `threw ${(error as { readonly code?: string }).code}`
  }
}

function answer({ path, tokens, response }: Held): void {
  if (path === '/v1/verify') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(REFUSED))
    return
  }
  const lines = tokens.map((_, at) => `${JSON.stringify({ at, result: REFUSED })}\n`)
  response.writeHead(200, LINES).end(lines.join(''))
}

test('what is asked in one turn travels together, and one alone travels as it is', async () => {
  const { sessions, held } = await holding()

  const together = ['a', 'b', 'c'].map((token) => outcome(sessions.verify(presented(token))))
  await until('the batch is there', () => held.length === 1)
  held.forEach(answer)
  const answers = await Promise.all(together)
  const alone = outcome(sessions.verify(presented('d')))
  await until('the next is there', () => held.length === 2)
  held.slice(1).forEach(answer)

  expect(answers).toEqual(['session_unknown', 'session_unknown', 'session_unknown'])
  expect(await alone).toBe('session_unknown')
  expect(held).toMatchObject([
    { path: '/v1/verify/batch', tokens: ['a', 'b', 'c'] },
    { path: '/v1/verify', tokens: ['d'] },
  ])
})

test('a batch takes no more than the service does, and nothing waits for another one', async () => {
  const { sessions, held } = await holding()

  const tokens = Array.from({ length: 130 }, (_, at) => `token-${at}`)
  const asked = tokens.map((token) => outcome(sessions.verify(presented(token))))
  await until('all are there', () => held.length === 3)
  held.forEach(answer)

  expect(held.map((one) => one.tokens.length).sort()).toEqual([2, 64, 64])
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['session_unknown']))
})

test('no more than 64 requests are under way, and what waits travels together', async () => {
  const { sessions, held } = await holding()

  const asked: Promise<string>[] = []
  for (let turn = 0; turn < 100; turn++) {
    asked.push(outcome(sessions.verify(presented(`token-${turn}`))))
    if (turn < 64) await until('it is there', () => held.length === turn + 1)
  }
  const [first] = held
  if (first !== undefined) answer(first)
  await until('the rest is there', () => held.length === 65)
  held.slice(1).forEach(answer)

  expect(new Set(await Promise.all(asked))).toEqual(new Set(['session_unknown']))
  expect(held).toHaveLength(65)
  expect(held[64]).toMatchObject({ path: '/v1/verify/batch' })
  expect(held[64]?.tokens).toHaveLength(36)
})

test('what waits for others has a time limit of its own', async () => {
  const { sessions } = await holding({ timeoutMs: 200 })

  const asked: Promise<string>[] = []
  for (let turn = 0; turn < 70; turn++) {
    asked.push(outcome(sessions.verify(presented(`token-${turn}`))))
    await nextTurn()
  }

  expect(new Set(await Promise.all(asked))).toEqual(new Set(['threw store_unavailable']))
})

test('questions of different turns have different time limits', async () => {
  const { sessions, held } = await holding({ timeoutMs: 60_000 })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())

  const first = outcome(sessions.verify(presented('a')))
  await nextTurn()
  vi.advanceTimersByTime(40_000)
  const second = sessions.verify(presented('b'))
  vi.advanceTimersByTime(20_000)
  expect(await first).toBe('threw store_unavailable')
  while (held.length < 2) await nextTurn()
  held.slice(1).forEach(answer)

  expect(await second).toEqual(REFUSED)
})

test('an answer that breaks off leaves those their answers that had one', async () => {
  const { sessions, held } = await holding()

  const asked = ['a', 'b', 'c'].map((token) => outcome(sessions.verify(presented(token))))
  await until('the batch is there', () => held.length === 1)
  const response = held[0]?.response
  response?.writeHead(200, LINES).write(`${JSON.stringify({ at: 1, result: REFUSED })}\n{"at":0,`)
  expect(await asked[1]).toBe('session_unknown')
  response?.destroy()

  expect(await Promise.all(asked)).toEqual([
    'threw store_unavailable',
    'session_unknown',
    'threw store_unavailable',
  ])
})

const good = JSON.stringify({ at: 0, result: REFUSED })

test.each([
  ['no line for it', ''],
  ['a line that is no JSON', '<html>\n'],
  ['a line without a place', '{"result":{"ok":false,"code":"session_unknown"}}\n'],
  ['a line for another place', `${JSON.stringify({ at: 2, result: REFUSED })}\n`],
  ['a line between two places', `${JSON.stringify({ at: 0.5, result: REFUSED })}\n`],
  ['a line that says nothing', '{"at":1}\n'],
  ['a result that is none', '{"at":1,"result":{"ok":true}}\n'],
  ['a problem that is none', '{"at":1,"problem":{"code":"session_unknown"}}\n'],
  ['a line that has no end', JSON.stringify({ at: 1, result: REFUSED })],
  ['too much', `${'x'.repeat(9 * 1_048_576)}\n${JSON.stringify({ at: 1, result: REFUSED })}\n`],
])('with %s a verification was not answered, and the others were', async (_, lines) => {
  const { sessions, held } = await holding()

  const first = sessions.verify(presented('a'))
  const second = expect(sessions.verify(presented('b'))).rejects.toMatchObject(UNAVAILABLE)
  await until('the batch is there', () => held.length === 1)
  held[0]?.response.writeHead(200, LINES).end(`${good}\n${lines}`)

  expect(await first).toEqual(REFUSED)
  await second
})

test('a letter that comes in two pieces is one letter', async () => {
  const { sessions, held } = await holding()

  const asked = ['a', 'b'].map((token) => sessions.verify(presented(token)))
  await until('the batch is there', () => held.length === 1)
  const decision = { outcome: 'challenge', score: 24, because: [{ ...EVIDENCE, text: 'Zürich' }] }
  const lines = asked.map(
    (_, at) => `${JSON.stringify({ at, result: { ...REFUSED, decision } })}\n`,
  )
  const bytes = Buffer.from(lines.join(''))
  const half = bytes.indexOf('ü') + 1
  const response = held[0]?.response.writeHead(200, LINES)
  await new Promise((sent) => response?.write(bytes.subarray(0, half), sent))
  response?.end(bytes.subarray(half))

  const [first, second] = await Promise.all(asked)
  expect(first).toEqual({ ...REFUSED, decision })
  expect(second).toEqual({ ...REFUSED, decision })
})

test('of two lines for one place the first is the answer', async () => {
  const { sessions, held } = await holding()

  const asked = ['a', 'b'].map((token) => outcome(sessions.verify(presented(token))))
  await until('the batch is there', () => held.length === 1)
  const again = JSON.stringify({ at: 0, result: { ok: false, code: 'session_revoked' } })
  const other = JSON.stringify({ at: 1, result: REFUSED })
  held[0]?.response.writeHead(200, LINES).end(`${good}\n${again}\n${other}\n`)

  expect(await Promise.all(asked)).toEqual(['session_unknown', 'session_unknown'])
})

test.each([404, 405])(
  'a service that answers a batch with %i is asked one by one, and for no batch soon',
  async (status) => {
    const { sessions, held } = await holding()
    const ask = (): readonly Promise<string>[] =>
      ['a', 'b', 'c'].map((token) => outcome(sessions.verify(presented(token))))

    const first = ask()
    await until('the batch is there', () => held.length === 1)
    held[0]?.response.writeHead(status).end()
    await until('each is there', () => held.length === 4)
    held.slice(1).forEach(answer)
    expect(await Promise.all(first)).toEqual(Array(3).fill('session_unknown'))
    const second = ask()
    await until('each is there again', () => held.length === 7)
    held.slice(4).forEach(answer)
    expect(await Promise.all(second)).toEqual(Array(3).fill('session_unknown'))

    expect(held.slice(1).map(({ path }) => path)).toEqual(Array(6).fill('/v1/verify'))
  },
)

test('a service that knew no batches is asked for one again, as it may be newer then', async () => {
  const { sessions, held } = await holding({
    onHeld(one, at) {
      if (at === 0) one.response.writeHead(404).end()
      else answer(one)
    },
  })

  for (let turns = 0; turns < 21; turns++) {
    const tokens = Array.from({ length: 50 }, (_, at) => `token-${at}`)
    const asked = tokens.map((token) => outcome(sessions.verify(presented(token))))
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['session_unknown']))
  }

  const batches = held.flatMap(({ path }, at) => (path === '/v1/verify/batch' ? [at] : []))
  expect(batches).toEqual([0, 1_001])
})

test.each([429, 502, 503, 504])(
  'a batch that is answered %i, where too much is asked, is not asked again one by one',
  async (status) => {
    const { sessions, held } = await holding()

    const asked = ['a', 'b'].map((token) => outcome(sessions.verify(presented(token))))
    await until('the batch is there', () => held.length === 1)
    held[0]?.response.writeHead(status).end()

    expect(await Promise.all(asked)).toEqual(Array(2).fill('threw store_unavailable'))
    expect(held).toHaveLength(1)
  },
)

test.each([400, 401, 413, 500])(
  'a batch that is refused with %i as a whole says nothing about its entries',
  async (status) => {
    const { sessions, held } = await holding()

    const asked = ['a', 'b'].map((token) => outcome(sessions.verify(presented(token))))
    await until('the batch is there', () => held.length === 1)
    held[0]?.response.writeHead(status).end()
    await until('each is there', () => held.length === 3)
    held.slice(1).forEach(answer)
    const more = ['c', 'd'].map((token) => outcome(sessions.verify(presented(token))))
    await until('the next batch is there', () => held.length === 4)
    held.slice(3).forEach(answer)

    expect(await Promise.all(asked)).toEqual(['session_unknown', 'session_unknown'])
    expect(await Promise.all(more)).toEqual(['session_unknown', 'session_unknown'])
    expect(held[3]?.path).toBe('/v1/verify/batch')
  },
)

test('what cannot be written as JSON fails alone', async () => {
  const { sessions, held } = await holding()

  const poisoned = outcome(
    sessions.verify({ ...presented('b'), waitedMs: 1n as unknown as number }),
  )
  const asked = ['a', 'c'].map((token) => outcome(sessions.verify(presented(token))))
  await until('the batch is there', () => held.length === 1)
  held.forEach(answer)

  expect(await poisoned).toBe('threw store_unavailable')
  expect(await Promise.all(asked)).toEqual(['session_unknown', 'session_unknown'])
  expect(held[0]?.tokens).toEqual(['a', 'c'])
})

test('a presentation that is too large for a batch travels alone', async () => {
  const { sessions, held } = await holding()

  const large = { ...presented('b'), acr: 'x'.repeat(90_000) }
  const asked = [presented('a'), large, presented('c')].map((one) => outcome(sessions.verify(one)))
  await until('all are there', () => held.length === 3)
  held.forEach(answer)

  expect(new Set(await Promise.all(asked))).toEqual(new Set(['session_unknown']))
  expect(new Set(held.map(({ path }) => path))).toEqual(new Set(['/v1/verify']))
})

test('entries of any size never make a batch that the service would not read', async () => {
  const { sessions, held } = await holding()

  const tokens = Array.from({ length: 40 }, () => 'ü'.repeat(20_000))
  const asked = tokens.map((token) => outcome(sessions.verify(presented(token))))
  const total = (): number => held.reduce((sum, one) => sum + one.tokens.length, 0)
  await until('all are there', () => total() === 40)
  held.forEach(answer)

  await Promise.all(asked)
  for (const one of held) {
    expect(Buffer.byteLength(one.tokens.join(''))).toBeLessThan(524_288)
    expect(one.tokens.length).toBeGreaterThan(1)
  }
})
