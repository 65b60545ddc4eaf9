import type { Lookup } from '../core/lookup.ts'
import { selectiveMemo } from '../core/memo.ts'
import type { Network } from '../core/request.ts'
import { type DescribeOptions, type Located, located, placed, prefixOf } from './describe.ts'

/** As many as sessions are remembered as shipped; some 380 bytes each. */
const REMEMBERED_ADDRESSES = 20_000
const REMEMBERED_NETWORKS = 5_000
const STALE_MS = 60_000

/** Describes networks by their addresses. */
export interface NetworkReader {
  /** What an address says by itself. It never changes. */
  readonly locate: (ip: string | null) => Located
  /** The prefix of what `locate` says. */
  readonly prefixOf: (ip: string | null) => string | null
  /** With what geo data says of it. */
  readonly describe: (ip: string | null) => Network
  /** As `describe`, of an address that was located before. */
  readonly lookUp: (located: Located) => Network
}

/**
 * Describes networks and remembers the result, because a client keeps its address and a look-up in
 * geo data is the dearest part. Geo data is looked up again after a minute, so that new data is
 * seen.
 */
export function networkReader(
  { lookup, prefixes }: DescribeOptions,
  now: () => number,
): NetworkReader {
  const addresses = selectiveMemo<Located>(REMEMBERED_ADDRESSES)
  const lookUp = lookup === undefined ? (address: Located) => address : freshly(lookup, now)

  function locate(ip: string | null): Located {
    if (ip === null) return located(ip, prefixes)
    const known = addresses.get(ip)
    if (known !== undefined) return known
    const address = located(ip, prefixes)
    if (addresses.takes(ip)) addresses.set(ip, address)
    return address
  }

  return {
    lookUp,
    locate,
    prefixOf: (ip) => prefixOf(ip, prefixes),
    describe: (ip) => lookUp(locate(ip)),
  }
}

function freshly(lookup: Lookup, now: () => number): (address: Located) => Network {
  const networks = selectiveMemo<Network>(REMEMBERED_NETWORKS)
  let since = now()

  return (located) => {
    const at = now()
    if (Math.abs(at - since) >= STALE_MS) {
      networks.clear()
      since = at
    }
    const { address } = located
    if (address === null) return located
    const known = networks.get(address)
    if (known !== undefined) return known
    const network = placed(located, lookup)
    if (networks.takes(address)) networks.set(address, network)
    return network
  }
}
