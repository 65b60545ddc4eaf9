import { describe, expect, onTestFinished, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import { holdfast as next } from '../../src/adapters/next.ts'
import { holdfast } from '../../src/adapters/node.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'
import { STARTERS } from '../contracts/apps/index.ts'

type Api = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>

/** The calls that take a request or a response, and a refusal. */
const CALLS = [
  'sessionOf',
  'optionalSessionOf',
  'decisionOf',
  'formToken',
  'login',
  'loginFailed',
  'logout',
  'beginStepUp',
  'completeStepUp',
  'stepUpFailed',
  'refresh',
  'refuse',
  'requestFacts',
  'forwardedFacts',
]

const ANSWERS_AT_ONCE = /^(?:\w*[sS]essionOf|decisionOf|formToken|refuse|requestFacts)$/

/** What each framework calls its request and its response. */
const NAMES: readonly (readonly [framework: RegExp, request: string, response: string])[] = [
  [/^fastify/, 'request', 'reply'],
  [/^hono/, 'c', 'c'],
  [/^koa/, 'ctx', 'ctx'],
  [/^fetch/, 'request', 'refused'],
  [/./, 'request', 'response'],
]

/** The calls of Next take a request or none: without one they ask Next for it. */
const WITH_REQUESTS = STARTERS.filter(([name]) => name !== 'next')

describe.each(WITH_REQUESTS)('on %s', (framework, start) => {
  async function api(): Promise<Api> {
    const engine = await engineHarness()
    const app = await start(engine.sessions, {}, async () => {})
    onTestFinished(async () => {
      await app.close()
      await engine.close()
    })
    return app.api as Api
  }
  const [, request = '', response = ''] = NAMES.find(([name]) => name.test(framework)) ?? []

  test('a call without its arguments says which it takes, in their order', async () => {
    const calls = await api()

    for (const name of CALLS) {
      const first = name === 'refuse' ? response : request
      const message = expect.stringMatching(
        new RegExp(`^${name}\\(${first}[^)]*\\): ${first} is missing\\.$`),
      )
      const refused = { code: 'config_invalid', message }
      if (ANSWERS_AT_ONCE.test(name)) {
        expect(() => calls[name]?.()).toThrow(expect.objectContaining(refused))
      } else await expect(calls[name]?.()).rejects.toMatchObject(refused)
    }
  })

  test('a call with something else in the place of its first argument says so', async () => {
    const calls = await api()

    for (const name of CALLS) {
      const call = async () => calls[name]?.({ subject: 'ada' }, {}, {})
      await expect(call()).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/argument 1 is no \w+\. Check the order\.$/),
      })
    }
  })
})

test('a refusal that is none, where calls take a request or none: on next', async () => {
  const { sessions, close } = await engineHarness()
  onTestFinished(close)
  const { refuse } = next(sessions)

  expect(() => refuse(undefined as never)).toThrow('refuse(refused): refused is missing.')
  expect(() => refuse(new Request('https://app.example') as never)).toThrow(
    'refuse(refused): argument 1 is no refused. Check the order.',
  )
})

test('a request without its response, and a refusal before it', async () => {
  const { sessions, close } = await engineHarness()
  onTestFinished(close)
  const { logout, login, refuse } = holdfast(sessions)
  const request = { headers: {}, method: 'POST', url: '/' } as never
  const response = { setHeader() {} } as never
  const facts = {
    method: 'GET',
    url: '/',
    peer: '127.0.0.1',
    encrypted: true,
    header: () => undefined,
  }
  const refused = await guard(sessions).require()(facts)

  await expect(logout(request, undefined as never)).rejects.toThrow(
    'logout(request, response): response is missing.',
  )
  await expect(login(request, { subject: 'ada' } as never, undefined as never)).rejects.toThrow(
    'login(request, response, login): argument 2 is no response. Check the order.',
  )
  await expect(logout(response, request)).rejects.toThrow(
    'logout(request, response): argument 1 is no request. Check the order.',
  )
  expect(() => refuse(refused as never, response)).toThrow(
    'refuse(response, refused): argument 1 is no response. Check the order.',
  )
})
