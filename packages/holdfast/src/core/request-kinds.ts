import type { BrowserFamily, Device, RequestFacts } from './request.ts'

/** These browsers send client hints over HTTPS. On iOS they do not. */
const SEND_HINTS: ReadonlySet<BrowserFamily> = new Set(['chrome', 'edge', 'opera', 'samsung'])

/**
 * `Sec-Fetch-Dest` of requests that they send without hints: scripts of workers and worklets and
 * what these import, what workers and service workers fetch, and downloads. A page fetches with the
 * same headers and with hints: only the hints tell the two apart. As measured in
 * `docs/measured/request-kinds.json`.
 */
const WITHOUT_HINTS: ReadonlySet<unknown> = new Set([
  'empty',
  'script',
  'worker',
  'sharedworker',
  'serviceworker',
  'audioworklet',
])

export function sendsHints({ family, os }: Pick<Device, 'family' | 'os'>): boolean {
  return SEND_HINTS.has(family) && os !== 'ios'
}

/**
 * Whether browsers leave hints out of requests of this kind. The opening of a WebSocket has no
 * `Sec-Fetch-Dest`. Its version comes through every gateway.
 */
export function mayOmitHints({ headers }: Pick<RequestFacts, 'headers'>): boolean {
  return (
    WITHOUT_HINTS.has(headers['sec-fetch-dest']) || headers['sec-websocket-version'] !== undefined
  )
}

/**
 * Whether a browser asks before anybody has asked for the page: a prefetch, a prerender, or what a
 * prerendered page asks for (`Sec-Purpose` of the Fetch standard). Whoever forges the header loses
 * by it.
 */
export function isSpeculative({ headers }: Pick<RequestFacts, 'headers'>): boolean {
  const purpose = headers['sec-purpose']
  return purpose !== undefined && PREFETCH.test(String(purpose))
}

const PREFETCH = /\bprefetch\b/i

/** Whether a browser that sends hints left them out of a request of a kind that has none. */
export function isPartial(request: Pick<RequestFacts, 'headers'>, device: Device): boolean {
  return device.hints === null && sendsHints(device) && mayOmitHints(request)
}
