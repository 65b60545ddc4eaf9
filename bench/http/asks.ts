import { REQUEST, requestFrom } from '../facts.ts'
import type { Ask } from './load.ts'
import { API_KEY } from './server.ts'
import type { Crowd, Visitor } from './visitors.ts'

export const VERIFY = '/v1/verify'

/** One presentation, or a batch of several. */
export function askOf({ headers }: Crowd, visitors: readonly Visitor[]): Ask {
  const all = visitors.map(({ cookie, ip }) => presentedBy(cookie, ip, headers))
  const [first = ''] = all
  const batch = visitors.length > 1
  const body = batch ? `{"presented":[${all.join(',')}]}` : first
  const lines = [
    `POST ${VERIFY}${batch ? '/batch' : ''} HTTP/1.1`,
    'host: service.example',
    `authorization: Bearer ${API_KEY}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return {
    request: `${lines.join('\r\n')}\r\n\r\n${body}`,
    expected: visitors.flatMap(({ user }) => ['"ok":true', `"subject":"${user}"`]),
    ips: visitors.map(({ ip }) => ip),
  }
}

export function presentedBy(cookie: string, ip: string, headers: Crowd['headers']): string {
  const { headers: ours, ...request } = requestFrom(ip)
  const sent = Object.fromEntries(Object.keys(ours).map((name) => [name, headers[name]]))
  const token = /__Host-[a-z]+=([^;]+)/.exec(cookie)?.[1]
  return JSON.stringify({ token, request: { ...request, headers: sent }, deliverable: true })
}

/**
 * What nginx, Caddy or HAProxy would ask before they let a page be fetched. Answers are headers
 * alone.
 */
export function gateAskOf({ headers }: Crowd, { cookie, ip }: Visitor): Ask {
  const lines = [
    'GET /v1/gate/forward-auth?audience=app HTTP/1.1',
    'host: service.example',
    `holdfast-key: ${API_KEY}`,
    'x-forwarded-method: GET',
    'x-forwarded-host: shop.example',
    `x-forwarded-uri: ${REQUEST.url}`,
    `x-forwarded-for: ${ip}`,
    `cookie: ${cookie}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return { request: `${lines.join('\r\n')}\r\n\r\n`, expected: ['Bearer '], ips: [ip] }
}
