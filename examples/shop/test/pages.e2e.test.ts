import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startChromium } from '../../../packages/holdfast/test/support/chromium.ts'
import { compileBrowserModule, PATIENCE_MS, startTown, type Town } from './start.ts'

/** Each story starts a service, four servers and a browser window. */
vi.setConfig({ testTimeout: 240_000 })

const PHONE = { width: 375, height: 740 }

let town: Town
let browser: Browser
let browserModule: string

beforeAll(async () => {
  browser = await startChromium()
  browserModule = await compileBrowserModule()
})

afterAll(async () => {
  await browser?.close()
  await rm(browserModule, { recursive: true, force: true })
})

async function inTown(
  story: (page: Page, context: BrowserContext) => Promise<void>,
  store?: string,
): Promise<void> {
  town = await startTown(browserModule, undefined, store === undefined ? {} : { store })
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  context.setDefaultTimeout(PATIENCE_MS)
  try {
    await story(await context.newPage(), context)
  } finally {
    await context.close()
    await town.close()
  }
}

async function logIn(page: Page): Promise<void> {
  await page.goto(town.shopUrl)
  await page.click('[data-fill-name="ada"]')
  await page.click('form[data-holdfast] button.wide')
  await page.waitForSelector('.product')
}

test('What Holdfast sees marks this browser, and says everything in plain words', async () => {
  await inTown(async (page, context) => {
    await logIn(page)
    const devTools = await context.newCDPSession(page)
    await devTools.send('WebAuthn.enable')
    await devTools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await page.goto(`${town.shopUrl}/account`)
    await page.click('text=Add a passkey')
    await page.waitForSelector('text=Your passkey is added.')
    await page.request.post(`${town.shopUrl}/edge/place`, {
      form: { place: 'new-york', clock: 'stay', next: '/' },
      maxRedirects: 0,
    })
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForURL('**/step-up?**')
    await page.click('text=Use your passkey')
    await page.waitForURL('**/orders')
    await page.evaluate(() => fetch('/thief/copy', { method: 'POST' }))
    await page.evaluate(() =>
      fetch('/thief/replay', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ preset: 'tokyo', target: 'browse' }),
      }),
    )
    await page.goto(`${town.shopUrl}/sees`)
    await page.waitForSelector('.context.challenged')
    await page.waitForSelector('[data-events] >> text=/By passkey/')
    const here = await page.locator('.context:has([data-here]) h3').allTextContents()
    const words = (await page.textContent('main')) ?? ''

    expect(here).toEqual([expect.stringContaining('United States')])
    const id = (await page.textContent('[data-session] code')) ?? ''
    expect(words.replace(id, '')).not.toMatch(/deciban|\d dB|\w_\w|[a-z]\+[a-z]/i)
  })
})

/** Travels by the menu, with a clock that stays behind. */
async function travel(page: Page, place: string): Promise<void> {
  await page.click('.place summary')
  await page.check(`.place input[value="${place}"]`)
  await page.uncheck('.place input[name="clock"]')
  await page.click('text=Go there')
}

/** Enters what the phone beside the question shows. */
async function proveFactor(page: Page): Promise<void> {
  await page.waitForURL('**/step-up?return=%2F')
  await page.waitForSelector('text=/^\\d{3} \\d{3}$/')
  const code = (await page.textContent('.phone output')) ?? ''
  await page.fill('#code', code.replace(' ', ''))
  await page.click('text=Confirm')
  await page.waitForSelector('.product')
}

test('who travels without a clock is asked in every run of the tour', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shop-runs-'))
  const store = `lmdb:${join(folder, 'store')}`

  for (let run = 0; run < 2; run++) {
    await inTown(async (page) => {
      await logIn(page)
      await travel(page, 'new-york')
      await proveFactor(page)
    }, store)
  }

  await rm(folder, { recursive: true, force: true })
})

test('"Begin again" ends all sessions, empties the basket, brings the visitor home', async () => {
  await inTown(async (page, context) => {
    await logIn(page)
    await page.click('.product >> nth=0 >> button')
    await page.evaluate(() => fetch('/thief/copy', { method: 'POST' }))
    const other = await browser.newContext({ reducedMotion: 'reduce' })
    other.setDefaultTimeout(PATIENCE_MS)
    const elsewhere = await other.newPage()
    await logIn(elsewhere)
    await page.goto(`${town.shopUrl}/sees`)
    await page.click('[data-begin-again] button')
    await page.waitForURL('**/login?reason=begun_again')
    const names = (await context.cookies()).map(({ name }) => name)
    const basket = await page.evaluate(() => localStorage.getItem('basket'))
    await elsewhere.goto(`${town.shopUrl}/orders`)
    await elsewhere.waitForURL('**/login**')
    await other.close()

    expect(names.filter((name) => /session|demo_|edge_/.test(name))).toEqual([])
    expect(basket).toBeNull()
    await page.waitForSelector('text=You are home, and logged out everywhere.')
  })
})

test('"Begin again" that another site sends does nothing', async () => {
  await inTown(async (page) => {
    await logIn(page)
    const answer = await page.request.post(`${town.shopUrl}/demo/begin-again`, {
      headers: { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' },
      maxRedirects: 0,
    })
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForSelector('text=None yet')

    expect(answer.status()).toBe(403)
  })
})

test('on a phone the thief’s answer comes into view; Escape closes the travel menu', async () => {
  await inTown(async (page) => {
    await page.setViewportSize(PHONE)
    await logIn(page)
    await page.goto(`${town.shopUrl}/thief`)
    await page.click('text=Show the copied cookie')
    await page.waitForSelector('[data-status="401"]')
    const top = await page.evaluate(
      () => document.querySelector('[data-answer]')?.getBoundingClientRect().top ?? -1,
    )
    await page.evaluate(() => scrollTo(0, 0))
    await page.click('.place summary')
    await page.check('.place input[value="berlin"]')
    await page.keyboard.press('Escape')
    const closed = await page.locator('details.place:not([open])').count()
    const focused = await page.evaluate(() => document.activeElement?.tagName)
    await page.click('.place summary')
    await page.mouse.click(8, PHONE.height - 8)
    const again = await page.locator('details.place:not([open])').count()

    expect(top).toBeGreaterThanOrEqual(0)
    expect(top).toBeLessThan(PHONE.height / 2)
    expect([closed, focused, again]).toEqual([1, 'SUMMARY', 1])
  })
})

test('the thief’s page says that nobody is logged in, and leads there and back', async () => {
  await inTown(async (page) => {
    await page.goto(`${town.shopUrl}/thief`)
    const said = await page.textContent('[data-logged-out]')
    const disabled = await page.isDisabled('text=Show the copied cookie')
    await page.click('main a[href="/login?return=/thief"]')
    // The page has loaded then, and with it the script that fills the form.
    await page.waitForURL(`${town.shopUrl}/login?return=/thief`)
    await page.click('[data-fill-name="ada"]')
    await page.click('form[data-holdfast] button.wide')
    await page.waitForURL(`${town.shopUrl}/thief`)
    await page.waitForSelector('[data-owner-log] li')
    await page.context().clearCookies({ name: '__Host-session' })
    await page.click('text=Show the copied cookie')
    await page.waitForSelector('[data-copy-note] a[href="/login?return=/thief"]')

    expect(said).toContain('There is no cookie to steal: log in first.')
    expect(disabled).toBe(true)
  })
})

test('recovery codes can be copied and downloaded, just as they are shown', async () => {
  await inTown(async (page, context) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: town.shopUrl })
    await logIn(page)
    await page.goto(`${town.shopUrl}/account`)
    await page.click('text=Make new recovery codes')
    const codes = await page.locator('[data-codes] li').allTextContents()
    // Only a page in front may copy.
    await page.bringToFront()
    await page.click('[data-copy-codes]')
    const note = await page.waitForSelector('[data-codes-note]:not(:empty)')
    expect(await note.textContent()).toContain('Copied.')
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    const waiting = page.waitForEvent('download')
    await page.click('[data-download-codes]')
    const download = await waiting
    const file = await readFile(await download.path(), 'utf8')

    expect(codes).toHaveLength(10)
    expect(copied.split('\n')).toEqual(codes)
    expect(download.suggestedFilename()).toBe('recovery-codes.txt')
    expect(file.trim().split('\n').slice(2)).toEqual(codes)
  })
})
