import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseClientFacts } from '../../src/adapters/client-facts.ts'
import { scanCookies } from '../../src/carriers/scan-cookies.ts'
import { listening } from '../contracts/apps/listening.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-browser-'))
let code = ''

beforeAll(() => {
  const source = fileURLToPath(new URL('../../src/browser/index.ts', import.meta.url))
  const compiler = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const built = spawnSync(
    process.execPath,
    [
      join(compiler, 'bin', 'tsc'),
      ...['--ignoreConfig', '--outDir', folder, '--target', 'es2022', '--module', 'esnext'],
      ...['--lib', 'es2023,dom,dom.iterable', '--types', '', '--strict', source],
    ],
    { encoding: 'utf8' },
  )
  expect(built.stdout + built.stderr).toBe('')
  code = readFileSync(join(folder, 'index.js'), 'utf8')
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('the module as it is served stands alone and stays below 4 KB', () => {
  expect(code).not.toMatch(/\bimport\b|\brequire\(/)
  expect(gzipSync(code).length).toBeLessThan(4096)
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
          '<script type="module">import { keepFacts } from "/holdfast.js"; keepFacts(); document.title = "kept"</script>',
        )
    }),
  )
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
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
