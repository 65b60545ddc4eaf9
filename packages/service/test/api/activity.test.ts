import { connect } from 'holdfast/client'
import { describe, expect, test } from 'vitest'
import { cookieOf, forwarded, gated, original, passedOn } from '../gateways/gates.ts'
import { atHome, KEYS, LOGIN, type Running, running } from '../support.ts'

const MINUTE = 60_000
const IDLE_MINUTES = 120

async function login({ call }: Running): Promise<string> {
  const body = { ...LOGIN, request: atHome() }
  return (await (await call('POST', '/v1/sessions', { body })).json()).token
}

/** Asks every ten minutes until the idle timeout, and tells what each question was answered. */
async function poll<Answer>(
  { host }: Pick<Running, 'host'>,
  ask: () => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (let passed = 0; passed < IDLE_MINUTES; passed += 10) {
    host.advance(10 * MINUTE)
    answers.push(await ask())
  }
  return answers
}

const PREFETCHED = {
  ...atHome(),
  headers: { ...atHome().headers, 'sec-purpose': 'prefetch' },
}

describe.each([
  ['passive', { request: atHome(), activity: 'passive' }],
  ['speculative', { request: PREFETCHED }],
] as const)('a %s presentation', (_, presented) => {
  test('keeps no session alive through the service', async () => {
    const run = await running()
    const token = await login(run)

    const answers = await poll(run, async () => {
      const answer = await run.call('POST', '/v1/verify', { body: { token, ...presented } })
      return answer.json()
    })

    expect(answers.slice(0, -1).every(({ ok }) => ok === true)).toBe(true)
    expect(answers.at(-1)).toMatchObject({ ok: false, code: 'session_expired' })
  })

  test('nor through connect(), alone or in one batch with others', async () => {
    const run = await running()
    const sessions = connect({ url: run.service.url, key: KEYS.app, timeout: 30_000 })
    const tokens = [await login(run), await login(run), await login(run)]
    const [used = '', ...polled] = tokens

    const answers = await poll(run, () =>
      Promise.all([
        sessions.verify({ token: used, request: atHome() }),
        ...polled.map((token) => sessions.verify({ token, ...presented })),
      ]),
    )

    const codes = answers.at(-1)?.map((answer) => (answer.ok ? 'ok' : answer.code))
    expect(codes).toEqual(['ok', 'session_expired', 'session_expired'])
  })

  test('nor in a batch of the API', async () => {
    const run = await running()
    const token = await login(run)

    const answers = await poll(run, async () => {
      const body = { presented: [{ token, ...presented }] }
      return (await run.call('POST', '/v1/verify/batch', { body })).json()
    })

    expect(answers.at(-1)).toMatchObject({ results: [{ code: 'session_expired' }] })
  })
})

test('an activity that is none is refused by name', async () => {
  const run = await running()
  const body = { token: await login(run), request: atHome(), activity: 'sleepy' }

  const answer = await run.call('POST', '/v1/verify', { body })

  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('activity')
})

test('a speculative request takes no cookie away, and opens no sensitive route', async () => {
  const run = await running()
  const token = await login(run)
  const navigation = { ...PREFETCHED.headers, 'sec-fetch-mode': 'navigate' }
  const body = { token, request: { ...PREFETCHED, headers: navigation } }

  const sensitive = await run.call('POST', '/v1/verify', {
    body: { ...body, sensitivity: 'sensitive' },
  })
  expect(await sensitive.json()).toEqual({ ok: false, code: 'speculative_request' })
  await run.call('POST', '/v1/logout', { body: { token } })
  const dead = await (await run.call('POST', '/v1/verify', { body })).json()

  expect(dead).toMatchObject({ ok: false, code: 'session_unknown' })
  expect(dead).not.toHaveProperty('cookie')
})

describe.each([
  ['forward-auth', '?activity=passive', forwarded],
  ['auth-request', '?activity=passive', original],
  ['ext-authz', '/activity=passive/orders?open=1', passedOn],
] as const)('a gate that speaks %s', (name, options, headersOf) => {
  const plain = name === 'ext-authz' ? '/-/orders?open=1' : ''

  test('keeps no session alive on a route that polls', async () => {
    const run = await gated()
    const headers = headersOf({ cookie: cookieOf(run.token) })

    const answers = await poll(run, () => run.ask(`/v1/gate/${name}${options}`, headers))

    expect(answers.slice(0, -1).every(({ status }) => status === 200)).toBe(true)
    expect(answers.at(-1)?.status).toBe(401)
  })

  test('takes a prefetch for what it is', async () => {
    const run = await gated()
    const headers = headersOf({ cookie: cookieOf(run.token), 'sec-purpose': 'prefetch' })

    const answers = await poll(run, () => run.ask(`/v1/gate/${name}${plain}`, headers))

    expect(answers.at(-1)?.status).toBe(401)
  })

  test('refuses an activity that is none', async () => {
    const run = await gated()
    const wrong = options.replace('passive', 'sleepy')

    const answer = await run.ask(`/v1/gate/${name}${wrong}`, headersOf())

    expect(answer.body).toContain('activity must be active or passive')
  })
})
