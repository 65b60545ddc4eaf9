import { rm } from 'node:fs/promises'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startChromium } from '../../../packages/holdfast/test/support/chromium.ts'
import { GATEWAYS } from '../../../tools/shop-gateway.mjs'
import { compileBrowserModule, PATIENCE_MS, startTown } from './start.ts'

vi.setConfig({ testTimeout: 240_000 })

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

test.each(GATEWAYS)(
  'behind a real %s the same shop works, and its services believe signed tokens alone',
  async (name) => {
    const town = await startTown(browserModule, name)
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    context.setDefaultTimeout(PATIENCE_MS)
    try {
      const page = await context.newPage()
      await page.goto(town.shopUrl)
      await page.click('[data-fill-name="ada"]')
      await page.click('form[data-holdfast] button.wide')
      await page.waitForSelector('.product')
      await page.click('.product >> nth=0 >> button')
      await page.goto(`${town.shopUrl}/basket`)
      await page.click('text=Place the order')
      await page.waitForSelector('text=1 × Enamel mug')

      const cookies = await context.cookies()
      const cookie = cookies.map((one) => `${one.name}=${one.value}`).join('; ')
      const past = await fetch(`${town.ordersUrl}/api/orders`, { headers: { cookie } })
      const forged = await fetch(`${town.shopUrl}/api/orders`, {
        headers: { authorization: 'Bearer e30.e30.', 'x-user-id': 'ada' },
      })
      const stolen = await fetch(`${town.shopUrl}/api/orders`, {
        method: 'POST',
        headers: {
          cookie: `${cookie}; edge_place=sao-paulo; edge_clock=stay`,
          'user-agent': 'curl/8',
          'sec-fetch-site': 'same-origin',
        },
      })

      expect([past.status, forged.status, stolen.status]).toEqual([401, 401, 401])
      expect(await past.json()).toMatchObject({ code: 'token_missing' })
      expect(await stolen.json()).toMatchObject({ code: 'step_up_required' })
      const events = await town.events()
      const networks = events.flatMap((event) => ('network' in event ? [event.network] : []))
      expect(networks.length).toBeGreaterThan(0)
      expect(JSON.stringify(networks)).not.toContain('127.0.0.1')
    } finally {
      await context.close()
      await town.close()
    }
  },
)
