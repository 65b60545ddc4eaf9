import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { parseClientFacts } from '../../src/adapters/guard/client-facts.ts'
import { scanCookies } from '../../src/carriers/scan-cookies.ts'
import { listening } from '../contracts/apps/listening.ts'
import { startChromium } from '../support/chromium.ts'
import { bundledModule } from './bundled.ts'

let code = ''

beforeAll(async () => {
  code = await bundledModule()
})

test('the module as it is served stands alone and stays below 6 KB', () => {
  expect(code).not.toMatch(/\bimport\b|\brequire\(/)
  expect(gzipSync(code).length).toBeLessThan(6144)
})

test('a real browser sends what the module keeps, over plain HTTP to localhost too', async () => {
  const cookies: string[] = []
  const server = await listening(
    createServer((request, response) => {
      if (request.url === '/holdfast.js') {
        response.setHeader('content-type', 'text/javascript').end(code)
        return
      }
      if (request.url === '/next') cookies.push(request.headers.cookie ?? '')
      response
        .setHeader('content-type', 'text/html')
        .end(
          '<script type="module">import { keepFacts } from "/holdfast.js"; keepFacts(); ' +
            'document.title = "kept"</script>',
        )
    }),
  )
  const browser = await startChromium()
  try {
    const context = await browser.newContext({
      timezoneId: 'Europe/Oslo',
      locale: 'nb-NO',
      screen: { width: 1600, height: 900 },
      viewport: { width: 1200, height: 800 },
    })
    const page = await context.newPage()
    await page.goto(server.origin.replace('127.0.0.1', 'localhost'))
    await page.waitForFunction('document.title === "kept"')
    await page.goto(`${server.origin.replace('127.0.0.1', 'localhost')}/next`)
  } finally {
    await browser.close()
    await server.close()
  }

  const [value = ''] = scanCookies(cookies[0] ?? '', 'hf-client')
  expect(parseClientFacts(value)).toMatchObject({
    screen: '1600x900x1',
    timezone: 'Europe/Oslo',
    languages: ['nb-NO'],
    platform: 'Linux',
    touch: 0,
  })
})
