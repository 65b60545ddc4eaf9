import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../src/core/request.ts'
import type { Verification } from '../../src/core/sessions.ts'
import { BROWSERS } from '../signals/browsers.ts'
import { codeOf, HOUR, harness, held, inMemory, MINUTE } from '../support/harness.ts'

/** What Chromium sends besides its agent, its languages and its cookies. */
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the script of a worker': { 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'worker' },
  'the script of a shared worker': {
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-dest': 'sharedworker',
  },
  'the script of a service worker': {
    'sec-fetch-mode': 'same-origin',
    'sec-fetch-dest': 'serviceworker',
  },
  'a script that a worker imports': { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
  'a fetch in a worker': { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
  'a download': { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'empty' },
  'a socket': { 'sec-websocket-version': '13' },
}

const chrome = BROWSERS.chrome ?? { headers: {}, client: {} }

/** A page of the owner's browser. */
function page(changes: Partial<RequestFacts> = {}): RequestFacts {
  return { ip: '192.0.2.10', method: 'GET', url: '/', ...chrome, ...changes }
}

/** A request without hints; `kind` is what it has instead of the headers of a navigation. */
function bare(
  kind: Readonly<Record<string, string>> = {},
  changes: Partial<RequestFacts> = {},
): RequestFacts {
  const kept = ['user-agent', 'accept-language'].map((name) => [name, chrome.headers[name] ?? ''])
  return page({ headers: { ...Object.fromEntries(kept), ...kind }, ...changes })
}

const TRAIN = { ip: '198.51.100.7' }
const ELSEWHERE = { ip: '192.88.99.9' }

function reasonsOf({ decision }: Verification): readonly string[] {
  return decision?.because.map(({ reason }) => reason) ?? []
}

describe.each(Object.entries(KINDS))('%s without hints', (_title, kind) => {
  test('is no news at home, and nothing is written for it', async () => {
    const h = await harness(inMemory)
    const token = await h.login({ request: page() })
    const session = (await h.sessions.list({ subject: 'ada' })).items[0]?.id ?? ''
    const version = async () => (await h.store.entries.read(session as never))?.version
    const before = await version()

    for (const request of [bare(kind), page(), bare(kind)]) {
      h.host.advance(1_000)
      expect(await h.show(token, request)).toMatchObject({
        ok: true,
        decision: { outcome: 'allow', because: [] },
      })
    }

    expect(await version()).toBe(before)
  })

  test('asks nobody for a step-up in a new network, whichever comes first', async () => {
    for (const first of [bare(kind, TRAIN), page(TRAIN)]) {
      const h = await harness(inMemory)
      let token = await h.login({ request: page() })
      h.host.advance(30 * MINUTE)

      for (const request of [first, page(TRAIN), bare(kind, TRAIN), page(TRAIN)]) {
        const answer = await h.show(token, request)
        expect(answer.decision?.outcome).toBe('allow')
        expect(reasonsOf(answer)).not.toContain('hints_missing')
        token = held(token, answer)
        h.host.advance(MINUTE)
      }
    }
  })

  test('does not make a copy without hints identical elsewhere', async () => {
    const h = await harness(inMemory)
    const token = await h.login({ request: page() })
    await h.show(token, bare(kind))
    h.host.advance(MINUTE)

    const copy = await h.show(token, bare({}, ELSEWHERE))
    const partial = await h.show(token, bare(kind, { ip: '203.0.113.66' }))

    expect(reasonsOf(copy)).toContain('hints_missing')
    expect(codeOf(copy)).toBe('step_up_required')
    expect(reasonsOf(partial)).not.toContain('device_identical')
    expect(codeOf(partial)).toBe('step_up_required')
  })
})

test('a login without hints keeps those that the past knows of the browser', async () => {
  const h = await harness(inMemory)
  await h.login({ request: page() })
  h.host.advance(HOUR)
  const token = await h.login({ request: bare(KINDS['a fetch in a worker']) })

  const copy = await h.show(token, bare({}, ELSEWHERE))

  expect(reasonsOf(copy)).toContain('hints_missing')
})

test('a step-up by a request without hints keeps those of the pages before', async () => {
  const h = await harness(inMemory)
  let token = await h.login({ request: page() })
  token = held(token, await h.show(token, page(TRAIN)))
  token = held(token, await h.stepUp(token, bare(KINDS['a fetch in a worker'], TRAIN)))

  const copy = await h.show(token, bare({}, ELSEWHERE))

  expect(reasonsOf(copy)).toContain('hints_missing')
  expect(codeOf(await h.show(token, page(TRAIN)))).toBe('ok')
})

test('visits of requests that say less earn no trust', async () => {
  const lifetime = { absolute: 168 * HOUR, idle: 48 * HOUR, persistent: false }
  const h = await harness(inMemory, { classes: { default: lifetime } })
  let token = await h.login({ request: page() })

  for (let visit = 0; visit < 5; visit++) {
    h.host.advance(12 * HOUR)
    token = held(token, await h.show(token, bare(KINDS['a socket'], TRAIN)))
  }

  const [session] = (await h.sessions.list({ subject: 'ada' })).items
  expect(session?.contexts[1]).toMatchObject({ state: 'provisional', visits: 0 })
})

test('a page without client facts is the same browser, and none are forgotten', async () => {
  const h = await harness(inMemory)
  const token = await h.login({ request: page() })

  const { client: _lost, ...without } = page()
  expect(await h.show(token, without)).toMatchObject({ decision: { because: [] } })

  const [session] = (await h.sessions.list({ subject: 'ada' })).items
  expect(session?.contexts[0]?.device).toMatchObject({
    screen: '1920x1080x1',
    timezone: 'Europe/Oslo',
  })
  const elsewhere = await h.show(token, { ...without, ...ELSEWHERE })
  expect(reasonsOf(elsewhere)).toContain('facts_missing')
})

test('who is watched for sending no hints any more makes nobody forget them', async () => {
  const h = await harness(inMemory)
  const token = await h.login({ request: page() })

  const watched = await h.show(token, bare())
  const copy = await h.show(token, bare({}, ELSEWHERE))

  expect(watched.decision).toMatchObject({ outcome: 'observe', score: 13 })
  expect(reasonsOf(copy)).toContain('hints_missing')
})
