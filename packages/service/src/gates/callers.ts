import { addressSet, parseAddress, parseCidr } from 'holdfast/network'
import { secretsOf } from '../api/callers.ts'
import type { ApiKey } from '../config/api-keys.ts'

/** Whether somebody is one of our gateways: by a key with the role `gate`, or by address. */
export type IsGateway = (caller: {
  readonly key: string | readonly string[] | undefined
  readonly address: string | undefined
}) => boolean

/**
 * Gateways are recognised first, because a gate believes what they report about their clients.
 */
export function gatewaysOf(keys: readonly ApiKey[], peers: readonly string[]): IsGateway {
  const known = secretsOf(keys)
  const trusted = addressSet(peers.flatMap((peer) => parseCidr(peer) ?? []))
  return ({ key, address }) => {
    if (typeof key === 'string' && key !== '') {
      const roles = known(key)?.roles ?? []
      if (roles.includes('gate')) return true
    }
    if (peers.length === 0 || address === undefined) return false
    const parsed = parseAddress(address)
    return parsed !== undefined && trusted.has(parsed)
  }
}

/** Behind a unix socket: whoever may open it is a gateway. */
export const anybody: IsGateway = () => true
