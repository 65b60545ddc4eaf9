import { describeDevice } from './device.ts'
import { memo } from './memo.ts'
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
 * them costs more than looking them up. Equal requests give the very same object. Holds `remember`
 * devices twice over, of at most 1 KiB of key each: a flood of made-up browsers costs only time.
 */
export function deviceReader({
  remember = 1000,
}: {
  readonly remember?: number
} = {}): (request: RequestFacts) => Device {
  const devices = memo<string, Device>(remember)

  return (request) => {
    const key = keyOf(request)
    if (key === undefined || key.length > MAX_KEY) return describeDevice(request)
    const known = devices.get(key)
    if (known !== undefined) return known
    const device = describeDevice(request)
    devices.set(key, device)
    return device
  }
}

/** Each part has its length in front, so that no client can make one request's key look like another's. */
function keyOf({ headers, client, tls }: RequestFacts): string | undefined {
  // Without a user agent it matters which other headers there are.
  if (!headers['user-agent']) return undefined
  let key = ''
  for (const name of READ_HEADERS) {
    const value = headers[name]
    if (typeof value === 'object') return undefined
    key += part(value)
  }
  key += part(tls)
  if (client === undefined) return key
  key += part(client.screen) + part(client.timezone)
  for (const tag of client.languages ?? []) key += part(tag)
  return key
}

function part(text: string | undefined): string {
  return text === undefined ? '-' : `${text.length}:${text}`
}
