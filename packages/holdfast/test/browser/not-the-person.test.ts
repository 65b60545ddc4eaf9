import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { holdfast } from '../../src/adapters/node.ts'
import { listening } from '../contracts/apps/listening.ts'
import { startChromium } from '../support/chromium.ts'
import { type Harness, HOUR, harness, inMemory, MINUTE } from '../support/harness.ts'
import { until } from '../support/until.ts'

let browser: Browser

beforeAll(async () => {
  browser = await startChromium()
}, 60_000)
afterAll(() => browser.close())

/** One request of the browser, and how it was answered. */
interface Exchange {
  readonly path: string
  readonly status: number
  readonly purpose: string | undefined
}

interface Site extends Harness {
  readonly origin: string
  readonly exchanges: readonly Exchange[]
}

/**
 * The real engine behind the Node adapter, with a logout by GET, a poll that is passive, and a
 * login at another site.
 */
async function startSite({ idp = 'https://idp.example' } = {}): Promise<Site> {
  const engine = await harness(inMemory)
  const hf = holdfast(engine.sessions, { now: engine.host.now })
  const required = hf.requireSession()
  const polled = hf.requireSession({ activity: 'passive' })
  const exchanges: Exchange[] = []

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    response.once('close', () => {
      const purpose = request.headers['sec-purpose']?.toString()
      exchanges.push({ path, status: response.statusCode, purpose })
    })
    response.setHeader('content-type', 'text/html')
    if (path === '/login') {
      const done = await hf.login(request, response, { subject: 'ada' })
      if (!done.ok) return hf.refuse(response, done)
      return void response.end()
    }
    if (path === '/begin') {
      response.setHeader('set-cookie', '__Host-sso=state; Path=/; Secure; HttpOnly; SameSite=None')
      return void response.writeHead(303, { location: idp }).end()
    }
    if (path === '/callback') {
      const asked = request.headers.cookie?.includes('__Host-sso=state') === true
      const done = await hf.login(request, response, { subject: asked ? 'ada' : 'eve', from: idp })
      if (!done.ok) return hf.refuse(response, done)
      return void response.writeHead(asked ? 303 : 400, { location: '/' }).end()
    }
    if (path.startsWith('/logout')) {
      const done = await hf.logout(request, response)
      if (!done.ok) return hf.refuse(response, done)
      return void response.end('<title>Logged out</title>')
    }
    const guarded = path === '/poll' ? polled : required
    if ((await guarded(request, response)) === undefined) return
    response.end(PAGES[path] ?? '<title>News</title>')
  }

  const { origin, close } = await listening(
    createServer((request, response) => {
      answer(request, response).catch((error: unknown) => response.destroy(error as Error))
    }),
  )
  onTestFinished(close)
  return { ...engine, exchanges, origin: origin.replace('127.0.0.1', 'localhost') }
}

const ICON = '<!doctype html><link rel=icon href=data:,>'

const PAGES: Readonly<Record<string, string>> = {
  '/': `${ICON}<title>Home</title><a href=/logout>Log out</a>`,
  '/eager': `${ICON}<title>Eager</title><a href=/logout?by=link>Log out</a>
    <script type=speculationrules>{
      "prerender": [{ "urls": ["/logout?prerendered"], "eagerness": "immediate" }],
      "prefetch": [{ "urls": ["/logout?prefetched"], "eagerness": "immediate" }]
    }</script>
    <link rel=prefetch href=/logout?linked>`,
}

async function loggedIn({ origin }: Site): Promise<Page> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await page.goto(`${origin}/login`)
  await page.goto(`${origin}/`)
  return page
}

const poll = (page: Page): Promise<number> =>
  page.evaluate(`fetch('/poll').then(({ status }) => status)`)

test('a page that polls over the idle timeout is logged out', async () => {
  const site = await startSite()
  const page = await loggedIn(site)
  const statuses: number[] = []

  for (let passed = 0; passed < 2 * HOUR; passed += 10 * MINUTE) {
    site.host.advance(10 * MINUTE)
    statuses.push(await poll(page))
  }

  expect(statuses.slice(0, -1).every((status) => status === 200)).toBe(true)
  expect(statuses.at(-1)).toBe(401)
  expect((await page.goto(`${site.origin}/`))?.status()).toBe(401)
}, 60_000)

test('a logout that is prerendered or prefetched does nothing; a click on it does', async () => {
  const site = await startSite()
  const page = await loggedIn(site)

  await page.goto(`${site.origin}/eager`)
  await until('the browser has asked ahead', () => asked(site).length >= 3)

  for (const { status, purpose } of asked(site)) {
    expect(status).toBe(403)
    expect(purpose).toMatch(/^prefetch/)
  }
  expect(asked(site).some(({ purpose }) => purpose === 'prefetch;prerender')).toBe(true)
  expect((await page.goto(`${site.origin}/`))?.status()).toBe(200)
  await page.click('a')
  await page.waitForURL('**/logout')
  expect(await page.title()).toBe('Logged out')
  expect((await page.goto(`${site.origin}/`))?.status()).toBe(401)
}, 60_000)

function statusesOf({ exchanges }: Site, asked: string): readonly number[] {
  return exchanges.filter(({ path }) => path === asked).map(({ status }) => status)
}

/** The logouts that nobody clicked. */
function asked({ exchanges }: Site): readonly Exchange[] {
  return exchanges.filter(({ path }) => path.startsWith('/logout?'))
}

test('a page of another site leads nobody to a logout', async () => {
  const site = await startSite()
  const page = await loggedIn(site)
  const evil = await anotherOrigin()
  evil.show(`<a href="${site.origin}/logout">Win a prize</a>`)

  await page.goto(evil.origin)
  await page.click('a')
  await page.waitForURL('**/logout')

  expect(statusesOf(site, '/logout')).toEqual([403])
  expect((await page.goto(`${site.origin}/`))?.status()).toBe(200)
}, 60_000)

test('a login that ends with the POST of another origin works, and begins a session', async () => {
  const idp = await anotherOrigin()
  const site = await startSite({ idp: idp.origin })
  idp.show(`<form method=post action="${site.origin}/callback"><input name=SAMLResponse value=x>
    </form><script>document.forms[0].submit()</script>`)
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()

  await page.goto(`${site.origin}/begin`)
  await page.waitForURL(`${site.origin}/`)

  expect(await page.title()).toBe('Home')
  expect(statusesOf(site, '/callback')).toEqual([303])
}, 60_000)

test('the same form of another site logs nobody in', async () => {
  const [idp, evil] = [await anotherOrigin(), await anotherOrigin()]
  const site = await startSite({ idp: idp.origin })
  evil.show(`<form method=post action="${site.origin}/callback"></form>
    <script>document.forms[0].submit()</script>`)
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()

  await page.goto(evil.origin)
  await page.waitForURL(`${site.origin}/callback`)

  expect(statusesOf(site, '/callback')).toEqual([403])
  expect((await page.goto(`${site.origin}/`))?.status()).toBe(401)
}, 60_000)

/** A site of another origin with one page. */
async function anotherOrigin(): Promise<{ readonly origin: string; show(page: string): void }> {
  let body = ''
  const { origin, close } = await listening(
    createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end(`${ICON}<body>${body}`)
    }),
  )
  onTestFinished(close)
  return {
    origin,
    show(page) {
      body = page
    },
  }
}
