import { join } from 'node:path'
import { connect } from 'holdfast/client'
import { expect, test } from 'vitest'
import { readLog } from '../../src/audit/log/read.ts'
import { cookieOf, forwarded, gated, original } from '../gateways/gates.ts'
import { folder, KEYS, LOGIN, type Running, running } from '../support.ts'

const ATTACKER = '84.208.1.1'
const OFFICE = { 'user-agent': 'curl/8.5.0' }

function from(ip: string): object {
  return { ip, method: 'GET', url: '/', headers: OFFICE }
}

function garbage(at: number): string {
  return `hf1.${Buffer.alloc(32, at).toString('base64url')}.${'A'.repeat(164 - (at % 3))}`
}

async function loggedIn(run: Running, ip: string): Promise<string> {
  const answer = await run.call('POST', '/v1/sessions', { body: { ...LOGIN, request: from(ip) } })
  return (await answer.json()).token
}

async function metric(run: Running, line: RegExp): Promise<number> {
  const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  return Number(line.exec(text)?.[1] ?? 0)
}

const LIMITED = /^holdfast_guesses_total\{of="token",answer="limited"\} (\d+)$/m

test('500 guesses from one address are slowed, with one finding, and disturb nobody', async () => {
  const run = await running()
  const neighbour = await loggedIn(run, ATTACKER)
  const other = await loggedIn(run, '92.220.1.1')

  const statuses = new Map<number, number>()
  for (let at = 0; at < 500; at++) {
    const answer = await run.call('POST', '/v1/verify', {
      body: { token: garbage(at), request: from(ATTACKER) },
    })
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    if (answer.status === 429) {
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(await answer.json()).toMatchObject({ code: 'too_many_requests', status: 429 })
    }
    if (at % 50 !== 0) continue
    for (const [token, ip] of [
      [neighbour, ATTACKER],
      [other, '92.220.1.1'],
    ] as const) {
      const rightful = await run.call('POST', '/v1/verify', { body: { token, request: from(ip) } })
      expect(await rightful.json()).toMatchObject({ ok: true })
    }
  }

  expect(statuses).toEqual(
    new Map([
      [200, 100],
      [429, 400],
    ]),
  )
  expect(run.log().match(/guesses are answered 429/g)).toHaveLength(1)
  expect(run.log()).toContain(`"network":"${ATTACKER}/32"`)
  expect(run.log().match(/"code":"too_many_requests"/g)).toBeNull()
  expect(await metric(run, LIMITED)).toBe(400)
})

test('500 guesses from one address become one event and one finding', async () => {
  const directory = join(folder(), 'audit')
  const run = await running({ HOLDFAST_AUDIT_DIRECTORY: directory })
  const incidents = async (): Promise<readonly { id: string; network: string }[]> =>
    (await (await run.call('GET', '/v1/incidents')).json()).items

  for (let at = 0; at < 500; at++) {
    await run.call('POST', '/v1/verify', { body: { token: garbage(at), request: from(ATTACKER) } })
  }
  const found = [{ network: '84.208.1.0/24' }]
  await expect.poll(incidents, { timeout: 20_000 }).toMatchObject(found)
  await run.service.close()

  const lines = [...readLog({ directory })].map(({ line }) => line)
  const findings = lines.flatMap((line) => (line.kind === 'finding' ? [line.finding] : []))
  const events = lines.flatMap((line) => (line.kind === 'event' ? [line.event] : []))
  const guesses = events.filter(({ type }) => type === 'request-refused')
  expect(findings).toMatchObject([{ rule: 'token_guessing', severity: 'medium' }])
  expect(guesses).toMatchObject([{ actor: 'client', reason: 'token_guesses', session: null }])
  for (const told of [ATTACKER, '84.208.1.']) expect(JSON.stringify(lines)).not.toContain(told)
})

test('10,000 guesses from 1,000 addresses reach the limit of the caller; users pass', async () => {
  const run = await running({ HOLDFAST_CALLER_GUESS_LIMIT: '{ burst: 2000, perMinute: 60 }' })
  const sessions = connect({ url: run.service.url, key: KEYS.app })
  const rightful = await Promise.all(
    Array.from({ length: 20 }, (_, at) => loggedIn(run, `92.220.1.${at}`)),
  )
  const codes = new Map<string, number>()

  for (let round = 0; round < 10; round++) {
    const guesses = Array.from({ length: 1_000 }, async (_, at) => {
      const request = { ...from(`84.${at >> 8}.${at & 255}.7`) } as never
      const code = await sessions.verify({ token: garbage(at), request }).then(
        (verification) => (verification.ok ? 'ok' : verification.code),
        (error) => String(error.code),
      )
      codes.set(code, (codes.get(code) ?? 0) + 1)
    })
    const users = rightful.map(async (token, at) => {
      const { ok } = await sessions.verify({ token, request: from(`92.220.1.${at}`) as never })
      expect(ok).toBe(true)
    })
    await Promise.all([...guesses, ...users])
  }

  expect(codes).toEqual(
    new Map([
      ['token_malformed', 2_000],
      ['too_many_requests', 8_000],
    ]),
  )
  expect(run.log().match(/guesses are answered 429/g)).toHaveLength(1)
})

test('guesses of refresh tokens and at step-ups are of the same limit', async () => {
  const run = await running({ HOLDFAST_GUESS_LIMIT: '{ burst: 2, perMinute: 1 }' })
  const body = { token: garbage(1), request: from(ATTACKER) }

  const answers = []
  for (const path of ['/v1/refresh', '/v1/step-up/begin', '/v1/refresh', '/v1/step-up/begin']) {
    answers.push((await run.call('POST', path, { body })).status)
  }

  expect(answers).toEqual([401, 200, 429, 429])
})

test('in a batch with one answer for all, the guesses of one concern no other', async () => {
  const run = await running({ HOLDFAST_GUESS_LIMIT: '{ burst: 1, perMinute: 1 }' })
  const token = await loggedIn(run, ATTACKER)
  const guess = { token: garbage(1), request: from(ATTACKER) }
  const presented = [guess, guess, { token, request: from(ATTACKER) }, guess]

  const whole = await run.call('POST', '/v1/verify/batch', { body: { presented } })
  const lines = await fetch(`${run.service.url}/v1/verify/batch`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${KEYS.app}`,
      'content-type': 'application/json',
      accept: 'application/x-ndjson',
    },
    body: JSON.stringify({ presented }),
  })

  expect((await whole.json()).results.map(({ ok }: { ok: boolean }) => ok)).toEqual([
    ...[false, false, true, false],
  ])
  const told = (await lines.text())
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text))
  const byPlace = told.sort((a, b) => a.at - b.at)
  expect(byPlace.map(({ result, problem }) => problem?.status ?? result.ok)).toEqual([
    ...[false, 429, true, 429],
  ])
})

test('wrong keys are slowed down, and the right one is not', async () => {
  const run = await running({ HOLDFAST_GUESS_LIMIT: '{ burst: 5, perMinute: 60 }' })
  const ask = (key: string | null) => run.call('GET', '/v1/events', { key })

  const answers = []
  for (let at = 0; at < 20; at++) {
    answers.push((await ask(at % 2 === 0 ? null : `guess-${at}-of-a-secret`)).status)
    expect((await ask(KEYS.audit)).status).toBe(200)
  }
  const verify = await run.call('POST', '/v1/verify', {
    key: 'guess-of-a-secret',
    body: { token: garbage(1), request: from(ATTACKER) },
  })
  run.host.advance(5_000)

  expect(answers).toEqual([...new Array(5).fill(401), ...new Array(15).fill(429)])
  expect(verify.status).toBe(429)
  expect(verify.headers.get('retry-after')).toBe('1')
  expect((await ask(null)).status).toBe(401)
  expect(run.log().match(/guesses are answered 429/g)).toHaveLength(1)
})

test('at the gates each dialect tells it in its way, and takes no cookie away', async () => {
  const run = await gated({ HOLDFAST_GUESS_LIMIT: '{ burst: 3, perMinute: 1 }' })
  const guess = (at: number) => ({ cookie: cookieOf(garbage(at)) })
  const client = { 'x-forwarded-for': ATTACKER }
  for (let at = 0; at < 3; at++) {
    const early = await run.ask('/v1/gate/forward-auth', forwarded({ ...client, ...guess(at) }))
    expect(early.status).toBe(401)
  }

  const traefik = await run.ask('/v1/gate/forward-auth', forwarded({ ...client, ...guess(1) }))
  const nginx = await run.ask('/v1/gate/auth-request', original({ ...client, ...guess(1) }))
  const open = await run.ask(
    '/v1/gate/forward-auth?optional=yes',
    forwarded({ ...client, ...guess(1) }),
  )
  const rightful = await run.ask(
    '/v1/gate/forward-auth',
    forwarded({ 'x-forwarded-for': '192.0.2.10', cookie: cookieOf(run.token) }),
  )

  expect(traefik.status).toBe(429)
  expect(nginx.status).toBe(403)
  expect(nginx.header('holdfast-status')).toBe('429')
  for (const answer of [traefik, nginx]) {
    expect(answer.header('holdfast-code')).toBe('too_many_requests')
    expect(answer.header('retry-after')).toBe('60')
    expect(answer.header('set-cookie')).toBeUndefined()
    expect(answer.header('cache-control')).toBe('no-store')
  }
  expect(open.status).toBe(200)
  expect(rightful.status).toBe(200)
})

test('wrong keys of gateways are slowed down, too', async () => {
  const run = await gated({ HOLDFAST_GUESS_LIMIT: '{ burst: 3, perMinute: 1 }' })

  const answers = []
  for (let at = 0; at < 5; at++) {
    const { status } = await run.ask('/v1/gate/forward-auth', forwarded(), { key: `guess-${at}` })
    answers.push(status)
  }
  const rightful = await run.ask(
    '/v1/gate/forward-auth',
    forwarded({ cookie: cookieOf(run.token) }),
  )

  expect(answers).toEqual([401, 401, 401, 429, 429])
  expect(rightful.status).toBe(200)
})
