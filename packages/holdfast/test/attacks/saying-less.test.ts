import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import { BROWSERS } from '../signals/browsers.ts'
import { codeOf, harness, inMemory, MINUTE } from '../support/harness.ts'

const chrome = BROWSERS.chrome ?? { headers: {}, client: {} }
const AGENT = chrome.headers['user-agent'] ?? ''
const LANGUAGE = { 'accept-language': chrome.headers['accept-language'] ?? '' }

/** Another provider in the owner's country, and a data centre abroad. */
const PLACES = { 'at home': '198.51.100.7', abroad: '203.0.113.66' } as const

function copy(changes: Partial<RequestFacts> = {}): RequestFacts {
  return { ip: '192.0.2.10', method: 'GET', url: '/', ...chrome, ...changes }
}

/** Each thief's first request, in a session of its own. */
async function tried(request: RequestFacts) {
  const h = await harness(inMemory)
  const token = await h.login({ request: copy() })
  h.host.advance(30 * MINUTE)
  const answer = await h.show(token, request)
  return { code: codeOf(answer), score: answer.decision?.score ?? 0 }
}

describe.each(Object.entries(PLACES))('a thief in the country or not (%s)', (place, ip) => {
  test.each([
    ['the agent without hints', { 'user-agent': AGENT, ...LANGUAGE }],
    ['a script', { 'user-agent': 'curl/8.5.0', ...LANGUAGE }],
    ['an agent that names no browser', { 'user-agent': 'Mozilla/5.0', ...LANGUAGE }],
    [
      'the agent without its name',
      { 'user-agent': AGENT.replace(/Chrome\/\S+ /, ''), ...LANGUAGE },
    ],
    ['no agent', LANGUAGE],
    ['nothing', {}],
    [
      'the whole copy with an agent that names no browser',
      { ...chrome.headers, 'user-agent': 'Mozilla/5.0' },
    ],
    ['the copy with blank hints', { ...chrome.headers, 'sec-ch-ua': '' }],
    ['the copy without the platform hint', without('sec-ch-ua-platform')],
  ] as const)(
    'is asked for a step-up, and has won nothing over a copy, with %s',
    async (_, headers) => {
      for (const client of [chrome.client, {}]) {
        const { code, score } = await tried(copy({ ip, headers, client }))
        const whole = await tried(copy({ ip }))

        expect(code).toBe('step_up_required')
        expect(score).toBeGreaterThanOrEqual(whole.score + (place === 'abroad' ? 0 : 22))
      }
    },
  )
})

test('who copies all but the languages is asked as who has others', async () => {
  const { languages: _left, ...facts } = chrome.client
  const headers = without('accept-language')

  const ip = PLACES['at home']
  const silent = await tried(copy({ ip, headers, client: facts }))
  const foreign = { ...headers, 'accept-language': 'ja' }

  expect(silent.code).toBe('step_up_required')
  expect(silent).toEqual(await tried(copy({ ip, headers: foreign, client: facts })))
})

test('a newer version buys nothing abroad, and neither does what a page claims', async () => {
  const newer = {
    ...chrome.headers,
    'user-agent': AGENT.replace('150', '151'),
    'sec-ch-ua': chrome.headers['sec-ch-ua']?.replaceAll('150', '151') ?? '',
  }

  for (const ip of ['203.0.113.66', '192.88.99.7']) {
    const honest = await tried(copy({ ip }))
    const updated = await tried(copy({ ip, headers: newer }))
    const docked = await tried(copy({ ip, client: { ...chrome.client, screen: '1080x1920x1' } }))

    expect(updated.score).toBe(honest.score)
    expect(docked.score).toBe(honest.score)
    expect(updated.code).toBe('step_up_required')
  }
})

test('a request that may lack hints is no way around them', async () => {
  for (const kind of [{ 'sec-fetch-dest': 'empty' }, { 'sec-websocket-version': '13' }]) {
    const headers = { 'user-agent': AGENT, ...LANGUAGE, ...kind }

    const thief = await tried(copy({ ip: '203.0.113.66', headers }))
    const whole = await tried(copy({ ip: '203.0.113.66' }))

    expect(thief.score).toBeGreaterThan(whole.score)
  }
})

function without(name: string): Readonly<Record<string, string>> {
  const { [name]: _left, ...headers } = chrome.headers
  return headers
}
