import { describeDevice } from './device.ts'
import type { Device, RequestFacts } from './request.ts'

const READ_HEADERS = [
  'user-agent',
  'accept-language',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
] as const

/** Longer ones are hardly a browser's, and must not fill the memory. */
const MAX_KEY = 1024

/**
 * {@link describeDevice} that remembers: one browser sends the same headers with every request, and reading
 * them costs more than looking them up. Equal requests give the very same object. Holds at most `remember`
 * devices of at most 1 KiB of key each, and starts over when full: a flood of made-up browsers costs only time.
 */
export function deviceReader({
  remember = 1000,
}: {
  readonly remember?: number
} = {}): (request: RequestFacts) => Device {
  const devices = new Map<string, Device>()

  return (request) => {
    const key = keyOf(request)
    const known = devices.get(key)
    if (known !== undefined) return known
    const device = describeDevice(request)
    if (key.length > MAX_KEY) return device
    if (devices.size >= remember) devices.clear()
    devices.set(key, device)
    return device
  }
}

/** JSON, so that no client can make one request's key look like another's. */
function keyOf(request: RequestFacts): string {
  const { headers, client } = request
  // Without a user agent it matters whether there were other headers at all.
  const rest = headers['user-agent'] ? null : headers
  return JSON.stringify([
    READ_HEADERS.map((name) => headers[name]),
    client?.screen,
    client?.timezone,
    client?.languages,
    rest,
  ])
}
