import type { Lookup } from '../core/lookup.ts'
import { memo } from '../core/memo.ts'
import type { Network } from '../core/request.ts'
import { type DescribeOptions, type Located, located, placed } from './describe.ts'

const REMEMBERED = 5_000
const STALE_MS = 60_000

/**
 * A description of networks that remembers: one client comes from one address, and looking it up in geo data costs
 * more than all else about it. Looks everything up again after a minute, so that new data is seen; what an address is by
 * itself never changes.
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
