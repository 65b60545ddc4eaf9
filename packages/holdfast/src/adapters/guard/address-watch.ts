import { parseClientAddress } from '../../network/address.ts'
import type { ClientAddress } from '../../network/client-address.ts'
import { isPublic } from '../../network/describe.ts'
import { CLIENT_HEADERS, forwardingHeaders } from '../../network/forwarding.ts'
import type { ClientAddressOptions } from '../../network/trusted-proxies.ts'
import type { HttpFacts } from './http-request.ts'
import type { Warn } from './warnings.ts'

/** Looks at a request with a session, and warns where no client's address can be known. */
export type AddressWatch = (facts: HttpFacts, ip: ClientAddress['ip']) => void

/** A proxy that reports its client does so with every request, so the first ones suffice. */
const LOOKED_AT = 100

/** One client that has hung up has no address any more. */
const UNKNOWN_PEERS = 3

export function addressWatch(
  { trust, header = 'x-forwarded-for' }: ClientAddressOptions = {},
  warn: Warn,
): AddressWatch {
  const [reports = ''] = forwardingHeaders(header)
  let left = LOOKED_AT
  let unknownPeers = 0

  function look({ peer, header: lookUp }: HttpFacts, ip: string | null): void {
    if (trust === undefined) {
      if (peer === undefined) {
        unknownPeers++
        if (unknownPeers === UNKNOWN_PEERS) warn('peerUnknown')
      } else if (isInside(ip) && CLIENT_HEADERS.some((name) => lookUp(name) !== undefined)) {
        warn('proxyNotTrusted')
      }
      return
    }
    if ((ip === null || isInside(ip)) && lookUp(reports) === undefined) warn('proxySilent')
  }

  return (facts, ip) => {
    if (left === 0) return
    left--
    look(facts, ip)
  }
}

function isInside(ip: string | null): boolean {
  const address = ip === null ? undefined : parseClientAddress(ip)
  return address !== undefined && !isPublic(address)
}
