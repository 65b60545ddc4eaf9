import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { scanCookies } from '../../src/carriers/scan-cookies.ts'
import type { StartedAdapter } from '../../src/testing/adapter-contract.ts'
import { engineHarness } from '../../src/testing/adapter-harness.ts'
import { startExpress } from '../contracts/apps/express.ts'
import { listening } from '../contracts/apps/listening.ts'
import { bundledModule } from './bundled.ts'

/** What the browser's own clock decides takes its time. */
vi.setConfig({ testTimeout: 60_000 })

const LIFE_S = 5

/** The least part of a token's life after which it is due. */
const LEAST_PERIOD_MS = LIFE_S * 1000 * 0.53

let module = ''
let browser: Browser

beforeAll(async () => {
  module = await bundledModule()
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
}, 60_000)
afterAll(() => browser?.close())

interface Refresh {
  readonly at: number
  readonly shown: string
}

/** A site whose refresh token changes with each answer, as the engine's does. */
interface Site extends StartedAdapter {
  readonly refreshes: readonly Refresh[]
  readonly tokens: readonly string[]
  /** What happens to the answers of the refreshes to come. */
  answer(how: 'well' | 'lost' | 'outage' | 'refused'): void
}

async function startSite(): Promise<Site> {
  const refreshes: Refresh[] = []
  const tokens: string[] = []
  let minted = 1
  let how: Parameters<Site['answer']>[0] = 'well'

  function refresh(request: IncomingMessage, response: ServerResponse): void {
    const [shown = ''] = scanCookies(request.headers.cookie ?? '', '__Secure-refresh')
    refreshes.push({ at: Date.now(), shown })
    if (how === 'outage') return void response.writeHead(503).end()
    if (how === 'refused') return void response.writeHead(401).end()
    // whoever shows the one before is sent the same successor again
    if (shown === `r${minted}`) minted++
    if (how === 'lost') return void request.socket.destroy()
    response
      .setHeader('set-cookie', cookie(`r${minted}`))
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
            .setHeader('set-cookie', cookie('r1'))
            .end(PAGE)
      }
    }),
  )
  return {
    ...server,
    origin: server.origin.replace('127.0.0.1', 'localhost'),
    refreshes,
    tokens,
    answer: (next) => {
      how = next
    },
  }
}

const cookie = (value: string): string =>
  `__Secure-refresh=${value}; Path=/refresh; Secure; HttpOnly; SameSite=Strict`

/** Uses its token five times a second. */
const PAGE = `<!doctype html><script type="module">
  import { pageAccess } from '/holdfast.js'
  window.logouts = 0
  const access = pageAccess({ onLoggedOut: () => window.logouts++ })
  window.access = access
  window.statuses = []
  setInterval(async () => {
    const answer = await access.fetch('/api').catch(() => ({ status: 0 }))
    window.statuses.push(answer.status)
  }, 200)
</script>`

async function inTabs(
  count: number,
  story: (site: Site, pages: readonly Page[], context: BrowserContext) => Promise<void>,
): Promise<void> {
  const site = await startSite()
  const context = await browser.newContext()
  try {
    const first = await context.newPage()
    await first.goto(site.origin)
    const pages = [first]
    // the cookie is set by the first page only
    await context.route('**/tab', (route) =>
      route.fulfill({ contentType: 'text/html', body: PAGE }),
    )
    while (pages.length < count) {
      const page = await context.newPage()
      await page.goto(`${site.origin}/tab`)
      pages.push(page)
    }
    await story(site, pages, context)
  } finally {
    await context.close()
    await site.close()
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await condition()).toBe(true), {
    timeout: 30_000,
    interval: 50,
  })
}

async function eachOf<T>(pages: readonly Page[], expression: string): Promise<readonly T[]> {
  return Promise.all(pages.map((page) => page.evaluate(expression) as Promise<T>))
}

const shownOf = (site: Site): readonly string[] => site.refreshes.map(({ shown }) => shown)

test('three tabs that work all the time refresh once a period, each time with the newest cookie', async () => {
  await inTabs(3, async (site, pages) => {
    await until(() => site.refreshes.length >= 4)
    const statuses = await eachOf<number[]>(pages, 'window.statuses')

    const apart = site.refreshes
      .slice(1)
      .map(({ at }, before) => at - (site.refreshes[before]?.at ?? 0))
    expect(apart.every((ms) => ms > LEAST_PERIOD_MS)).toBe(true)
    expect(shownOf(site)).toEqual(['r1', 'r2', 'r3', 'r4'])
    expect(statuses.every((list) => list.length > 20)).toBe(true)
    expect(new Set(statuses.flat())).toEqual(new Set([200]))
    expect(site.tokens).not.toContain('-')
  })
})

test('a lost response costs nobody the session: the same cookie brings the same successor', async () => {
  await inTabs(2, async (site, pages) => {
    await until(() => site.refreshes.length >= 1)
    site.answer('lost')
    await until(() => shownOf(site).filter((shown) => shown === 'r2').length > 1)
    site.answer('well')
    await until(() => site.tokens.includes('Bearer at-4'))

    expect([...new Set(shownOf(site))]).toEqual(['r1', 'r2', 'r3'])
    expect(await eachOf(pages, 'window.logouts')).toEqual([0, 0])
    expect(site.tokens).not.toContain('-')
  })
})

test('an outage longer than a token lives is no logout, and ends by itself', async () => {
  await inTabs(2, async (site, pages) => {
    await until(() => site.refreshes.length >= 1)
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
  await inTabs(3, async (site, pages) => {
    await until(() => site.tokens.length > 3)
    site.answer('refused')
    await until(async () => (await eachOf(pages, 'window.logouts')).every((count) => count === 1))
    const before = site.tokens.length
    await until(() => site.tokens.length > before + 20)

    expect(await eachOf(pages, 'window.logouts')).toEqual([1, 1, 1])
  })
})

test('a logout in one tab takes the token from all, at once', async () => {
  await inTabs(2, async (site, pages) => {
    await until(() => new Set(site.tokens).has('Bearer at-2') && site.tokens.length > 4)
    site.answer('refused')

    await pages[0]?.evaluate('window.access.forget()')

    await until(async () => (await eachOf(pages, 'window.logouts')).every((count) => count === 1))
    await until(() => site.tokens.slice(-4).every((token) => token === '-'))
  })
})

test('no storage of the browser ever holds a token, and scripts cannot read the cookie', async () => {
  await inTabs(1, async (site, [page], context) => {
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

test('with the real engine behind it, tabs that renew all at once are never logged out and no secret forks', async () => {
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
