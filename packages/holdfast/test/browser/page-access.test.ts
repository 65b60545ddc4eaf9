import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pageAccess, withStepUp } from '../../src/browser/index.ts'
import { REFRESH_PATH } from '../../src/carriers/names.ts'
import { pageOf } from './page.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const LIFE_S = 90

/** A site with a refresh endpoint and an API, both of which answer as they are told. */
function site() {
  let minted = 0
  const asked: string[] = []
  const state = {
    refresh: (): Response => Response.json({ accessToken: `at-${++minted}`, expiresIn: LIFE_S }),
    api: (_token: string | null): Response => Response.json({ ok: true }),
  }
  return {
    asked,
    refreshes: () => asked.filter((line) => line.startsWith('POST /refresh')).length,
    answers: (changes: Partial<typeof state>) => void Object.assign(state, changes),
    async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
      const request = new Request(input, init)
      const { origin, pathname, search } = new URL(request.url)
      const token = request.headers.get('authorization')
      const own = origin === 'https://shop.example' ? '' : origin
      asked.push([request.method, `${own}${pathname}${search}`, token ?? '-'].join(' '))
      return pathname === REFRESH_PATH ? state.refresh() : state.api(token)
    },
  }
}

function refused(code: string, status = 401): () => Response {
  const headers = { 'content-type': 'application/problem+json' }
  return () => Response.json({ code, status }, { status, headers })
}

function networkError(): Response {
  throw new TypeError('Failed to fetch')
}

function pageWith(options: Parameters<typeof pageAccess>[0] = {}) {
  const server = site()
  const window = pageOf()
  let logouts = 0
  const access = pageAccess({
    fetch: server.fetch,
    page: window.page,
    onLoggedOut: () => {
      logouts++
    },
    ...options,
  })
  return { ...window, server, access, logouts: () => logouts }
}

/** Moves the clock until the answer is there. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  let done = false
  const watched = promise.finally(() => {
    done = true
  })
  watched.catch(() => {}) // the caller looks at it
  for (let at = 0; !done && at < 200; at++) await vi.advanceTimersByTimeAsync(500)
  return watched
}

test('the token goes to the own origin and the named ones, and nowhere else', async () => {
  const { access, server } = pageWith({ origins: ['https://api.example'], audience: 'orders' })

  await access.fetch('/orders')
  await access.fetch('https://api.example/orders')
  await access.fetch('https://evil.example/orders')
  await access.fetch('/own', { headers: { authorization: 'Basic eDp5' } })

  expect(server.asked).toEqual([
    'POST /refresh?audience=orders -',
    'GET /orders Bearer at-1',
    'GET https://api.example/orders Bearer at-1',
    'GET https://evil.example/orders -',
    'GET /own Basic eDp5',
  ])
})

test('a name that is no origin is refused at once', () => {
  expect(() => pageWith({ origins: ['https://api.example/'] })).toThrow(TypeError)
})

test('a used token is replaced ahead of its expiry; an unused one is not', async () => {
  const { access, server } = pageWith()

  await access.fetch('/orders')
  await vi.advanceTimersByTimeAsync(LIFE_S * 800 + 10)
  const used = server.refreshes()
  await vi.advanceTimersByTimeAsync(3_600_000)

  expect(used).toBe(2)
  expect(server.refreshes()).toBe(2)
  await access.fetch('/orders')
  expect(server.asked.at(-1)).toBe('GET /orders Bearer at-3')
})

test('many requests at once wait for one refresh', async () => {
  const { access, server } = pageWith()

  await Promise.all(Array.from({ length: 20 }, () => access.fetch('/orders')))

  expect(server.refreshes()).toBe(1)
})

test('after a lost response the same cookie is shown again within ten seconds', async () => {
  const { access, server } = pageWith()
  const times: number[] = []
  server.answers({
    refresh: () => {
      times.push(Date.now())
      return networkError()
    },
  })

  const answer = settled(access.fetch('/orders'))

  await expect(answer).rejects.toThrow('Failed to fetch')
  const [first = 0, ...later] = times
  expect(times).toHaveLength(4)
  expect(later.every((at) => at - first < 10_000)).toBe(true)
})

test('an outage logs nobody out: the kept token is used while it lives', async () => {
  const { access, server, logouts } = pageWith()
  await access.fetch('/orders')

  server.answers({ refresh: refused('store_unavailable', 503) })
  await vi.advanceTimersByTimeAsync(LIFE_S * 850)
  const still = await access.fetch('/orders')
  await vi.advanceTimersByTimeAsync(LIFE_S * 200)
  const outage = await settled(access.fetch('/orders'))
  const answered = server.asked.at(-1)

  expect(still.status).toBe(200)
  expect(outage.status).toBe(503)
  expect(answered).toMatch(/^POST \/refresh/)
  expect(logouts()).toBe(0)
})

test('an outage is not asked about by every request, and is over by itself', async () => {
  const { access, server } = pageWith()
  server.answers({ refresh: refused('store_unavailable', 503) })
  await settled(access.fetch('/orders'))
  const before = server.refreshes()

  for (let count = 0; count < 50; count++) await access.fetch('/orders')
  const during = server.refreshes()
  server.answers({ refresh: () => Response.json({ accessToken: 'at-later', expiresIn: LIFE_S }) })
  await vi.advanceTimersByTimeAsync(11_000)

  expect(during).toBe(before)
  expect(await access.token()).toBe('at-later')
})

test('a pause that the service asks for is kept', async () => {
  const { access, server } = pageWith()
  const headers = { 'retry-after': '5' }
  server.answers({ refresh: () => new Response(null, { status: 429, headers }) })

  const answer = access.fetch('/orders')
  await vi.advanceTimersByTimeAsync(4_900)
  const before = server.refreshes()
  await vi.advanceTimersByTimeAsync(200)

  expect([before, server.refreshes()]).toEqual([1, 2])
  await settled(answer)
})

test('the end of the session is told once, and requests go without a token', async () => {
  const { access, server, logouts } = pageWith()
  await access.fetch('/orders')

  server.answers({ refresh: refused('session_expired') })
  await vi.advanceTimersByTimeAsync(LIFE_S * 1000)
  await access.fetch('/orders')
  await access.fetch('/orders')

  expect(server.asked.at(-1)).toBe('GET /orders -')
  expect(logouts()).toBe(1)
})

test('a refusal that was overtaken by a login does not log out', async () => {
  const { access, server, logouts } = pageWith()
  const answers = [refused('session_unknown'), () => Response.json(TOKEN)]
  server.answers({ refresh: () => answers.shift()?.() ?? networkError() })

  await access.fetch('/orders')

  expect(server.asked.at(-1)).toBe('GET /orders Bearer at')
  expect(logouts()).toBe(0)
})

const TOKEN = { accessToken: 'at', expiresIn: LIFE_S }

test('a challenged refresh asks for newer facts, then for a step-up', async () => {
  const { access, server, page, written, visited, logouts } = pageWith()
  server.answers({ refresh: refused('step_up_required') })

  const answer = await withStepUp({ fetch: access.fetch, page })('/orders')

  expect(await answer.json()).toMatchObject({ code: 'step_up_required' })
  expect(written).toHaveLength(1)
  expect(visited).toEqual(['/step-up?return=%2Fcart%3Fcoupon%3D1'])
  expect(server.asked.filter((line) => line.includes('/orders'))).toEqual([])
  expect(logouts()).toBe(0)
})

test.each(['access_token_expired', 'access_token_invalid'] as const)(
  'a service that answers %s gets the request once more, with a new token and the same body',
  async (code) => {
    const { access, server } = pageWith()
    server.answers({
      api: (token) => (token === 'Bearer at-1' ? refused(code)() : Response.json({ ok: true })),
    })

    const answer = await access.fetch('/orders', { method: 'POST', body: 'two hats' })

    expect(answer.status).toBe(200)
    expect(server.asked).toEqual([
      'POST /refresh -',
      'POST /orders Bearer at-1',
      'POST /refresh -',
      'POST /orders Bearer at-2',
    ])
  },
)

test('a service that refuses every token is not asked for ever', async () => {
  const { access, server } = pageWith()
  server.answers({ api: refused('access_token_invalid') })

  const answer = await access.fetch('/orders')

  expect(answer.status).toBe(401)
  expect(server.asked).toHaveLength(4)
})

test('a revoked session ends the page at its first request, not at expiry', async () => {
  const { access, server, logouts } = pageWith()
  await access.fetch('/orders')

  server.answers({ api: refused('session_revoked'), refresh: refused('session_unknown') })
  const answer = await access.fetch('/orders')

  expect(await answer.json()).toMatchObject({ code: 'session_revoked' })
  expect(logouts()).toBe(1)
})

test('after a step-up a new token takes the place of one that still lives', async () => {
  const { access } = pageWith()
  await access.token()

  expect(await access.renew()).toBe('at-2')
  expect(await access.token()).toBe('at-2')
})

test('a refresh that is answered after a logout brings no token back', async () => {
  const { access, server, logouts } = pageWith()

  const late = access.token()
  access.forget()

  expect(await late).toBeUndefined()
  expect(logouts()).toBe(1)
  expect(server.refreshes()).toBe(1)
})

test('a late answer of another tab brings no token back from before the logout', async () => {
  const heard: ((message: { data: unknown }) => void)[] = []
  class OwnEnd {
    set onmessage(hear: (message: { data: unknown }) => void) {
      heard.push(hear)
    }
    postMessage() {}
    close() {}
  }
  const page = { ...pageOf().page, BroadcastChannel: OwnEnd as never }
  const { access, server, logouts } = pageWith({ page })
  const answer = (from: number, token: string) => {
    for (const hear of heard) {
      hear({ data: { kind: 'token', token, from, until: from + LIFE_S * 1000 } })
    }
  }
  await settled(access.token())
  server.answers({ refresh: refused('not_authenticated') })
  const before = Date.now()
  await vi.advanceTimersByTimeAsync(1_000)

  access.forget()
  answer(before, 'of-the-session-that-ended')
  const after = await settled(access.token())
  await vi.advanceTimersByTimeAsync(1_000)
  answer(Date.now(), 'of-the-next-login')
  const next = await settled(access.token())

  expect(after).toBeUndefined()
  expect(logouts()).toBe(1)
  expect(next).toBe('of-the-next-login')
})

test('nothing of a token is left in cookies or addresses', async () => {
  const { access, page, server, written } = pageWith()

  await access.fetch('/orders')

  expect(page.document?.cookie).not.toContain('at-1')
  expect(written).toEqual([])
  expect(server.asked.every((line) => !line.split(' ')[1]?.includes('at-'))).toBe(true)
})
