import { expect, test } from 'vitest'
import { gatewayGuard } from '../../src/adapters/gateway.ts'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { harness, inMemory, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const NAMED = { 'x-request-id': 'of-the-proxy', traceparent: trace }

function facts(cookie: string, more: Readonly<Record<string, string>> = NAMED): HttpFacts {
  const { headers } = atHome()
  const all: typeof headers = { ...headers, cookie, 'sec-fetch-site': 'same-origin', ...more }
  return {
    method: 'POST',
    url: '/account',
    peer: '192.0.2.10',
    encrypted: true,
    header: (name) => all[name],
  }
}

test('whatever an adapter does for a request leaves events with its id and trace', async () => {
  const { sessions, host, events, login } = await harness(inMemory)
  const { require, login: logIn, logout, loginFailed } = guard(sessions, { now: host.now })
  const cookie = `${SESSION_COOKIE}=${await login()}`
  events.length = 0
  host.advance(3 * MINUTE)

  await require()(facts(cookie))
  await require()(facts(`${SESSION_COOKIE}=hf1.garbage`))
  await loginFailed(facts(''), { subject: 'ada' })
  await logIn(facts(cookie), { subject: 'ada' })
  await logIn(facts(''), { subject: 'ada', correlation: 'of-the-application' })
  await logout(facts(`${SESSION_COOKIE}=${await login()}`))

  expect(events.map((event) => [event.type, event.correlation, event.trace])).toEqual([
    ['session-presented', 'of-the-proxy', trace],
    ['token-unknown', 'of-the-proxy', trace],
    ['login-failed', 'of-the-proxy', trace],
    ['session-revoked', 'of-the-proxy', trace],
    ['session-established', 'of-the-proxy', trace],
    ['session-established', 'of-the-application', trace],
    ['session-established', null, undefined],
    ['session-revoked', 'of-the-proxy', trace],
  ])
})

test('a gateway guard does so, too', async () => {
  const { sessions, host, events, login } = await harness(inMemory)
  const { verify } = gatewayGuard(sessions, { now: host.now })
  const cookie = `${SESSION_COOKIE}=${await login()}`
  events.length = 0

  await verify(facts(cookie), { acr: 'urn:mfa' })

  expect(events).toMatchObject([{ type: 'step-up-required', correlation: 'of-the-proxy', trace }])
})

test.each([
  ['two ids in one line', { 'x-request-id': 'of-the-proxy, of-another' }],
  ['an id that would not be safe in a log', { 'x-request-id': 'a\u202eb<script>' }],
  ['an id of 65 letters', { 'x-request-id': 'x'.repeat(65) }],
  ['no traceparent', { traceparent: 'not-a-trace' }],
])('%s is left out, and refuses nothing', async (_, headers) => {
  const { sessions, host, events } = await harness(inMemory)
  const { login: logIn } = guard(sessions, { now: host.now })

  const answer = await logIn(facts('', headers), { subject: 'ada' })

  expect(answer.ok).toBe(true)
  expect(events).toMatchObject([{ type: 'session-established', correlation: null }])
  expect(events[0]).not.toHaveProperty('trace')
})
