import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startChromium } from '../../../packages/holdfast/test/support/chromium.ts'
import { compileBrowserModule, PATIENCE_MS, startTown, type Town } from './start.ts'

/** Each story starts a service with an audit log, four servers and a browser window. */
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
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-inbox-'))
  town = await startTown(browserModule, undefined, { auditDirectory: join(folder, 'audit') })
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  context.setDefaultTimeout(PATIENCE_MS)
  const complaints: string[] = []
  context.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text())
  })
  try {
    await story(await context.newPage(), context)
    expect(complaints).toEqual([])
  } finally {
    await context.close()
    await town.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function logIn(page: Page): Promise<void> {
  await page.goto(town.shopUrl)
  await page.click('[data-fill-name="ada"]')
  await page.click('form[data-holdfast] button.wide')
  await page.waitForSelector('.product')
}

/** The inbox in a tab of its own, once it is live. */
async function openInbox(context: BrowserContext): Promise<Page> {
  const inbox = await context.newPage()
  await inbox.goto(`${town.shopUrl}/inbox`)
  await inbox.waitForSelector('.live.on')
  return inbox
}

async function stealFromTokyo(page: Page): Promise<void> {
  await page.goto(`${town.shopUrl}/thief`)
  await page.click('text=Show the copied cookie')
  await page.waitForSelector('[data-status="401"]')
}

test('a replayed cookie is one alert and one mail, and "not me" ends the session', async () => {
  await inTown(async (page, context) => {
    await logIn(page)
    const inbox = await openInbox(context)
    expect(await inbox.locator('.messages li').count()).toBe(0)

    await stealFromTokyo(page)
    await inbox.waitForSelector('[data-alert]')
    await inbox.waitForSelector('[data-mail]')

    expect(await inbox.locator('[data-alert]').count()).toBe(1)
    expect(await inbox.locator('[data-mail]').allTextContents()).toEqual([
      expect.stringContaining('Kelp & Keel: a new device uses your account'),
    ])
    expect(await inbox.textContent('[data-mail]')).toContain('Japan')

    const opened = context.waitForEvent('page')
    await inbox.click('text=This was not me: end the session')
    const notice = await opened
    await notice.click('text=It was not me: end the session')
    await notice.waitForSelector('text=The session is over')
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForURL('**/login**')
    await inbox.waitForSelector('[data-alert] >> text=/disowned/')
  })
})

test('"it was me" leaves the session alone, and a page opened later has it all', async () => {
  await inTown(async (page, context) => {
    await logIn(page)
    await stealFromTokyo(page)
    const inbox = await openInbox(context)
    await inbox.waitForSelector('[data-mail]')
    await inbox.setViewportSize(PHONE)
    expect(await inbox.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width)

    const opened = context.waitForEvent('page')
    await inbox.click('text=This was me')
    const notice = await opened
    await notice.click('text=Yes, it was me')
    await notice.waitForSelector('text=It is noted that it was you')
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForSelector('text=None yet')
  })
})

test('what nobody has signed does not come into the inbox, and strangers have none', async () => {
  await inTown(async (page) => {
    await page.goto(`${town.shopUrl}/inbox`)
    const forged = await page.request.post(`${town.shopUrl}/inbox/alerts`, {
      headers: { 'webhook-id': 'a', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' },
      data: { type: 'alert.opened', data: { title: 'Forged' } },
    })
    const bare = await page.request.post(`${town.shopUrl}/inbox/notices`)
    const stranger = await page.request.get(`${town.shopUrl}/inbox/stream/nobody`)

    expect([forged.status(), bare.status(), stranger.status()]).toEqual([401, 401, 404])
    expect(await page.textContent('h2#mail-title')).toBe("Ada's mail")
  })
})
