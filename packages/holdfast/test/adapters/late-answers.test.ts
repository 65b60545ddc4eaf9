import { once } from 'node:events'
import { createServer, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Presented, Sessions } from 'holdfast'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast as forFetch } from '../../src/adapters/fetch.ts'
import { gatewayGuard } from '../../src/adapters/gateway.ts'
import { answerTimer } from '../../src/adapters/guard/answer-time.ts'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { holdfast as forHono } from '../../src/adapters/hono.ts'
import { holdfast as forNode } from '../../src/adapters/node.ts'
import { REFRESH_COOKIE, SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'
import { rawRequest } from '../../src/contracts/adapters/raw-http.ts'
import { listening } from '../contracts/apps/listening.ts'

const SENSITIVE = { sensitivity: 'sensitive' } as const

/** An engine whose time the tests move, with a note of what it was shown, and a login. */
async function scene() {
  const harness = await engineHarness()
  onTestFinished(harness.close)
  const shown: Presented[] = []
  const sessions: Sessions = {
    ...harness.sessions,
    verify(presented) {
      shown.push(presented)
      return harness.sessions.verify(presented)
    },
  }
  const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
  const created = await sessions.create({ subject: 'ada', refresh: true, request })
  if (!created.ok) throw new Error(created.code)
  return {
    ...harness,
    sessions,
    shown,
    session: `${SESSION_COOKIE}=${created.token}`,
    refresh: `${REFRESH_COOKIE}=${created.refreshToken}`,
  }
}

function facts(cookie: string, more: Partial<HttpFacts> = {}): HttpFacts {
  const headers: Readonly<Record<string, string>> = { cookie, 'sec-fetch-site': 'same-origin' }
  return {
    method: 'GET',
    url: '/account',
    peer: '127.0.0.1',
    encrypted: true,
    header: (name) => headers[name],
    ...more,
  }
}

function setCookies(headers: readonly (readonly [string, string])[]): readonly string[] {
  return headers.flatMap(([name, value]) => (name === 'set-cookie' ? [value] : []))
}

test('an answer is in time for ten seconds, and late when its clock was set back', () => {
  let now = 1_000_000
  const inTime = answerTimer(() => now)()

  const verdicts = [0, 10_000, 10_001, -1].map((after) => {
    now = 1_000_000 + after
    return inTime()
  })

  expect(verdicts).toEqual([true, true, false, false])
})

test('the time runs from before the judging: a slow store makes an answer late', async () => {
  const { sessions, session, now, advance } = await scene()
  const slow: Sessions = {
    ...sessions,
    async verify(presented) {
      const verified = await sessions.verify(presented)
      advance(10_001)
      return verified
    },
  }

  const verified = await guard(slow, { now }).require(SENSITIVE)(facts(session))

  expect(verified.ok && verified.headers()).toEqual([])
})

test('nor does a gateway get a secret from a check that took too long', async () => {
  const { sessions, session, now, advance } = await scene()
  const slow: Sessions = {
    ...sessions,
    async verify(presented) {
      const verified = await sessions.verify(presented)
      advance(10_001)
      return verified
    },
  }
  const route = { ...SENSITIVE, rotate: true }

  const late = await gatewayGuard(slow, { now }).verify(facts(session), route)
  const inTime = await gatewayGuard(sessions, { now }).verify(facts(session), route)

  expect(late).toMatchObject({ ok: true, setCookie: undefined })
  expect(inTime).toMatchObject({ ok: true, setCookie: expect.stringMatching(/^__Host-session=/) })
})

test.each([
  ['in time', 10_000, 1],
  ['late', 10_001, 0],
])('a refresh that is answered %s brings its cookie, or none', async (_, took, cookies) => {
  const { sessions, refresh, now, advance } = await scene()
  const slow: Sessions = {
    ...sessions,
    async refresh(presented) {
      const refreshed = await sessions.refresh(presented)
      advance(took)
      return refreshed
    },
  }

  const cookie = guard(slow, { now, refresh: {} })
  const answer = await cookie.refresh(facts(refresh, { method: 'POST', url: '/refresh' }))

  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.body)).toHaveProperty('accessToken')
  expect(setCookies(answer.headers)).toHaveLength(cookies)
})

test('a late refresh of a native application has no refresh token: keep yours', async () => {
  const { sessions, refresh, now, advance } = await scene()
  const slow: Sessions = {
    ...sessions,
    async refresh(presented) {
      const refreshed = await sessions.refresh(presented)
      advance(10_001)
      return refreshed
    },
  }
  const token = refresh.slice(REFRESH_COOKIE.length + 1)

  const native = guard(slow, { now, refresh: { native: true } })
  const answer = await native.refresh(facts('', { method: 'POST', url: '/refresh' }), { token })

  expect(answer.status).toBe(200)
  expect(Object.keys(JSON.parse(answer.body))).toEqual(['accessToken', 'expiresIn'])
})

test('a refused form whose body came late leaves its rotated secret behind', async () => {
  const { sessions, session, now, advance } = await scene()
  const header = facts(session).header
  const form = (arrivesAfter: number): HttpFacts =>
    facts(session, {
      method: 'POST',
      header: (name) =>
        name === 'content-type' ? 'application/x-www-form-urlencoded' : header(name),
      async formToken() {
        advance(arrivesAfter)
        return 'of another session'
      },
    })
  const verify = guard(sessions, { now }).require(SENSITIVE)

  const late = await verify(form(10_001))
  const inTime = await verify(form(10_000))

  const refused = [inTime, late].map((one) => (one.ok ? one : one.refusal))
  expect(refused).toEqual([
    expect.objectContaining({ status: 403 }),
    expect.objectContaining({ status: 403 }),
  ])
  expect(inTime.ok ? [] : setCookies(inTime.refusal.headers)).toHaveLength(1)
  expect(late.ok ? [] : setCookies(late.refusal.headers)).toEqual([])
})

test('a late answer of an optional route leaves a dead cookie: it may live by then', async () => {
  const { sessions, session, now, advance } = await scene()
  await sessions.logout(session.slice(SESSION_COOKIE.length + 1))

  const passed = await guard(sessions, { now }).optional()(facts(session))

  expect(passed).toMatchObject({ ok: true, refused: 'session_unknown' })
  expect(passed.ok && setCookies(passed.headers())).toHaveLength(1)
  advance(10_001)
  expect(passed.ok && passed.headers()).toEqual([])
})

test('where the head has left nothing rotates, and the secret stays good', async () => {
  const { sessions, session, shown, now } = await scene()
  const required = forNode(sessions, { now }).requireSession(SENSITIVE)
  const { origin, close } = await listening(
    createServer(async (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      const passed = await required(request, response)
      response.end(passed?.subject)
    }),
  )
  onTestFinished(close)
  const headers = [['cookie', session] as const, ['sec-fetch-site', 'same-origin'] as const]

  const answers = [await rawRequest(origin, { headers }), await rawRequest(origin, { headers })]

  expect(answers.map(({ body }) => body)).toEqual(['ada', 'ada'])
  expect(answers.flatMap((answer) => answer.setCookies)).toEqual([])
  expect(shown.map(({ deliverable }) => deliverable)).toEqual([false, false])
})

test('for an upgrade nothing rotates: nothing brings its cookie', async () => {
  const { sessions, session, shown, now } = await scene()
  const required = forNode(sessions, { now }).requireSession(SENSITIVE)
  const server = createServer()
  server.on('upgrade', async (request, socket) => {
    const passed = await required(request, new ServerResponse(request))
    socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${passed?.subject}`)
  })
  const { origin, close } = await listening(server)
  onTestFinished(close)

  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(
    `GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-Fetch-Site: same-origin\r\nCookie: ${session}\r\n\r\n`,
  )
  const [first] = await once(socket, 'data')
  socket.destroy()

  expect(String(first)).toMatch(/101 [\s\S]*ada$/)
  expect(shown.map(({ deliverable }) => deliverable)).toEqual([false])
})

test('nor where a web Request asks for a socket: its answer cannot be copied', async () => {
  const { sessions, session, shown, now } = await scene()
  const taken = { status: 101 } as Response
  const options = { now, peer: () => '127.0.0.1' }
  const fetched = forFetch(sessions, options).requireSession(SENSITIVE)(() => taken)
  const app = new Hono().get('/live', forHono(sessions, options).requireSession(SENSITIVE), (c) =>
    c.text('fine'),
  )
  const headers = { cookie: session, upgrade: 'websocket', 'sec-fetch-site': 'same-origin' }

  const answer = await fetched(new Request('https://shop.example/live', { headers }))
  const other = await app.request('https://shop.example/live', { headers })

  expect(answer).toBe(taken)
  expect(other.headers.getSetCookie()).toEqual([])
  expect(shown.map(({ deliverable }) => deliverable)).toEqual([false, false])
})

test('a login or step-up that could tell nobody of its secret throws first', async () => {
  const { sessions, session, now } = await scene()
  const { login, logout, completeStepUp } = guard(sessions, { now })
  const sent = { method: 'POST', deliverable: false } as const

  await expect(login(facts('', sent), { subject: 'eve' })).rejects.toThrow('head is written')
  await expect(
    completeStepUp(facts(session, sent), { challenge: 'x', subject: 'ada' }),
  ).rejects.toThrow('head is written')

  expect((await sessions.list({ subject: 'eve' })).items).toEqual([])
  expect(await logout(facts(session, sent))).toMatchObject({ ok: true })
  expect((await sessions.list({ subject: 'ada' })).items).toEqual([])
})
