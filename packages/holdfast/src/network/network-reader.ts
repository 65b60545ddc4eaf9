import { memo } from '../core/memo.ts'
import type { Network } from '../core/request.ts'

const REMEMBERED = 5_000
const STALE_MS = 60_000

/**
 * A description of networks that remembers: one client comes from one address, and looking it up in geo data costs
 * more than all else about it. Starts over every minute, so that new data is seen.
 */
export function networkReader(
  describe: (ip: string | null) => Network,
  now: () => number,
): (ip: string | null) => Network {
  const networks = memo<string | null, Network>(REMEMBERED)
  let since = now()

  return (ip) => {
    const at = now()
    if (Math.abs(at - since) >= STALE_MS) {
      networks.clear()
      since = at
    }
    const known = networks.get(ip)
    if (known !== undefined) return known
    const network = describe(ip)
    networks.set(ip, network)
    return network
  }
}
