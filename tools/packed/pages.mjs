import { equal, notEqual } from 'node:assert/strict'

const AT_HOME = { 'x-forwarded-for': '203.0.113.7' }
const ABROAD = { 'x-forwarded-for': '198.51.100.20' }
const SIX_MINUTES = 360_000

/** What a person does on the pages of a project, in Chromium. Throws what is wrong. */
export async function pages(origin, advance) {
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
  try {
    const context = await browser.newContext({ extraHTTPHeaders: AT_HOME })
    const page = await context.newPage()
    const press = (name) => page.getByRole('button', { name }).click()
    const secret = async () => (await context.cookies(origin)).map(({ value }) => value).join()

    await page.goto(`${origin}/account`)
    equal(new URL(page.url()).pathname, '/login')
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('byron')
    await press('Log in')
    await page.getByText('Name or password is wrong.').waitFor()
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('lovelace')
    await press('Log in')
    await page.getByText('Hello ada.').waitFor()

    const first = await secret()
    await advance(SIX_MINUTES)
    await page.goto(`${origin}/account`)
    await page.getByText('Hello ada.').waitFor()
    notEqual(await secret(), first, 'the proxy has not rotated the secret')
    await press('Order')
    await page.getByText('Ordered by ada.').waitFor()

    await context.setExtraHTTPHeaders(ABROAD)
    await page.goto(`${origin}/account`)
    await page.getByText('The backend answers ada.').waitFor()
    await press('Order')
    await page.getByText('Is it you?').waitFor()
    await page.getByLabel('Code').fill('000000')
    await press('Go on')
    await page.getByText('The code is wrong.').waitFor()
    await page.getByLabel('Code').fill('428571')
    await press('Go on')
    await page.getByText('Hello ada.').waitFor()
    await press('Order')
    await page.getByText('Ordered by ada.').waitFor()

    const last = await context.cookies(origin)
    await press('Log out')
    await page.getByRole('link', { name: 'Your account' }).click()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await context.addCookies(last)
    await page.goto(`${origin}/account`)
    equal(new URL(page.url()).pathname, '/login', 'a copy of the cookie outlives the logout')
  } finally {
    await browser.close()
  }
}
