import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scanCookies } from '../../src/carriers/scan-cookies.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'
import { startExpress } from '../contracts/apps/express.ts'
import { type Listening, listening } from '../contracts/apps/listening.ts'
import { startChromium } from '../support/chromium.ts'
import { bundledModule } from './bundled.ts'

const LIFE_S = 30

/** A token is due after 53 to 80 of 100 parts of its life, never earlier. */
const NOT_DUE_MS = LIFE_S * 1000 * 0.53

/** How far the clock of the tabs moves at once: each tab uses its token once in that time. */
const STEP_MS = 2_000

/** More steps than any story takes: only a hung test makes them all. */
const MOST_STEPS = 1_000

let module = ''
let browser: Browser

beforeAll(async () => {
  module = await bundledModule()
  browser = await startChromium()
})
afterAll(() => browser?.close())

/** A site whose refresh token changes with each answer, as the engine's does. */
interface Site extends Listening {
  /** The cookie of each refresh. */
  readonly shown: readonly string[]
  readonly tokens: readonly string[]
  /** What happens to the answers of the refreshes to come. */
  answer(how: 'well' | 'lost' | 'outage' | 'refused'): void
}

async function startSite(): Promise<Site> {
  const shown: string[] = []
  const tokens: string[] = []
  let minted = 1
  let how: Parameters<Site['answer']>[0] = 'well'

  function refresh(request: IncomingMessage, response: ServerResponse): void {
    const [cookie = ''] = scanCookies(request.headers.cookie ?? '', '__Secure-refresh')
    shown.push(cookie)
    if (how === 'outage') return void response.writeHead(503).end()
    if (how === 'refused') return void response.writeHead(401).end()
    // Whoever shows the one before is sent a successor again.
    if (cookie === `r${minted}`) minted++
    if (how === 'lost') return void request.socket.destroy()
    response
      .setHeader('set-cookie', setCookie(`r${minted}`))
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ accessToken: `at-${minted}`, expiresIn: LIFE_S }))
  }

  const server = await listening(
    createServer((request, response) => {
      switch (request.url) {
        case '/holdfast.js':
          return void response.setHeader('content-type', 'text/javascript').end(module)
        case '/refresh':
          return refresh(request, response)
        case '/api':
          tokens.push(request.headers.authorization ?? '-')
          return void response.end('ok')
        default:
          return void response
            .setHeader('content-type', 'text/html')
            .setHeader('set-cookie', setCookie('r1'))
            .end(PAGE)
      }
    }),
  )
  return {
    ...server,
    origin: server.origin.replace('127.0.0.1', 'localhost'),
    shown,
    tokens,
    answer: (next) => {
      how = next
    },
  }
}

const setCookie = (value: string): string =>
  `__Secure-refresh=${value}; Path=/refresh; Secure; HttpOnly; SameSite=Strict`

/**
 * Uses its token once a step. Its time-outs follow the clock of the test as its timers do, and
 * `settled` ends when its requests are answered and the messages that the other tabs sent before
 * are heard.
 */
const PAGE = `<!doctype html><script type="module">
  import { pageAccess } from '/holdfast.js'
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(new DOMException('Late', 'TimeoutError')), ms)
    return controller.signal
  }
  const flights = new Set()
  const send = window.fetch
  window.fetch = (...request) => {
    const flight = send(...request).finally(() => flights.delete(flight))
    flights.add(flight)
    return flight
  }
  const echo = new BroadcastChannel('echo')
  let heard = () => {}
  echo.onmessage = ({ data }) => (data === 'there?' ? echo.postMessage('here') : heard())
  window.settled = async (others) => {
    while (flights.size > 0) await Promise.allSettled(flights)
    await new Promise((resolve) => {
      let missing = others
      if (missing === 0) resolve()
      heard = () => --missing === 0 && resolve()
      echo.postMessage('there?')
    })
  }
  window.logouts = 0
  const access = pageAccess({ onLoggedOut: () => window.logouts++ })
  window.access = access
  window.statuses = []
  setInterval(async () => {
    const answer = await access.fetch('/api').catch(() => ({ status: 0 }))
    window.statuses.push(answer.status)
  }, ${STEP_MS})
</script>`

/** Tabs of one browser, whose clock the test moves. */
interface Tabs {
  readonly pages: readonly Page[]
  readonly context: BrowserContext
  /** Moves the clock step by step; after each, what was asked for is answered. */
  pass(ms: number): Promise<void>
  /** Moves the clock until it is so. */
  until(isSo: () => boolean | Promise<boolean>): Promise<void>
}

async function inTabs(
  count: number,
  story: (site: Site, tabs: Tabs) => Promise<void>,
): Promise<void> {
  const site = await startSite()
  const context = await browser.newContext()
  const pages: Page[] = []

  async function step(): Promise<void> {
    await context.clock.runFor(STEP_MS)
    // Twice: what one tab hears may make it ask.
    for (let round = 0; round < 2; round++) {
      for (const page of pages) await page.evaluate(`settled(${pages.length - 1})`)
    }
  }

  try {
    await context.clock.install({ time: 0 })
    await context.clock.pauseAt(1_000_000)
    // The cookie is set by the first page only.
    await context.route('**/tab', (route) =>
      route.fulfill({ contentType: 'text/html', body: PAGE }),
    )
    while (pages.length < count) {
      const page = await context.newPage()
      await page.goto(pages.length === 0 ? site.origin : `${site.origin}/tab`)
      pages.push(page)
    }
    await story(site, {
      pages,
      context,
      async pass(ms) {
        for (let passed = 0; passed < ms; passed += STEP_MS) await step()
      },
      async until(isSo) {
        for (let steps = 0; !(await isSo()); steps++) {
          if (steps > MOST_STEPS) throw new Error(`not within ${MOST_STEPS} steps`)
          await step()
        }
      },
    })
  } finally {
    await context.close()
    await site.close()
  }
}

async function eachOf<T>(pages: readonly Page[], expression: string): Promise<readonly T[]> {
  return Promise.all(pages.map((page) => page.evaluate(expression) as Promise<T>))
}

test('three tabs refresh once a period, each time with the newest cookie', async () => {
  await inTabs(3, async (site, { pages, pass, until }) => {
    await until(() => site.shown.length > 0)
    const afterRest: number[] = []
    for (let period = 1; period < 4; period++) {
      await pass(NOT_DUE_MS - STEP_MS)
      afterRest.push(site.shown.length)
      await until(() => site.shown.length > period)
    }
    const statuses = await eachOf<number[]>(pages, 'window.statuses')

    expect(afterRest).toEqual([1, 2, 3])
    expect(site.shown).toEqual(['r1', 'r2', 'r3', 'r4'])
    expect(statuses.every((list) => list.length > 10)).toBe(true)
    expect(new Set(statuses.flat())).toEqual(new Set([200]))
    expect(site.tokens).not.toContain('-')
  })
})

test('a lost response costs no session: the same cookie has another successor', async () => {
  await inTabs(2, async (site, { pages, until }) => {
    await until(() => site.shown.length >= 1)
    site.answer('lost')
    await until(() => site.shown.filter((shown) => shown === 'r2').length > 1)
    site.answer('well')
    await until(() => site.tokens.includes('Bearer at-4'))

    expect([...new Set(site.shown)]).toEqual(['r1', 'r2', 'r3'])
    expect(await eachOf(pages, 'window.logouts')).toEqual([0, 0])
    expect(site.tokens).not.toContain('-')
  })
})

test('an outage longer than a token lives is no logout, and ends by itself', async () => {
  await inTabs(2, async (site, { pages, until }) => {
    await until(() => site.shown.length >= 1)
    site.answer('outage')
    await until(async () => {
      const all = await eachOf<number[]>(pages, 'window.statuses')
      return all.every((statuses) => statuses.includes(503))
    })
    const during = await eachOf(pages, 'window.logouts')
    site.answer('well')
    await until(async () => {
      const all = await eachOf<number[]>(pages, 'window.statuses')
      return all.every((statuses) => statuses.at(-1) === 200)
    })

    expect(during).toEqual([0, 0])
    expect(await eachOf(pages, 'window.logouts')).toEqual([0, 0])
    expect(site.tokens).not.toContain('-')
  })
})

test('the end of the session reaches every tab, once', async () => {
  await inTabs(3, async (site, { pages, until }) => {
    await until(() => site.tokens.length > 3)
    site.answer('refused')
    await until(async () => (await eachOf(pages, 'window.logouts')).every((count) => count === 1))
    const before = site.tokens.length
    await until(() => site.tokens.length > before + 20)

    expect(await eachOf(pages, 'window.logouts')).toEqual([1, 1, 1])
  })
})

test('a logout in one tab takes the token from all, at once', async () => {
  await inTabs(2, async (site, { pages, until }) => {
    await until(() => new Set(site.tokens).has('Bearer at-2') && site.tokens.length > 4)
    site.answer('refused')

    await pages[0]?.evaluate('window.access.forget()')

    await until(async () => (await eachOf(pages, 'window.logouts')).every((count) => count === 1))
    await until(() => site.tokens.slice(-4).every((token) => token === '-'))
  })
})

test('no storage of the browser holds a token, and no script reads the cookie', async () => {
  await inTabs(1, async (site, { pages: [page], context, until }) => {
    await until(() => site.tokens.includes('Bearer at-2'))

    const kept = await page?.evaluate(`(async () => JSON.stringify([
      document.cookie, { ...localStorage }, { ...sessionStorage },
      await indexedDB.databases(), await caches.keys(), location.href,
    ]))()`)

    expect(kept).not.toMatch(/at-\d|r\d/)
    const cookies = await context.cookies(`${site.origin}/refresh`)
    expect(cookies.map(({ name }) => name)).toEqual(['__Secure-refresh'])
  })
})

test('with the real engine, tabs that renew all at once fork no secret', async () => {
  const engine = await engineHarness()
  const server = await startExpress(
    engine.sessions,
    { now: engine.now, refresh: {} },
    async () => {},
  )
  const origin = server.origin.replace('127.0.0.1', 'localhost')
  const context = await browser.newContext()
  try {
    await context.route('**/holdfast.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: module }),
    )
    await context.route('**/page', (route) =>
      route.fulfill({ contentType: 'text/html', body: IDLE_PAGE }),
    )
    const pages = await Promise.all([1, 2, 3].map(() => context.newPage()))
    for (const page of pages) await page.goto(`${origin}/page`)
    await pages[0]?.evaluate(`fetch('/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ subject: 'ada', amr: ['pwd'] }),
    })`)

    const rounds = `(async () => {
      const tokens = []
      for (let round = 0; round < 10; round++) tokens.push(await window.access.renew())
      return tokens
    })()`
    const tokens = (await eachOf<(string | undefined)[]>(pages, rounds)).flat()

    expect(tokens).toHaveLength(30)
    expect(tokens).not.toContain(undefined)
    expect(await eachOf(pages, 'window.logouts')).toEqual([0, 0, 0])
    const { items } = await engine.sessions.list({ subject: 'ada' })
    expect(items).toMatchObject([{ forked: false }])
  } finally {
    await context.close()
    await server.close()
    await engine.close()
  }
})

const IDLE_PAGE = `<!doctype html><script type="module">
  import { pageAccess } from '/holdfast.js'
  window.logouts = 0
  window.access = pageAccess({ onLoggedOut: () => window.logouts++ })
</script>`
