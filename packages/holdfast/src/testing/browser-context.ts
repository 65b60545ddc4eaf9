import { createServer } from 'node:http'
import { DEVICE_HEADERS } from '../core/request.ts'
import type { BrowserCookie } from './cookie-jar.ts'
import type { Device } from './devices.ts'

/** A browser context of Playwright, as far as it is used. */
export interface BrowserContext {
  newPage(): Promise<{
    goto(url: string): Promise<unknown>
    close(): Promise<void>
  }>
  addCookies(cookies: readonly BrowserCookie[]): Promise<void>
}

export function isBrowserContext(app: unknown): app is BrowserContext {
  return typeof app === 'object' && app !== null && 'addCookies' in app && 'newPage' in app
}

/** How the browser describes itself: what it sends to a server that was started to be asked. */
export async function deviceOf(context: BrowserContext): Promise<Device> {
  let sent: Device = {}
  const server = createServer(({ headers }, response) => {
    const described = DEVICE_HEADERS.flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value] as const] : []
    })
    sent = { ...Object.fromEntries(described), ...sent }
    response.setHeader('content-type', 'text/html').end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const page = await context.newPage()
  try {
    await page.goto(`http://127.0.0.1:${port}/`)
  } finally {
    await page.close()
    server.closeAllConnections()
    server.close()
  }
  return sent
}
