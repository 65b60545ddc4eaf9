import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Got } from './app.ts'

/**
 * An authority that notes what a gateway asks, and answers what it is told: what the real one does
 * on its worst days.
 */
export interface StubAuthority {
  readonly address: string
  readonly asked: readonly Got[]
  /**
   * From now on; a number is a status in the words of the dialect that asks, `hang` no answer at
   * all.
   */
  answer(how: number | 'hang'): void
  close(): Promise<void>
}

export async function stubAuthority(): Promise<StubAuthority> {
  const asked: Got[] = []
  let how: number | 'hang' = 503
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { method = '', url = '', headersDistinct } = request
      asked.push({ method, url, headers: headersDistinct as Got['headers'], body })
      if (how === 'hang') return
      const nginx = url.startsWith('/v1/gate/auth-request')
      const masked = nginx && how !== 200 && how < 500
      response.writeHead(masked ? 401 : how, {
        'cache-control': 'no-store',
        'content-type': 'application/problem+json',
        ...(how === 200 ? { authorization: '' } : { 'holdfast-code': 'too_many_requests' }),
        ...(how === 429 ? { 'retry-after': '7' } : {}),
        ...(nginx ? { 'holdfast-status': String(how) } : {}),
      })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer(next) {
      how = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
