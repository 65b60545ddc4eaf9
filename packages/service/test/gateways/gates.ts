import { type RawAnswer, rawRequest } from '../../../holdfast/src/contracts/adapters/raw-http.ts'
import { KEYS, LOGIN, type Running, running } from '../support.ts'

export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 ' +
  '(KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'

/** A service with its gate, and somebody who is logged in. */
export interface Gated extends Running {
  readonly gate: string
  readonly token: string
  /** Asks the gate as a gateway would, with its key unless `key` says otherwise. */
  ask(path: string, headers: Readonly<Record<string, string>>, ask?: GateAsk): Promise<RawAnswer>
}

export interface GateAsk {
  readonly method?: string
  readonly key?: string | null
  readonly lines?: readonly (readonly [string, string])[]
}

export async function gated(env: Record<string, string> = {}): Promise<Gated> {
  const run = await running(env)
  const created = await run.call('POST', '/v1/sessions', {
    body: {
      ...LOGIN,
      request: {
        ip: '192.0.2.10',
        method: 'POST',
        url: '/login',
        headers: { 'user-agent': CHROME },
      },
    },
  })
  const { token } = await created.json()
  const gate = run.service.gateUrl ?? ''
  return {
    ...run,
    gate,
    token,
    ask(path, headers, { method = 'GET', key = KEYS.gate, lines = [] } = {}) {
      return rawRequest(`${gate}${path}`, {
        method,
        headers: [
          ...(key === null ? [] : [['holdfast-key', key] as const]),
          ...Object.entries(headers),
          ...lines,
        ],
      })
    },
  }
}

/** What a gateway of the first kind says of a request to `/orders?open=1` of the shop. */
export function forwarded(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    'user-agent': CHROME,
    'x-forwarded-method': 'GET',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
    'x-forwarded-uri': '/orders?open=1',
    'x-forwarded-for': '192.0.2.10',
    ...more,
  }
}

/** The same request as nginx tells it. */
export function original(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    'user-agent': CHROME,
    'x-original-method': 'GET',
    'x-original-url': 'https://shop.example/orders?open=1',
    'x-forwarded-for': '192.0.2.10',
    ...more,
  }
}

/** The same request as Envoy passes it on. */
export function passedOn(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    'user-agent': CHROME,
    host: 'shop.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '192.0.2.10',
    ...more,
  }
}

/** The session cookie of a token. */
export function cookieOf(token: string): string {
  return `__Host-session=${token}`
}
