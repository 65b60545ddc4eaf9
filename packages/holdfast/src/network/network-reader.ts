import type { Lookup } from '../core/lookup.ts'
import { memo } from '../core/memo.ts'
import type { Network } from '../core/request.ts'
import { type DescribeOptions, type Located, located, placed } from './describe.ts'

const REMEMBERED = 5_000
const STALE_MS = 60_000

/**
 * Describes networks and remembers the result, because a client keeps its address and a look-up in
 * geo data is the dearest part. Geo data is looked up again after a minute, so that new data is
 * seen; what follows from the address alone never changes.
 */
export function networkReader(
  { lookup, prefixes }: DescribeOptions,
  now: () => number,
): (ip: string | null) => Network {
  const addresses = memo<string | null, Located>(REMEMBERED)
  const networks = lookup === undefined ? undefined : freshly(lookup, now)

  return (ip) => {
    const known = addresses.get(ip)
    const address = known ?? located(ip, prefixes)
    if (known === undefined) addresses.set(ip, address)
    return networks === undefined ? address : networks(address)
  }
}

function freshly(lookup: Lookup, now: () => number): (address: Located) => Network {
  const networks = memo<string | null, Network>(REMEMBERED)
  let since = now()

  return (located) => {
    const at = now()
    if (Math.abs(at - since) >= STALE_MS) {
      networks.clear()
      since = at
    }
    const known = networks.get(located.address)
    if (known !== undefined) return known
    const network = placed(located, lookup)
    networks.set(located.address, network)
    return network
  }
}
