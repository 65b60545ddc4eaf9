import { addressSet, parseAddress, parseCidr } from 'holdfast/network'
import { type Caller, secretsOf } from '../api/callers.ts'
import type { ApiKey } from '../config/api-keys.ts'

/** One of our gateways, and the audiences whose access tokens it may ask for. */
export type Gateway = Pick<Caller, 'audiences'>

/**
 * Finds one of our gateways: by a key with the role `gate`, or by address. Undefined for strangers.
 */
export type GatewayOf = (caller: {
  readonly key: string | readonly string[] | undefined
  readonly address: string | undefined
}) => Gateway | undefined

const ANY: Gateway = {}

/**
 * Gateways are recognised first, because a gate believes what they report about their clients. Who
 * shows a key is held to its audiences, wherever it comes from.
 */
export function gatewaysOf(keys: readonly ApiKey[], peers: readonly string[]): GatewayOf {
  const known = secretsOf(keys)
  const trusted = addressSet(peers.flatMap((peer) => parseCidr(peer) ?? []))
  return ({ key, address }) => {
    if (typeof key === 'string' && key !== '') {
      const caller = known(key)
      if (caller?.roles.includes('gate')) return caller
    }
    if (peers.length === 0 || address === undefined) return undefined
    const parsed = parseAddress(address)
    return parsed !== undefined && trusted.has(parsed) ? ANY : undefined
  }
}

/** Behind a unix socket: whoever may open it is a gateway. */
export const anybody: GatewayOf = () => ANY
