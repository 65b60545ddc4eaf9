import { rm } from 'node:fs/promises'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startChromium } from '../../../packages/holdfast/test/support/chromium.ts'
import { compileBrowserModule, PATIENCE_MS, startTown, type Town } from './start.ts'

/** Each story starts a service, four servers and a browser window. */
vi.setConfig({ testTimeout: 240_000 })

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

/** A fresh town, and the owner's browser in it. */
async function inTown(story: (page: Page, owner: BrowserContext) => Promise<void>): Promise<void> {
  town = await startTown(browserModule)
  const owner = await browser.newContext({ reducedMotion: 'reduce' })
  owner.setDefaultTimeout(PATIENCE_MS)
  try {
    await story(await owner.newPage(), owner)
  } finally {
    await owner.close()
    await town.close()
  }
}

/**
 * Chromium's own authenticator, as of a laptop with a fingerprint reader: WebAuthn without a
 * person.
 */
async function withAuthenticator(page: Page): Promise<{
  readonly devTools: CDPSession
  readonly authenticatorId: string
}> {
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('WebAuthn.enable')
  const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { devTools, authenticatorId }
}

const HOUR = 3_600_000

async function logIn(page: Page, { remember = false } = {}): Promise<void> {
  await page.goto(town.shopUrl)
  await page.click('[data-fill-name="ada"]')
  if (remember) await page.check('[name="remember"]')
  await page.click('form[data-holdfast] button.wide')
  await page.waitForSelector('.product')
}

async function addPasskey(page: Page): Promise<void> {
  await page.goto(`${town.shopUrl}/account`)
  await page.fill('#passkey-name', 'This laptop')
  await page.click('text=Add a passkey')
  await page.waitForSelector('text=Your passkey is added.')
}

/** From one request to the next the browser is somewhere else. */
async function moveTo(page: Page, place: string, clock: 'follow' | 'stay'): Promise<void> {
  await page.request.post(`${town.shopUrl}/edge/place`, {
    form: { place, clock, next: '/' },
    maxRedirects: 0,
  })
}

async function fillAddress(page: Page, note: string): Promise<void> {
  await page.goto(`${town.shopUrl}/account`)
  await page.fill('#name', 'Ada "Countess" <King>')
  await page.fill('#street', 'St James’s Square 12, London & beyond')
  await page.fill('#note', note)
}

/** Enters what the demo phone shows. */
async function enterCode(page: Page): Promise<void> {
  await page.waitForSelector('text=/^\\d{3} \\d{3}$/')
  const shown = (await page.textContent('.phone output')) ?? ''
  await page.fill('#code', shown.replace(' ', ''))
  await page.click('text=Confirm')
}

async function countOf(type: string): Promise<number> {
  return (await town.events()).filter((event) => event.type === type).length
}

test('a thief with the copied cookies is asked and fails; the owner notices nothing', async () => {
  await inTown(async (page, owner) => {
    await withAuthenticator(page)
    await logIn(page)
    await addPasskey(page)
    const thief = await browser.newContext({
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
      locale: 'vi-VN',
      timezoneId: 'Asia/Tokyo',
    })
    thief.setDefaultTimeout(PATIENCE_MS)
    try {
      const cookies = await owner.cookies()
      await thief.addCookies(cookies.filter(({ name }) => name === '__Host-session'))
      const stolen = await thief.newPage()
      await withAuthenticator(stolen)
      await moveTo(stolen, 'tokyo', 'stay')
      await stolen.goto(`${town.shopUrl}/account`)
      await stolen.waitForSelector('h1:has-text("Is it you?")')

      const status = await stolen.evaluate(async () => {
        const headers = { accept: 'application/json' }
        const answer = await fetch('/account', { headers })
        return [answer.status, answer.headers.get('www-authenticate')] as const
      })
      await stolen.click('text=Use your passkey')
      await stolen.waitForSelector('text=No passkey was used.')
      const declined = await countOf('step-up-failed')
      for (let i = 0; i < 5; i++) {
        await stolen.fill('#code', `00000${i}`)
        await stolen.click('text=Confirm')
        await stolen.waitForSelector(
          i < 4 ? '[role="alert"]' : 'h1:has-text("Too many wrong codes")',
        )
      }
      await stolen.goto(town.shopUrl)
      const shut = await stolen.textContent('h1')

      await page.goto(`${town.shopUrl}/account`)
      await page.click('text=Keep this address >> visible=true', { trial: true })
      await page.goto(town.shopUrl)
      await page.waitForSelector('.product')

      expect(status).toEqual([
        401,
        'Bearer error="insufficient_user_authentication", error_description="step_up_required"',
      ])
      expect(declined).toBe(0)
      expect(shut).toBe('Too many wrong codes')
      const events = await town.events()
      const failed = events.filter(({ type }) => type === 'step-up-failed')
      expect(failed.map(({ network }) => network?.country)).toEqual(Array(5).fill('JP'))
      expect(events.map(({ type }) => type)).not.toContain('step-up-completed')
      const asked = events.filter(({ type }) => type === 'step-up-required')
      expect(asked.every(({ network }) => network?.country === 'JP')).toBe(true)
    } finally {
      await thief.close()
    }
  })
})

test('an owner who travels is asked once; after a passkey the form arrives as typed', async () => {
  await inTown(async (page) => {
    await withAuthenticator(page)
    await logIn(page)
    await addPasskey(page)
    await fillAddress(page, 'Ring twice.\nThe dog is called "Babbage" & bites <nobody>.')
    await moveTo(page, 'new-york', 'stay')

    await page.click('text=Keep this address')
    await page.waitForURL('**/step-up?**')
    const { searchParams } = new URL(page.url())
    await page.click('text=Use your passkey')
    await page.waitForSelector('text=Your address is kept.')

    expect([...searchParams.keys()].sort()).toEqual(['form', 'return', 'sensitivity'])
    expect(searchParams.get('return')).toBe('/account')
    expect(await page.inputValue('#name')).toBe('Ada "Countess" <King>')
    expect(await page.inputValue('#street')).toBe('St James’s Square 12, London & beyond')
    expect(await page.inputValue('#note')).toBe(
      'Ring twice.\nThe dog is called "Babbage" & bites <nobody>.',
    )
    await page.goto(`${town.shopUrl}/orders`)
    await fillAddress(page, 'Ring once.')
    await page.click('text=Keep this address')
    await page.waitForSelector('text=Your address is kept.')
    const events = await town.events()
    expect(events.filter(({ reason }) => reason === 'step_up_begun')).toHaveLength(1)
    const passed = events.filter(({ type }) => type === 'step-up-completed')
    expect(passed.map(({ network }) => network?.country)).toEqual(['US'])
    expect(await page.textContent('.facts')).toContain('passkey')
  })
})

test('a held form is sent once: neither going back nor its address sends it again', async () => {
  await inTown(async (page, owner) => {
    await withAuthenticator(page)
    await logIn(page)
    await addPasskey(page)
    await fillAddress(page, 'First.')
    await moveTo(page, 'new-york', 'stay')
    await page.click('text=Keep this address')
    await page.waitForURL('**/step-up?**')
    const address = page.url()
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(new URL(request.url()).pathname)
    })
    await page.click('text=Use your passkey')
    await page.waitForSelector('text=Your address is kept.')
    await page.goBack()
    await page.waitForURL('**/account')
    await page.goto(address)
    const again = new URL(address)
    again.pathname = '/step-up/continue'
    await page.goto(again.href)
    await page.waitForURL('**/account')
    const cookies = await owner.cookies()

    expect(sent.filter((path) => path === '/account/address')).toEqual(['/account/address'])
    expect(sent.filter((path) => path === '/step-up')).toEqual(['/step-up'])
    const { httpOnly, secure } = cookies.find(({ name }) => name === '__Host-held-forms') ?? {}
    expect([httpOnly, secure]).toEqual([true, true])
  })
})

test('without the passkey: the code of the app, or a recovery code that works once', async () => {
  await inTown(async (page) => {
    await logIn(page)
    await page.goto(`${town.shopUrl}/account`)
    await page.click('text=Make new recovery codes')
    const [first = ''] = await page.locator('[data-codes] li').allTextContents()
    await moveTo(page, 'new-york', 'stay')
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForURL('**/step-up?**')
    await page.click('text=Neither is at hand?')
    await page.fill('#recovery', first.toLowerCase())
    await page.click('text=Use it up')
    await page.waitForURL('**/orders')
    await moveTo(page, 'berlin', 'stay')
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForURL('**/step-up?**')
    await page.click('text=Neither is at hand?')
    await page.fill('#recovery', first)
    await page.click('text=Use it up')

    await page.waitForSelector('text=That is no recovery code, or it was used already.')
    expect(await countOf('step-up-completed')).toBe(1)
  })
})

test('a removed passkey is offered no more, and the route goes on after the code', async () => {
  await inTown(async (page) => {
    await withAuthenticator(page)
    await logIn(page)
    await addPasskey(page)
    await page.click('[data-factors] button.danger')
    await page.waitForSelector('text=That passkey is removed')
    await moveTo(page, 'new-york', 'stay')
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForURL('**/step-up?**')

    expect(await page.locator('text=Use your passkey').count()).toBe(0)
    await page.waitForSelector('text=/^\\d{3} \\d{3}$/')
    const shown = (await page.textContent('.phone output')) ?? ''
    await page.fill('#code', shown.replace(' ', ''))
    await page.click('text=Confirm')
    await page.waitForURL('**/orders')
  })
})

test('whoever ends other sessions has just proved something, and is told why', async () => {
  await inTown(async (page, owner) => {
    await logIn(page)
    const elsewhere = await browser.newContext({ reducedMotion: 'reduce' })
    elsewhere.setDefaultTimeout(PATIENCE_MS)
    await logIn(await elsewhere.newPage())
    town.pass(11 * 60_000)
    await page.goto(`${town.shopUrl}/account`)
    await page.click('text=Log out everywhere else')
    await page.waitForURL('**/step-up?**')
    const reasons = await page.textContent('details ul')
    const { searchParams } = new URL(page.url())
    await enterCode(page)
    await page.waitForSelector('text=You are logged out everywhere else.')
    const cookies = await owner.cookies()
    await elsewhere.close()

    expect([searchParams.get('max_age'), searchParams.get('sensitivity')]).toEqual([
      '600',
      'sensitive',
    ])
    expect(reasons).toContain('a more recent authentication')
    const asked = (await town.events()).filter(({ type }) => type === 'step-up-required')
    expect(asked.map(({ reason }) => reason)).toEqual(['authentication_stale', 'step_up_begun'])
    expect(cookies.length).toBeGreaterThan(2)
    expect(cookies.filter(({ secure }) => !secure).map(({ name }) => name)).toEqual([])
  })
})

test('a session that is over says why, its step-up page asks nobody who logged in', async () => {
  await inTown(async (page) => {
    await logIn(page)
    await moveTo(page, 'new-york', 'stay')
    await page.goto(`${town.shopUrl}/orders`)
    await page.waitForURL('**/step-up?**')
    town.pass(3 * 3_600_000)
    await moveTo(page, 'oslo', 'stay')
    await page.reload()
    await page.waitForURL('**/login?**')
    const { searchParams } = new URL(page.url())
    const said = await page.textContent('[role="alert"]')
    await page.click('[data-fill-name="ada"]')
    await page.click('form[data-holdfast] button.wide')
    await page.waitForURL('**/orders')
    await page.goto(`${town.shopUrl}/step-up?return=%2Fbasket`)
    await page.waitForURL('**/basket')

    expect(Object.fromEntries(searchParams)).toEqual({
      return: '/orders',
      reason: 'session_expired',
    })
    expect(said).toContain('You were away for too long')
    await page.goto(`${town.shopUrl}/login?reason=%3Cb%3Ecall%200800%3C%2Fb%3E`)
    expect(await page.locator('[role="alert"]').count()).toBe(0)
  })
})

test('a laptop that wakes up abroad tells its clock first: nobody is asked', async () => {
  await inTown(async (page, owner) => {
    const devTools = await owner.newCDPSession(page)
    const setClock = (timezoneId: string) =>
      devTools.send('Emulation.setTimezoneOverride', { timezoneId })
    await setClock('Europe/Oslo')
    await logIn(page, { remember: true })
    await page.goto(`${town.shopUrl}/basket`, { waitUntil: 'networkidle' })
    town.pass(14 * HOUR)
    await moveTo(page, 'new-york', 'stay')
    await setClock('America/New_York')
    const visited: string[] = []
    page.on('framenavigated', (frame) => visited.push(new URL(frame.url()).pathname))

    await page.goto(`${town.shopUrl}/orders`).catch(() => undefined) // it is sent on while it loads
    await page.waitForURL('**/orders')

    expect(visited).toEqual(['/step-up', '/orders'])
    expect(await countOf('step-up-completed')).toBe(0)
  })
})
