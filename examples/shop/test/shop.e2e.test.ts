import { rm } from 'node:fs/promises'
import { totalOf } from 'holdfast/testing'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startChromium } from '../../../packages/holdfast/test/support/chromium.ts'
import { compileBrowserModule, PATIENCE_MS, startTown, type Town } from './start.ts'

const TOTP_STEP_MS = 30_000

/** Each story starts a service, four servers and a browser window. */
vi.setConfig({ testTimeout: 240_000 })

let town: Town
let browser: Browser
let browserModule: string
let complaints: string[]

beforeAll(async () => {
  browser = await startChromium()
  browserModule = await compileBrowserModule()
})

afterAll(async () => {
  await browser?.close()
  await rm(browserModule, { recursive: true, force: true })
})

/**
 * A fresh town and a fresh browser for each story; a page must not break its own content security
 * policy.
 */
async function inTown(
  story: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  town = await startTown(browserModule)
  complaints = []
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  context.setDefaultTimeout(PATIENCE_MS)
  try {
    const page = await context.newPage()
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await story(page, context)
    expect(complaints).toEqual([])
  } finally {
    await context.close()
    await town.close()
  }
}

const HOUR = 3_600_000

async function logIn(page: Page, name: string, { remember = false } = {}): Promise<void> {
  await page.goto(town.shopUrl)
  await page.click(`[data-fill-name="${name}"]`)
  if (remember) await page.check('[name="remember"]')
  await page.click('form[data-holdfast] button.wide')
  await page.waitForSelector('.product')
}

async function fillBasket(page: Page): Promise<void> {
  await page.goto(town.shopUrl)
  await page.click('.product >> nth=0 >> button')
  await page.goto(`${town.shopUrl}/basket`)
  await page.waitForSelector('text=Place the order')
}

async function travel(page: Page, place: string, clock: 'follows' | 'stays'): Promise<void> {
  await page.click('.place summary')
  await page.check(`.place input[value="${place}"]`)
  await page.setChecked('.place input[name="clock"]', clock === 'follows')
  await page.click('text=Go there')
  await page.waitForURL((url) => !url.pathname.startsWith('/edge'))
}

/** Without a page of the shop: the place is a cookie of the edge. */
async function moveTo(page: Page, place: string, clock: 'follow' | 'stay'): Promise<void> {
  await page.request.post(`${town.shopUrl}/edge/place`, {
    form: { place, clock, next: '/' },
    maxRedirects: 0,
  })
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.textContent(selector)) ?? ''
}

async function phoneCode(page: Page): Promise<string> {
  await page.waitForSelector('text=/^\\d{3} \\d{3}$/')
  return (await textOf(page, '.phone output')).replace(' ', '')
}

/** Enters what the phone shows, and gives back what that was. */
async function proveFactor(page: Page): Promise<string> {
  const code = await phoneCode(page)
  await page.fill('#code', code)
  await page.click('text=Confirm')
  await page.waitForURL((url) => url.pathname !== '/step-up')
  return code
}

/** The phone asks for its code by itself, some time after the page is there. */
async function phoneShowsAnother(page: Page, used: string): Promise<void> {
  await page.waitForFunction((before) => {
    const shown = document.querySelector('.phone output')?.textContent?.replace(' ', '') ?? ''
    return /^\d{6}$/.test(shown) && shown !== before
  }, used)
}

interface Stolen {
  readonly status: number
  readonly code: string | null
  readonly decision: { readonly score: number; readonly because: readonly unknown[] } | null
}

async function copyCookie(page: Page): Promise<void> {
  const status = await page.evaluate(
    async () => (await fetch('/thief/copy', { method: 'POST' })).status,
  )
  expect(status).toBe(204)
}

/** The thief shows his copy, from the page that the browser is on. */
async function steal(page: Page, preset: string, target: string): Promise<Stolen> {
  return page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch('/thief/replay', { method: 'POST', headers, body })).json()
  }, JSON.stringify({ preset, target }))
}

/** Status and code that the owner's own browser gets. */
async function ownerAsks(page: Page): Promise<readonly [number, string | null]> {
  return page.evaluate(async () => {
    const response = await fetch('/api/catalogue/products')
    return [response.status, (await response.json()).code ?? null] as const
  })
}

test('a copied cookie in another country and browser is refused, its owner works on', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await page.click('text=Storm lantern')
    await page.waitForSelector('h1:has-text("Storm lantern")')
    await fillBasket(page)
    await page.click('text=Place the order')
    await page.waitForSelector('text=1 × Enamel mug')

    await page.goto(`${town.shopUrl}/thief`)
    await page.click('text=Show the copied cookie')
    await page.waitForSelector('[data-status="401"]')
    await page.check('input[value="sao-paulo"]', { force: true })
    await page.selectOption('#target', 'order')
    await page.click('text=Show the copied cookie')
    await page.waitForSelector('text=/Claro/ >> nth=1')
    const answer = await textOf(page, '[data-answer]')

    expect(answer).toContain('step_up_required')
    expect(answer).toContain('Another browser or system')
    expect(await ownerAsks(page)).toEqual([200, null])
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForSelector('article')
    expect(await page.locator('article').count()).toBe(1)

    const events = await town.events()
    const types = events.map(({ type }) => type)
    expect(types).toEqual(
      expect.arrayContaining([
        'session-established',
        'secret-rotated',
        'anomaly-detected',
        'step-up-required',
      ]),
    )
    const asked = events.filter(({ type }) => type === 'step-up-required')
    expect(asked.map(({ network }) => network?.country)).toEqual(['JP', 'BR'])
    for (const { decision } of asked) {
      expect(decision?.outcome).toBe('challenge')
      expect(decision?.score).toBe(totalOf(decision?.because ?? []))
      expect(decision?.because.every(({ text }) => text.endsWith('.'))).toBe(true)
    }
  })
})

test('what Holdfast sees is live: the thief appears beside the owner, with reasons', async () => {
  await inTown(async (page, context) => {
    await logIn(page, 'ada')
    await page.goto(`${town.shopUrl}/sees`)
    await page.waitForSelector('.context.confirmed >> text=Oslo, Norway')
    const other = await context.newPage()
    await other.goto(`${town.shopUrl}/basket`)
    await copyCookie(other)
    await steal(other, 'tokyo', 'browse')

    await page.waitForSelector('.context.challenged >> text=Chiyoda City, Japan')

    await page.waitForSelector(
      '.context.challenged >> text=A script, or no browser that names itself',
    )
    await page.waitForSelector('[data-events] >> text=a second factor was asked for')
    expect(await page.locator('footer a[href="https://db-ip.com"]').count()).toBe(1)
  })
})

test('travel with a clock that comes along is asked once, at the order, and goes on', async () => {
  await inTown(async (page) => {
    await logIn(page, 'linus', { remember: true })
    await fillBasket(page)

    town.pass(14 * HOUR)
    await travel(page, 'new-york', 'follows')
    expect(new URL(page.url()).pathname).toBe('/basket')
    await page.click('text=Place the order')
    await page.waitForURL('**/step-up?return=%2Fbasket&sensitivity=sensitive')
    await proveFactor(page)
    expect(new URL(page.url()).pathname).toBe('/basket')
    await page.click('text=Place the order')
    await page.waitForSelector('text=1 × Enamel mug')

    await fillBasket(page)
    await page.click('text=Place the order')
    await page.waitForSelector('article >> nth=1')
    const completed = (await town.events()).filter(({ type }) => type === 'step-up-completed')
    expect(completed.map(({ network }) => network?.country)).toEqual(['US'])
  })
})

test('travel with a clock that stays behind is asked at once; no used code helps', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await travel(page, 'new-york', 'stays')
    await page.waitForURL('**/step-up?return=%2F')

    await page.fill('#code', '000000')
    await page.click('text=Confirm')
    await page.waitForSelector('[role="alert"]')
    const used = await proveFactor(page)
    await page.waitForSelector('.product')
    await travel(page, 'berlin', 'stays')
    await page.waitForURL('**/step-up?return=%2F')
    await page.fill('#code', used)
    await page.click('text=Confirm')
    await page.waitForSelector('[role="alert"]')
    town.pass(TOTP_STEP_MS)
    await phoneShowsAnother(page, used)
    await proveFactor(page)

    await page.waitForSelector('.product')
    const failed = (await town.events()).filter(({ type }) => type === 'step-up-failed')
    expect(failed.map(({ network }) => network?.country)).toEqual(['US', 'DE'])
  })
})

test('a thief next door with a cloned browser is found out by the rotating secret', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await page.goto(`${town.shopUrl}/basket`)
    await copyCookie(page)

    const ordered = await steal(page, 'next-door', 'order')
    town.pass(90_000)
    const challenged = await ownerAsks(page)
    const thief = await steal(page, 'next-door', 'browse')
    await page.goto(town.shopUrl)
    await page.waitForURL('**/step-up?return=%2F')
    const warned = await textOf(page, '[data-tries]')
    await page.fill('#code', await phoneCode(page))
    await page.click('text=Confirm')
    await page.waitForSelector('[data-meanwhile]')
    const told = await page.locator('[data-meanwhile] tbody tr').allTextContents()
    await page.click('text=Go on')
    await page.waitForSelector('.product')
    const after = await steal(page, 'next-door', 'browse')

    expect(ordered.status).toBe(201)
    expect(warned).toBe('Two browsers hold this session. A wrong answer ends it for both.')
    expect(told).toEqual([expect.stringContaining('Changed or ordered')])
    expect(challenged).toEqual([401, 'step_up_required'])
    expect([thief.status, thief.code]).toEqual([401, 'step_up_required'])
    expect([after.status, after.code]).toEqual([401, 'token_superseded'])
    expect(await ownerAsks(page)).toEqual([200, null])
  })
})

test('logout ends the session for the copy and for the back button, too', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await page.goto(`${town.shopUrl}/account`)
    await copyCookie(page)
    await page.click('text=Log out')
    await page.waitForURL('**/login')

    await page.goBack()
    await page.waitForURL('**/login**')
    const replayed = await page.evaluate(async () => (await fetch('/api/orders')).status)
    const stolen = await steal(page, 'next-door', 'orders')

    expect(replayed).toBe(401)
    expect([stolen.status, stolen.code]).toEqual([401, 'session_unknown'])
    expect((await town.events()).find(({ type }) => type === 'session-revoked')?.reason).toBe(
      'logout',
    )
  })
})

test('after five wrong codes one can still travel on, log out, and begin again', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await travel(page, 'new-york', 'stays')
    await page.waitForURL('**/step-up?return=%2F')
    const left: string[] = []
    for (const code of ['000001', '000002', '000003', '000004']) {
      await page.fill('#code', code)
      await page.click('text=Confirm')
      await page.waitForSelector('[role="alert"]')
      left.push(await textOf(page, '[data-tries]'))
    }
    await page.fill('#code', '000005')
    await page.click('text=Confirm')
    await page.waitForSelector('h1:has-text("Too many wrong codes")')
    const refused = await textOf(page, 'main')
    await page.reload()
    const reloaded = await textOf(page, 'main')

    expect(left.map((text) => text.split(' ')[0])).toEqual(['4', '3', '2', 'One'])
    expect(refused).toContain('attempts_exhausted')
    expect(reloaded).toContain('Too many wrong codes')
    await travel(page, 'oslo', 'stays')
    await page.waitForSelector('.product')
    await travel(page, 'new-york', 'stays')
    await page.waitForSelector('h1:has-text("Too many wrong codes")')
    await page.click('text=Log out and begin again')
    await page.waitForURL('**/login')
  })
})

test('a thief who guesses codes elsewhere keeps no owner from proving herself', async () => {
  await inTown(async (page, context) => {
    await logIn(page, 'ada')
    await travel(page, 'new-york', 'stays')
    await page.waitForURL('**/step-up**')
    const guesses = async (): Promise<number> => {
      await page.goto(`${town.shopUrl}/step-up`)
      return page.evaluate(async () => {
        const body = new URLSearchParams({ factor: 'totp', value: '000000', next: '/' })
        return (await fetch('/step-up', { method: 'POST', body })).status
      })
    }
    const statuses: number[] = []
    for (let session = 0; session < 3; session++) {
      for (let guess = 0; guess < 4; guess++) statuses.push(await guesses())
      await context.clearCookies({ name: '__Host-session' })
      await moveTo(page, 'oslo', 'follow')
      await logIn(page, 'ada')
      await moveTo(page, session === 2 ? 'boston' : 'new-york', 'stay')
      await page.goto(town.shopUrl)
      await page.waitForURL('**/step-up**')
    }

    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
    expect(statuses.slice(10)).toEqual([429, 429])
    await proveFactor(page)
    await page.waitForSelector('.product')
  })
})

test('goods that do not exist are not here, and the page says so', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await page.goto(`${town.shopUrl}/products/nope`)

    await page.waitForSelector('h1:has-text("Not here")')
    await page.click('text=To the shop')
    await page.waitForSelector('.product')
  })
})

test('a context whose reasons do not sum to its evidence says why, in sentences', async () => {
  await inTown(async (page) => {
    await logIn(page, 'ada')
    await page.goto(`${town.shopUrl}/basket`)
    await copyCookie(page)
    await steal(page, 'tokyo', 'browse')
    town.pass(60_000)
    await page.goto(`${town.shopUrl}/sees`)

    await page.waitForSelector('.context >> text=Chiyoda City, Japan')
    await page.waitForSelector('.context >> text=/Together 60 when judged, 5\\d left after 1 min/')
    expect(await textOf(page, '[data-contexts]')).not.toMatch(/_/)
  })
})

test('fits a phone: no page is wider than its window', async () => {
  await inTown(async (page) => {
    await page.setViewportSize({ width: 375, height: 740 })
    await logIn(page, 'ada')
    const wide: string[] = []

    for (const path of [
      '/',
      '/products/mug',
      '/basket',
      '/orders',
      '/account',
      '/sees',
      '/thief',
    ]) {
      await page.goto(town.shopUrl + path)
      const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)
      if (!fits) wide.push(path)
      expect(await page.locator('text=Log out').count()).toBeGreaterThan(0)
    }

    expect(wide).toEqual([])
  })
})
