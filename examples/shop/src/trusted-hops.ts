import type { GuardOptions } from 'holdfast/express'

/**
 * Whose word about the client's address counts: that of this machine's own hops (the edge before
 * the gateway, the gateway before the services), in one header family. Everything of the example
 * listens on loopback alone.
 */
export const BEHIND_OWN_HOPS = {
  address: { trust: { proxies: ['127.0.0.1/32'] }, header: 'x-forwarded-for' },
} as const satisfies GuardOptions
